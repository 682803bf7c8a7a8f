/** Real apps in front of a running Gatehouse. `sdk/with-gatehouse` starts one. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { readActor } from "../src/actor.js";
import { createVerifier } from "../src/index.js";
import {
  type StartApp,
  startExpress,
  startFastify,
  startNestOnExpress,
  startNestOnFastify,
  startNode,
} from "../test/guards/apps.js";
import { compileReadme } from "../test/world/readme.js";
import { ADMIN, AGENT, authUrl, issuer, jwtOf, newApiKey, signIn, USER, wayTo } from "./world.js";

const starts: Record<string, StartApp> = {
  Express: startExpress,
  Fastify: startFastify,
  "Nest on Express": startNestOnExpress,
  "Nest on Fastify": startNestOnFastify,
  "node:http": startNode,
};

for (const [framework, start] of Object.entries(starts)) {
  test(`${framework}: everything that says who calls does, and the rest is refused`, async (t) => {
    const app = await start(t, createVerifier({ authUrl, issuer }));
    const get = (path: string, headers: Record<string, string> = {}) =>
      fetch(app + path, { headers });
    const session = await signIn(USER);
    const token = session.session_token;
    const { key } = await newApiKey(session);
    const jwt = await jwtOf(USER);
    const actor = readActor(session.actor);
    assert.equal(actor?.actor_type, "human");
    for (const headers of [
      { authorization: `Bearer ${token}` },
      { authorization: `bearer ${key}` },
      { authorization: `Bearer ${jwt}` },
      { "x-api-key": key },
      { "x-api-key": token },
      { cookie: `theme=dark; session_token=${encodeURIComponent(token)}` },
      { cookie: `__Host-session_token=${token}` },
      { cookie: `session_token=nobody; session_token=${token}` },
      { cookie: `session_token=${jwt}` },
    ]) {
      const response = await get("/me", headers as Record<string, string>);
      assert.deepEqual(await response.json(), actor, Object.keys(headers)[0]);
    }

    const mistyped = key.slice(0, -1) + (key.endsWith("0") ? "1" : "0");
    const forged = jwt.slice(0, -20) + "A".repeat(20);
    for (const headers of [
      {},
      { authorization: "Bearer nobody" },
      { authorization: `Basic ${token}` },
      { authorization: `Bearer ${forged}` },
      { "x-api-key": mistyped },
      { cookie: "session_token=nobody" },
    ]) {
      const response = await get("/me", headers as Record<string, string>);
      assert.equal(response.status, 401, JSON.stringify(headers));
      assert.equal(response.headers.get("www-authenticate"), "Bearer");
    }
  });

  test(`${framework}: a role is needed where it is asked for`, async (t) => {
    const app = await start(t, createVerifier({ authUrl, issuer }));
    for (const [email, status] of [
      [USER, 200],
      [ADMIN, 200],
      [AGENT, 403],
    ] as const) {
      const { session_token } = await signIn(email);
      for (const bearer of [session_token, await jwtOf(email)]) {
        const headers = { authorization: `Bearer ${bearer}` };
        assert.equal((await fetch(`${app}/admin`, { headers })).status, status, email);
      }
    }
  });

  test(`${framework}: while Gatehouse is gone, nobody is let in or called unknown`, async (t) => {
    const way = await wayTo(t, authUrl);
    const app = await start(t, createVerifier({ authUrl: way.url, issuer, cacheMs: 0 }));
    const status = async (bearer: string) =>
      (await fetch(`${app}/me`, { headers: { authorization: `Bearer ${bearer}` } })).status;
    const { session_token } = await signIn(USER);
    const jwt = await jwtOf(USER);
    assert.deepEqual([await status(session_token), await status(jwt)], [200, 200]);
    await way.close();
    assert.deepEqual([await status(session_token), await status("nobody")], [503, 503]);
    assert.equal(await status(jwt), 200); // verified here
    assert.equal((await fetch(`${app}/me`)).status, 401); // nobody is needed to say so
  });
}

test("the README's quick start answers as is said there", async (t) => {
  const app = await compileReadme().start(t, "hello.mjs", { AUTH_SERVICE_URL: authUrl });
  const { session_token } = await signIn(USER);
  const bearer = { headers: { authorization: `Bearer ${session_token}` } };
  const hello = await (await fetch(app, bearer)).text();
  assert.match(hello, /^Hello user:93, you are member,microdao_owner\.\n$/);
  const nobody = await fetch(app);
  assert.equal(nobody.status, 401);
  assert.equal(await nobody.text(), '{"detail":"authentication is required"}');
  const cookie = { headers: { cookie: `session_token=${session_token}` } };
  const refused = await fetch(`${app}/admin`, cookie);
  assert.equal(refused.status, 403);
  assert.equal(await refused.text(), '{"detail":"this needs the role system_admin"}');
});
