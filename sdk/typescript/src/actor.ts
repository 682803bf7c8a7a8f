/** What kind of actor calls. */
export type ActorType = "human" | "agent" | "service";

/**
 * A role as Gatehouse writes it. Roles it invents later are passed on as they
 * are, hence the open end.
 */
export type Role = "system_admin" | "microdao_owner" | "admin" | "member" | "agent" | (string & {});

/**
 * Who is calling. Names are those of the wire, so that an identity can be passed
 * on, logged and compared as it is. It is frozen: requests that come at the same
 * moment with the same credential share one object.
 */
export interface ActorIdentity {
  /** For instance `user:93`; never empty. */
  readonly actor_id: string;
  readonly actor_type: ActorType;
  /** For instance `["microdao:daarion", "microdao:7"]`; may be empty. */
  readonly microdao_ids: readonly string[];
  /** May be empty. */
  readonly roles: readonly Role[];
  /** For instance `93`; `""` when the actor is not human. */
  readonly user_id: string;
}

/**
 * Reads an identity from JSON that was parsed already. Anything that is not
 * exactly one is `undefined`; members we do not know are left out.
 */
export function readActor(value: unknown): ActorIdentity | undefined {
  if (typeof value !== "object" || value === null) {
    return undefined;
  }
  const { actor_id, actor_type, microdao_ids, roles, user_id } = value as Record<string, unknown>;
  const userId = user_id ?? ""; // null and nothing both say "not human"
  if (
    typeof actor_id !== "string" ||
    actor_id === "" ||
    !isActorType(actor_type) ||
    !isTextList(microdao_ids) ||
    !isTextList(roles) ||
    typeof userId !== "string"
  ) {
    return undefined;
  }
  return Object.freeze({
    actor_id,
    actor_type,
    microdao_ids: Object.freeze([...microdao_ids]),
    roles: Object.freeze([...roles]),
    user_id: userId,
  });
}

function isActorType(value: unknown): value is ActorType {
  return value === "human" || value === "agent" || value === "service";
}

function isTextList(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === "string");
}
