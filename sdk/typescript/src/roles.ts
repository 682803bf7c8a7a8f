import type { ActorIdentity, Role } from "./actor.js";
import { Forbidden } from "./refusals.js";

/** Has every role, as far as checks go. */
const ADMIN_OF_ALL = "system_admin";

/**
 * Lets an actor pass who has any of these roles, or is a `system_admin`.
 *
 * @throws {Forbidden} otherwise.
 * @throws {TypeError} without any role: that is a mistake, not a check.
 */
export function requireRole(actor: ActorIdentity, ...roles: readonly Role[]): void {
  mustNameRoles(roles);
  if (!actor.roles.some((role) => role === ADMIN_OF_ALL || roles.includes(role))) {
    throw new Forbidden(`this needs the role ${roles.join(" or ")}`);
  }
}

/** Called where guards are made, so that the mistake shows when a service starts. */
export function mustNameRoles(roles: readonly Role[]): void {
  if (roles.length === 0 || roles.some((role) => typeof role !== "string" || role === "")) {
    throw new TypeError("requireRole needs at least one role, and none may be empty");
  }
}
