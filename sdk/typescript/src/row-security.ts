import type { ActorIdentity } from "./actor.js";

/** As much of a client of `pg` as is needed. */
export interface SqlClient {
  query(text: string, values: unknown[]): Promise<{ rows: unknown[] }>;
  /** `I` when no transaction is open; newer versions of `pg` say so. */
  getTransactionStatus?(): string | null;
}

const SETTINGS = [
  "app.current_user_id",
  "app.current_actor_id",
  "app.current_actor_type",
  "app.current_roles",
  "app.current_microdao_ids",
] as const;

// SET LOCAL takes no parameters (42601), set_config does; "true" makes it local.
const SET = `SELECT ${SETTINGS.map((name, i) => `set_config('${name}', $${i + 1}, true)`).join(", ")}`;
const CHECK = `SELECT ${SETTINGS.map((name, i) => `current_setting('${name}', true) = $${i + 1}`).join(" AND ")} AS holds`;

/**
 * Tells Postgres who is acting, until the end of the current transaction, for
 * policies of row security. Call it first in every transaction, on the client
 * that has begun it:
 *
 *     await client.query("BEGIN");
 *     await setRowSecurity(client, actor);
 *
 * After a transaction the settings read `''` and not NULL, so a policy uses
 * `NULLIF(current_setting('app.current_user_id', true), '')`.
 *
 * @throws {Error} outside of a transaction, where nothing would be set. A client
 *   that does not say whether one is open is asked for what was set, which costs
 *   a second statement.
 * @throws {TypeError} without an actor.
 */
export async function setRowSecurity(client: SqlClient, actor: ActorIdentity): Promise<void> {
  if (!actor?.actor_id) {
    throw new TypeError("setRowSecurity needs an actor");
  }
  const status = client.getTransactionStatus?.();
  if (status === "I") {
    throw outsideOfTransaction();
  }
  const values = rowSecurityValues(actor);
  await client.query(SET, values);
  if (status === undefined || status === null) {
    const { rows } = await client.query(CHECK, values);
    if ((rows[0] as { holds?: unknown } | undefined)?.holds !== true) {
      throw outsideOfTransaction();
    }
  }
}

/**
 * The values of the five settings, in the order user id, actor id, actor type,
 * roles, microdaos; the last two are JSON lists. For drivers other than `pg`.
 */
export function rowSecurityValues(
  actor: ActorIdentity,
): [userId: string, actorId: string, actorType: string, roles: string, microdaoIds: string] {
  return [
    actor.user_id ?? "", // an actor that did not come from a verifier may have none
    actor.actor_id,
    actor.actor_type,
    JSON.stringify(actor.roles),
    JSON.stringify(actor.microdao_ids),
  ];
}

function outsideOfTransaction(): Error {
  return new Error("setRowSecurity needs a transaction: outside of one it would set nothing");
}
