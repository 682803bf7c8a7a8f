import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { rowSecurityValues } from "../src/index.js";
import { ada, root } from "./world/people.js";
import { startPostgres } from "./world/postgres.js";
import { compileReadme, readmeBlocks } from "./world/readme.js";
import { answer, play } from "./world/server.js";

const programs = compileReadme();

for (const [name, greeting] of Object.entries({
  "hello.mjs": "Hello user:93, you are member,microdao_owner.\n",
  "fastify.js": JSON.stringify(ada),
  "nest.js": JSON.stringify(ada),
  "node.js": JSON.stringify(ada),
})) {
  test(`the README's ${name} runs with the installed package, and does what is said`, async (t) => {
    const house = await play(t, (request, response) => {
      const who = request.headers.authorization === "Bearer root" ? root : ada;
      answer(200, who)(request, response);
    });
    const url = await programs.start(t, name, { AUTH_SERVICE_URL: house.url });
    const get = (path: string, headers: Record<string, string> = {}) =>
      fetch(url + path, { headers });

    assert.equal((await get("/")).status, 401);
    assert.equal(await (await get("/", { authorization: "Bearer ada" })).text(), greeting);
    assert.equal((await get("/admin", { cookie: "session_token=ada" })).status, 403);
    assert.equal((await get("/admin", { authorization: "Bearer root" })).status, 200);
    house.answer = answer(503, "", { "retry-after": "3" });
    const busy = await get("/", { "x-api-key": "another" });
    assert.deepEqual([busy.status, busy.headers.get("retry-after")], [503, "3"]);
  });
}

test("the README's handler of Fetch requests answers with the actor, or a refusal", async (t) => {
  const house = await play(t, answer(200, ada));
  process.env["AUTH_SERVICE_URL"] = house.url;
  t.after(() => delete process.env["AUTH_SERVICE_URL"]);
  const { handle } = await import(pathToFileURL(programs.module("fetch.js")).href);
  const known = await handle(new Request("http://a", { headers: { authorization: "Bearer a" } }));
  assert.deepEqual(await known.json(), ada);
  const unknown: Response = await handle(new Request("http://a"));
  assert.equal(unknown.status, 401);
  assert.equal(unknown.headers.get("www-authenticate"), "Bearer");
  assert.deepEqual(await unknown.json(), { detail: "authentication is required" });
});

test("the README's policy and statement hold in a real Postgres", async (t) => {
  const postgres = await startPostgres(t);
  const [policy = "", statement = ""] = readmeBlocks("sql");
  await (await postgres.connect("postgres")).query(`
    CREATE TABLE notes (user_id text, body text);
    INSERT INTO notes VALUES ('93', 'of ada'), ('94', 'of somebody'), ('', 'of nobody');
    ${policy}
    CREATE ROLE app LOGIN;
    GRANT SELECT ON notes TO app`);
  const hers = [{ user_id: "93", body: "of ada" }];

  const code = `import { notesOf } from ${JSON.stringify(programs.module("pg.js"))};
    console.log(JSON.stringify(await notesOf(${JSON.stringify(ada)})));
    process.exit();`; // its pool would wait for more
  const printed = execFileSync("node", ["--input-type=module", "-e", code], {
    encoding: "utf8",
    env: { ...process.env, PGHOST: postgres.folder, PGUSER: "app", PGDATABASE: "postgres" },
  });
  assert.deepEqual(JSON.parse(printed), hers);

  const client = await postgres.connect("app");
  await client.query("BEGIN");
  await client.query(statement, rowSecurityValues(ada));
  assert.deepEqual((await client.query("SELECT * FROM notes")).rows, hers);
  await client.query("COMMIT");
  assert.deepEqual((await client.query("SELECT * FROM notes")).rows, []);
});
