/** A guard for plain `node:http`. */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { ActorIdentity } from "../actor.js";
import { Refusal } from "../refusals.js";
import type { Verifier } from "../verifier.js";

/** What answers a request when it is known who sent it. */
export type ActorListener = (
  request: IncomingMessage,
  response: ServerResponse,
  actor: ActorIdentity,
) => void | Promise<void>;

/**
 * Makes a listener for `createServer` of one that also wants to know who calls.
 * A refusal, also one that the listener throws (as `requireRole` does), is
 * answered as JSON: `{"detail": …}`; after the answer has begun, it is cut off. Any
 * other error of the listener is left to whoever awaits the result.
 */
export function requireActor(
  verifier: Verifier,
  listener: ActorListener,
): (request: IncomingMessage, response: ServerResponse) => Promise<void> {
  return async (request, response) => {
    try {
      await listener(request, response, await verifier.verify(request));
    } catch (error) {
      if (!(error instanceof Refusal)) {
        throw error;
      }
      answer(response, error);
    }
  };
}

function answer(response: ServerResponse, refusal: Refusal): void {
  if (response.headersSent) {
    response.destroy(); // nobody may take half of it for a good answer
    return;
  }
  response.writeHead(refusal.status, {
    "content-type": "application/json",
    "cache-control": "no-store",
    ...refusal.headers,
  });
  response.end(JSON.stringify(refusal));
}
