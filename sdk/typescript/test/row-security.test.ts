import assert from "node:assert/strict";
import { test } from "node:test";
import type pg from "pg";
import { type ActorIdentity, setRowSecurity } from "../src/index.js";
import { ada, sofia } from "./world/people.js";
import { startPostgres } from "./world/postgres.js";

const SCHEMA = `
  CREATE TABLE notes (owner text, body text);
  INSERT INTO notes VALUES ('93', 'of ada'), ('94', 'of somebody'), ('', 'of nobody');
  ALTER TABLE notes ENABLE ROW LEVEL SECURITY;
  CREATE POLICY own ON notes USING
    (owner = NULLIF(current_setting('app.current_user_id', true), ''));
  CREATE ROLE app LOGIN;
  GRANT SELECT ON notes TO app;
`;

/** Odd, and harmless as long as it stays a parameter. */
const quoted: ActorIdentity = {
  ...ada,
  user_id: "93'; DROP TABLE notes; --",
  roles: ['"', "\\", "$1", "ö\u2028"],
  microdao_ids: ["a,b", "{}"],
};

test("row security in a real Postgres", async (t) => {
  const postgres = await startPostgres(t);
  await (await postgres.connect("postgres")).query(SCHEMA);
  const client = await postgres.connect("app");

  await t.test(
    "an actor sees their own rows until the transaction ends, and then none",
    async () => {
      for (const end of ["COMMIT", "ROLLBACK"]) {
        await client.query("BEGIN");
        await setRowSecurity(client, ada);
        assert.deepEqual(await notes(client), ["of ada"]);
        await client.query(end);
        assert.deepEqual(await notes(client), []);
      }
    },
  );

  await t.test("the next transaction on the connection starts as nobody", async () => {
    await client.query("BEGIN");
    assert.deepEqual(await notes(client), []);
    assert.equal(await setting(client, "app.current_user_id"), "");
    await client.query("COMMIT");
  });

  await t.test("all five settings say who acts, whatever is in them", async () => {
    await client.query("BEGIN");
    await setRowSecurity(client, quoted);
    assert.equal(await setting(client, "app.current_user_id"), quoted.user_id);
    assert.equal(await setting(client, "app.current_actor_id"), "user:93");
    assert.equal(await setting(client, "app.current_actor_type"), "human");
    const roles = await setting(client, "app.current_roles");
    assert.deepEqual(JSON.parse(roles), quoted.roles);
    const { rows } = await client.query(
      "SELECT current_setting('app.current_microdao_ids')::jsonb ? 'a,b' AS inside",
    );
    assert.deepEqual(rows, [{ inside: true }]);
    await client.query("ROLLBACK");
  });

  await t.test("an actor who is not human sees no rows of people", async () => {
    await client.query("BEGIN");
    await setRowSecurity(client, sofia);
    assert.deepEqual(await notes(client), []);
    await client.query("ROLLBACK");
  });

  await t.test("outside of a transaction it is refused, before anything is sent", async () => {
    const fresh = await postgres.connect("app");
    await assert.rejects(setRowSecurity(fresh, ada), /needs a transaction/);
    await fresh.query("BEGIN");
    await fresh.query("COMMIT");
    await assert.rejects(setRowSecurity(fresh, ada), /needs a transaction/);
    assert.deepEqual(await settings(fresh), [null, null, null, null, null]); // never set
  });

  await t.test("nothing of an actor stays on the connection, however it goes", async () => {
    const silent = { query: (text: string, values: unknown[]) => client.query(text, values) };
    for (const use of [
      ["BEGIN", "COMMIT"],
      ["BEGIN", "ROLLBACK"],
      ["BEGIN", "SELECT 1/0", "COMMIT"],
      ["BEGIN", "SAVEPOINT a", "ROLLBACK TO a", "COMMIT"],
      ["SELECT 1"],
    ]) {
      for (const text of use) {
        await client.query(text).catch(() => {});
        await setRowSecurity(silent, ada).catch(() => {});
        if (text === use.at(-1)) {
          assert.deepEqual(await settings(client), ["", "", "", "", ""], use.join("; "));
          assert.deepEqual(await notes(client), []);
        }
      }
    }
  });

  await t.test("without an actor nothing is done", async () => {
    await client.query("BEGIN");
    for (const nobody of [undefined, null, {}, { ...ada, actor_id: "" }]) {
      await assert.rejects(setRowSecurity(client, nobody as ActorIdentity), /needs an actor/);
    }
    await client.query("ROLLBACK");
  });

  await t.test("a client that cannot say whether a transaction is open is found out", async () => {
    const silent = { query: (text: string, values: unknown[]) => client.query(text, values) };
    await assert.rejects(setRowSecurity(silent, ada), /needs a transaction/);
    await client.query("BEGIN");
    await setRowSecurity(silent, ada);
    assert.deepEqual(await notes(client), ["of ada"]);
    await client.query("COMMIT");
  });

  await t.test("a pool is refused, and a client of one is not", async () => {
    const pool = postgres.pool("app");
    await assert.rejects(setRowSecurity(pool, ada), /needs a transaction/);
    const one = await pool.connect();
    await one.query("BEGIN");
    await setRowSecurity(one, ada);
    assert.deepEqual(await notes(one), ["of ada"]);
    await one.query("COMMIT");
    one.release();
    const { rows } = await pool.query("SELECT body FROM notes");
    assert.deepEqual(rows, []);
  });

  await t.test(
    "a transaction that failed already is not taken for one that is secured",
    async () => {
      await client.query("BEGIN");
      await assert.rejects(client.query("SELECT 1/0"));
      await assert.rejects(setRowSecurity(client, ada), { code: "25P02" });
      await client.query("ROLLBACK");
    },
  );
});

async function notes(client: { query(text: string): Promise<pg.QueryResult> }): Promise<string[]> {
  const { rows } = await client.query("SELECT body FROM notes");
  return rows.map(({ body }: { body: string }) => body);
}

async function settings(client: pg.Client): Promise<(string | null)[]> {
  const names = ["user_id", "actor_id", "actor_type", "roles", "microdao_ids"];
  const columns = names.map((name) => `current_setting('app.current_${name}', true)`);
  const { rows } = await client.query<[]>({
    text: `SELECT ${columns.join(", ")}`,
    rowMode: "array",
  });
  return rows[0] ?? [];
}

async function setting(client: pg.Client, name: string): Promise<string> {
  const { rows } = await client.query("SELECT current_setting($1) AS value", [name]);
  return rows[0].value;
}
