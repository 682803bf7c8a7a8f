import type { ActorIdentity } from "../actor.js";
import { Unauthenticated } from "../refusals.js";

// Beside the requests and not on them: nothing that a client sends or another
// middleware writes can be taken for an actor.
const actors = new WeakMap<object, ActorIdentity>();

export function attachActor(request: object, actor: ActorIdentity): void {
  actors.set(request, actor);
}

/**
 * Who sent a request, after a guard let it in.
 *
 * @throws {Unauthenticated} when no guard did, so that a forgotten one refuses.
 */
export function actorOf(request: object): ActorIdentity {
  const actor = actors.get(request);
  if (actor === undefined) {
    throw new Unauthenticated();
  }
  return actor;
}
