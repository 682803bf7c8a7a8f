/** Guards for Nest, on Express or Fastify. Nothing of Nest is imported. */
import type { Role } from "../actor.js";
import type { IncomingRequest } from "../headers.js";
import { Refusal, Unauthenticated } from "../refusals.js";
import { requireRole as check, mustNameRoles } from "../roles.js";
import type { Verifier } from "../verifier.js";
import { actorOf, attachActor } from "./attached.js";

export { actorOf };

/** As much of Nest's ExecutionContext as is needed. */
export interface GuardContext {
  getType(): string;
  switchToHttp(): { getRequest(): unknown; getResponse(): unknown };
}

/** What Nest calls CanActivate. */
export interface Guard {
  canActivate(context: GuardContext): Promise<boolean>;
}

/** What Express and Fastify have in common. */
interface Request extends IncomingRequest {
  readonly raw?: { readonly rawHeaders: readonly string[] };
}

interface Response {
  header(name: string, value: string): unknown;
}

/**
 * Lets a request pass when it is known who sent it; `actorOf(request)` then says
 * who. A refusal is thrown, and Nest answers it with the right status and headers.
 * What does not come by HTTP is refused.
 */
export class ActorGuard implements Guard {
  readonly #verifier: Verifier;

  constructor(verifier: Verifier) {
    this.#verifier = verifier;
  }

  canActivate(context: GuardContext): Promise<boolean> {
    return passes(context, async (request) => {
      const { headers, rawHeaders, raw } = request;
      const sent = rawHeaders ?? raw?.rawHeaders ?? [];
      attachActor(request, await this.#verifier.verify({ headers, rawHeaders: sent }));
    });
  }
}

/**
 * Makes a guard that lets a request pass whose actor has any of these roles, or is
 * a `system_admin`. It comes after an `ActorGuard`; without that it lets nobody in.
 */
export function requireRole(...roles: readonly [Role, ...Role[]]): Guard {
  mustNameRoles(roles);
  return {
    canActivate: (context) => passes(context, async (request) => check(actorOf(request), ...roles)),
  };
}

async function passes(
  context: GuardContext,
  pass: (request: Request) => Promise<void>,
): Promise<true> {
  if (context.getType() !== "http") {
    throw new Unauthenticated();
  }
  const http = context.switchToHttp();
  try {
    await pass(http.getRequest() as Request);
    return true;
  } catch (error) {
    // Nest takes the status from an error, but not the headers.
    if (error instanceof Refusal) {
      const response = http.getResponse() as Response;
      for (const [name, value] of Object.entries(error.headers)) {
        response.header(name, value);
      }
    }
    throw error;
  }
}
