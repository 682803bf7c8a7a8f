/**
 * Against a running Gatehouse, whose addresses are in AUTH_SERVICE_URL and
 * GATEHOUSE_ISSUER, with its demo people. `sdk/with-gatehouse` starts one.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { readActor } from "../src/actor.js";
import {
  createVerifier,
  Forbidden,
  isWellFormedApiKey,
  requireRole,
  Unauthenticated,
} from "../src/index.js";
import { bearing } from "../test/world/issuer.js";
import { refusingUrl } from "../test/world/server.js";
import { ADMIN, AGENT, authUrl, issuer, jwtOf, newApiKey, signIn, USER } from "./world.js";

for (const email of [USER, ADMIN, AGENT]) {
  test(`a session of ${email} is known by its bearer and by its cookies`, async () => {
    const { session_token, actor } = await signIn(email);
    const verifier = createVerifier({ authUrl });
    const cookie = encodeURIComponent(session_token);
    for (const headers of [
      { authorization: `Bearer ${session_token}` },
      { cookie: `theme=dark; session_token=${cookie}` },
      { cookie: `__Host-session_token=${cookie}` },
    ]) {
      assert.deepEqual(await verifier.verify({ headers }), readActor(actor));
    }
  });
}

test("people and agents are told apart", async () => {
  const verifier = createVerifier({ authUrl });
  const user = await verifier.verify(bearing((await signIn(USER)).session_token));
  assert.equal(user.actor_type, "human");
  assert.equal(user.actor_id, `user:${user.user_id}`);
  const agent = await verifier.verify(bearing((await signIn(AGENT)).session_token));
  assert.equal(agent.actor_type, "agent");
});

test("an admin may do what a user may not", async () => {
  const verifier = createVerifier({ authUrl });
  const admin = await verifier.verify(bearing((await signIn(ADMIN)).session_token));
  requireRole(admin, "system_admin", "admin");
  const user = await verifier.verify(bearing((await signIn(USER)).session_token));
  assert.throws(() => requireRole(user, "system_admin", "admin"), Forbidden);
});

test("an API key has the right shape, and is known in both headers", async () => {
  const session = await signIn(USER);
  const { id, key } = await newApiKey(session);
  assert.ok(isWellFormedApiKey(key));
  const verifier = createVerifier({ authUrl });
  for (const headers of [{ "x-api-key": key }, { authorization: `Bearer ${key}` }]) {
    assert.deepEqual(await verifier.verify({ headers }), readActor(session.actor));
  }
  const deleted = await fetch(`${authUrl}/auth/api-keys/${id}`, {
    method: "DELETE",
    ...bearing(session.session_token),
  });
  assert.ok(deleted.ok);
  const later = createVerifier({ authUrl });
  await assert.rejects(later.verify({ headers: { "x-api-key": key } }), Unauthenticated);
});

test("what nobody issued is refused", async () => {
  const verifier = createVerifier({ authUrl });
  for (const credential of ["nonsense", "gh_st_nonsense", "a.b.c"]) {
    await assert.rejects(verifier.verify(bearing(credential)), Unauthenticated);
  }
});

test("a JWT is verified with the issuer's keys while the auth service is away", async () => {
  const verifier = createVerifier({ issuer, authUrl: await refusingUrl() });
  for (const [email, type] of [
    [USER, "human"],
    [AGENT, "agent"],
  ] as const) {
    assert.equal((await verifier.verify(bearing(await jwtOf(email)))).actor_type, type);
  }
});

test("a JWT and a session say the same of a user", async () => {
  const verifier = createVerifier({ issuer, authUrl });
  const { session_token } = await signIn(USER);
  const token = await jwtOf(USER);
  assert.deepEqual(
    await verifier.verify(bearing(token)),
    await verifier.verify(bearing(session_token)),
  );
});

test("a JWT that was tampered with, or is for somebody else, is refused", async () => {
  const token = await jwtOf(USER);
  const [header, claims = "", signature] = token.split(".");
  const forged = JSON.parse(Buffer.from(claims, "base64url").toString());
  forged.actor.roles.push("system_admin");
  const payload = Buffer.from(JSON.stringify(forged)).toString("base64url");
  const verifier = createVerifier({ issuer, authUrl });
  await assert.rejects(
    verifier.verify(bearing(`${header}.${payload}.${signature}`)),
    Unauthenticated,
  );
  const other = createVerifier({ issuer, authUrl, audience: "https://other.example" });
  await assert.rejects(other.verify(bearing(token)), Unauthenticated);
});
