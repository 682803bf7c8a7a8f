/** Guards for Fastify 4 and 5: hooks for `onRequest` or `preHandler`. */
import type { Role } from "../actor.js";
import type { PlainHeaders } from "../headers.js";
import { requireRole as check, mustNameRoles } from "../roles.js";
import type { Verifier } from "../verifier.js";
import { actorOf, attachActor } from "./attached.js";

export { actorOf };

/** As much of a FastifyRequest as is needed. */
export interface HookRequest {
  readonly headers: PlainHeaders;
  readonly raw: { readonly rawHeaders: readonly string[] };
}

export type Hook = (request: HookRequest) => Promise<void>;

/**
 * Lets a request pass when it is known who sent it; `actorOf(request)` then says
 * who. A refusal goes to the error handler, and Fastify's own answers it with the
 * right status and headers. As an `onRequest` hook it refuses before the body is read.
 */
export function requireActor(verifier: Verifier): Hook {
  return async (request) => {
    const { headers, raw } = request;
    attachActor(request, await verifier.verify({ headers, rawHeaders: raw.rawHeaders }));
  };
}

/**
 * Lets a request pass whose actor has any of these roles, or is a `system_admin`.
 * It comes after `requireActor`; without that it lets nobody in.
 */
export function requireRole(...roles: readonly [Role, ...Role[]]): Hook {
  mustNameRoles(roles);
  return async (request) => check(actorOf(request), ...roles);
}
