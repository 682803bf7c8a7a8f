/** Guards for Express 4 and 5, and for what else has middleware of this form. */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Role } from "../actor.js";
import { requireRole as check, mustNameRoles } from "../roles.js";
import type { Verifier } from "../verifier.js";
import { actorOf, attachActor } from "./attached.js";

export { actorOf };

/** What Express calls a RequestHandler. */
export type Middleware = (
  request: IncomingMessage,
  response: ServerResponse,
  next: (error?: unknown) => void,
) => void;

/**
 * Lets a request pass when it is known who sent it; `actorOf(request)` then says
 * who. A refusal goes to the error handler, and Express's own answers it with the
 * right status and headers.
 */
export function requireActor(verifier: Verifier): Middleware {
  return (request, _response, next) => {
    verifier.verify(request).then((actor) => {
      attachActor(request, actor);
      next();
    }, next);
  };
}

/**
 * Lets a request pass whose actor has any of these roles, or is a `system_admin`.
 * It comes after `requireActor`; without that it lets nobody in.
 */
export function requireRole(...roles: readonly [Role, ...Role[]]): Middleware {
  mustNameRoles(roles);
  return (request, _response, next) => {
    try {
      check(actorOf(request), ...roles);
    } catch (refusal) {
      next(refusal); // not all that have middleware of this form catch
      return;
    }
    next();
  };
}
