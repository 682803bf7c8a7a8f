import assert from "node:assert/strict";
import { test } from "node:test";
import { createVerifier, Unauthenticated, Unavailable } from "../src/index.js";
import { Clock } from "./world/clock.js";
import { bearing, openIssuer } from "./world/issuer.js";
import { ada } from "./world/people.js";
import { answer, until } from "./world/server.js";

const MINUTE = 60;
const HOUR = 60 * MINUTE;

test("keys are fetched once for many requests, and again after five minutes", async (t) => {
  const { clock, issuer, verifier } = await scene(t);
  await Promise.all(Array.from({ length: 20 }, async () => verify(verifier, await issuer.mint())));
  clock.forward(5 * MINUTE - 1);
  await verify(verifier, await issuer.mint());
  assert.equal(issuer.house.asked.length, 1);
  clock.forward(1);
  await verify(verifier, await issuer.mint());
  assert.equal(issuer.house.asked.length, 2);
});

test("a key that was taken back counts no longer than five minutes", async (t) => {
  const { clock, issuer, verifier } = await scene(t);
  await verify(verifier, await issuer.mint());
  const old = await issuer.mint({ exp: clock.seconds + HOUR });
  await issuer.rotate();
  clock.forward(5 * MINUTE);
  await assert.rejects(verify(verifier, old), Unauthenticated);
});

test("a new key is found at once", async (t) => {
  const { issuer, verifier } = await scene(t);
  await verify(verifier, await issuer.mint());
  await issuer.rotate();
  const tokens = await Promise.all(Array.from({ length: 20 }, () => issuer.mint()));
  await Promise.all(tokens.map((token) => verify(verifier, token)));
  assert.equal(issuer.house.asked.length, 2);
});

test("made-up key ids make us ask once in ten seconds", async (t) => {
  const { clock, issuer, verifier } = await scene(t);
  await verify(verifier, await issuer.mint());
  const flood = async () => {
    for (let i = 0; i < 50; i++) {
      const token = await issuer.mint({}, { kid: `made-up-${i}` });
      await assert.rejects(verify(verifier, token), Unauthenticated);
    }
  };
  await flood();
  assert.equal(issuer.house.asked.length, 2);
  clock.forward(9.999);
  await flood();
  assert.equal(issuer.house.asked.length, 2);
  clock.forward(0.001);
  await flood();
  assert.equal(issuer.house.asked.length, 3);
});

test("a made-up key id as the first token makes us ask once", async (t) => {
  const { issuer, verifier } = await scene(t);
  const token = await issuer.mint({}, { kid: "made-up" });
  await assert.rejects(verify(verifier, token), Unauthenticated);
  assert.equal(issuer.house.asked.length, 1);
});

for (const [what, failure] of Object.entries({
  "an error": answer(500),
  "no JSON": answer(200, "<html>"),
  "no list of keys": answer(200, { keys: "none" }),
  "too much": answer(200, { keys: [], padding: "x".repeat(256 * 1024) }),
  "a redirect": answer(302, "", { location: "/.well-known/jwks.json?moved" }),
})) {
  test(`while the issuer answers with ${what}, old keys count for a day`, async (t) => {
    const { clock, issuer, verifier } = await scene(t);
    await verify(verifier, await issuer.mint());
    issuer.house.answer = failure;
    clock.forward(24 * HOUR - 1);
    const token = await issuer.mint();
    await verify(verifier, token);
    await verify(verifier, token);
    assert.equal(issuer.house.asked.length, 2); // a failure is not repeated at once
    clock.forward(1);
    await assert.rejects(verify(verifier, token), Unavailable);
    issuer.publish(issuer.publicKey);
    clock.forward(1);
    await verify(verifier, token);
  });

  test(`an issuer that never answered but with ${what} makes tokens unverifiable, not wrong`, async (t) => {
    const { clock, issuer, verifier } = await scene(t);
    issuer.house.answer = failure;
    await assert.rejects(verify(verifier, await issuer.mint()), Unavailable);
    issuer.publish(issuer.publicKey);
    clock.forward(1);
    await verify(verifier, await issuer.mint());
  });
}

test("who has a key does not wait for an issuer that did not answer last time", async (t) => {
  const { clock, issuer, verifier } = await scene(t, { timeoutMs: 60_000 });
  await verify(verifier, await issuer.mint());
  issuer.house.answer = answer(500);
  clock.forward(5 * MINUTE);
  await verify(verifier, await issuer.mint());
  issuer.house.answer = () => {};
  clock.forward(10);
  await verify(verifier, await issuer.mint());
  // The third question may have arrived by now or not, but nobody has given it up.
  await until(() => issuer.house.asked.length === 3);
  assert.equal(issuer.house.asked[2]?.destroyed, false);
});

test("while there are no keys, a flood of tokens makes us ask once in a second", async (t) => {
  for (const failure of [answer(500), answer(200, { keys: [] })]) {
    const { clock, issuer, verifier } = await scene(t);
    issuer.house.answer = failure;
    const token = await issuer.mint();
    const flood = async () => {
      for (let i = 0; i < 20; i++) {
        await assert.rejects(verify(verifier, token), Unavailable);
      }
    };
    await flood();
    clock.forward(0.999);
    await flood();
    assert.equal(issuer.house.asked.length, 1);
    clock.forward(0.001);
    await flood();
    assert.equal(issuer.house.asked.length, 2);
  }
});

test("whether a new key is the issuer's cannot be said while it does not answer", async (t) => {
  const { clock, issuer, verifier } = await scene(t);
  const old = await issuer.mint();
  await verify(verifier, old);
  await issuer.rotate();
  const current = issuer.publicKey;
  issuer.house.answer = answer(503);
  await assert.rejects(verify(verifier, await issuer.mint()), Unavailable);
  await verify(verifier, old);
  clock.forward(10);
  issuer.publish(current);
  await verify(verifier, await issuer.mint());
});

test("an issuer without keys makes tokens unverifiable", async (t) => {
  const { clock, issuer, verifier } = await scene(t);
  issuer.publish();
  await assert.rejects(verify(verifier, await issuer.mint()), Unavailable);
  issuer.publish(issuer.publicKey);
  clock.forward(1);
  await verify(verifier, await issuer.mint());
});

test("a slow issuer is waited for no longer than the timeout", async (t) => {
  const { issuer, verifier } = await scene(t, { timeoutMs: 50 });
  issuer.house.answer = () => {};
  await assert.rejects(verify(verifier, await issuer.mint()), Unavailable);
});

test("keys for something else, private ones and foreign ones are no keys for us", async (t) => {
  const { clock, issuer, verifier } = await scene(t);
  const good = issuer.publicKey;
  const token = await issuer.mint();
  for (const wrong of [
    { ...good, use: "enc" },
    { ...good, key_ops: ["sign"] },
    { ...good, d: good.x ?? "" },
    { ...good, alg: "ES384" },
    { ...good, crv: "P-384" },
    { ...good, kty: "oct", k: "AAAA" },
    { ...good, kid: "another" },
    { ...good, x: "AAAA" },
    { ...good, x: 7 as unknown as string },
    { ...good, y: good.x ?? "" },
  ]) {
    issuer.publish(wrong, { ...good, kid: "decoy" });
    const fresh = createVerifier({ issuer: issuer.house.url, now: clock.now });
    await assert.rejects(fresh.verify(bearing(token)), Unauthenticated, JSON.stringify(wrong));
  }
  issuer.publish({ ...good, kty: "RSA", n: "AQAB", e: "AQAB" }, good);
  await verify(verifier, token);
});

async function scene(t: Parameters<typeof openIssuer>[0], options: { timeoutMs?: number } = {}) {
  const clock = new Clock();
  const issuer = await openIssuer(t, clock);
  const verifier = createVerifier({ issuer: issuer.house.url, now: clock.now, ...options });
  return { clock, issuer, verifier };
}

async function verify(verifier: ReturnType<typeof createVerifier>, token: string): Promise<void> {
  assert.deepEqual(await verifier.verify(bearing(token)), ada);
}
