import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect } from "node:util";
import {
  createVerifier,
  Unauthenticated,
  Unavailable,
  type VerifierOptions,
} from "../src/index.js";
import { Clock } from "./world/clock.js";
import { bearing, openIssuer } from "./world/issuer.js";
import { ada, sofia } from "./world/people.js";
import { answer, play } from "./world/server.js";

test("a JWT is verified without the auth service, as a bearer and as a cookie", async (t) => {
  const { house, issuer, verifier } = await scene(t);
  const token = await issuer.mint();
  assert.deepEqual(await verifier.verify(bearing(token)), ada);
  const cookie = `session_token=${token}`;
  assert.deepEqual(await verifier.verify({ headers: { cookie } }), ada);
  assert.equal(house.asked.length, 0);
});

test("a JWT that is refused here is not taken to the auth service", async (t) => {
  const { clock, house, issuer, verifier } = await scene(t);
  const expired = await issuer.mint({ exp: clock.seconds - 31 });
  await assert.rejects(verifier.verify(bearing(expired)), /expired/);
  assert.equal(house.asked.length, 0);
});

test("at a time that is none, nothing is good", async (t) => {
  const { issuer, another } = await scene(t);
  const token = await issuer.mint({ iat: undefined });
  await assert.rejects(another({ now: () => Number.NaN }).verify(bearing(token)), Unavailable);
});

test("every other credential, and a JWT beside one, is taken to the auth service", async (t) => {
  const { house, issuer, verifier } = await scene(t);
  const token = await issuer.mint();
  const cookie = "session_token=gh_session_1";
  assert.deepEqual(await verifier.verify(bearing("gh_session_1")), sofia);
  assert.deepEqual(await verifier.verify({ headers: { cookie } }), sofia);
  assert.deepEqual(
    await verifier.verify({ headers: { ...bearing(token).headers, cookie } }),
    sofia,
  );
  const two = `session_token=${token}; __Host-session_token=${token}`;
  assert.deepEqual(await verifier.verify({ headers: { cookie: two } }), sofia);
  assert.equal(house.asked.length, 4);
  assert.equal(issuer.house.asked.length, 0);
});

test("without an issuer a JWT is taken to the auth service", async (t) => {
  const { house, issuer } = await scene(t);
  const verifier = createVerifier({ authUrl: house.url, issuer: "" });
  assert.deepEqual(await verifier.verify(bearing(await issuer.mint())), sofia);
});

for (const alg of ["ES384", "ES512", "RS256", "PS256", "EdDSA"]) {
  test(`${alg} counts where it is allowed, and nowhere else`, async (t) => {
    const { issuer, verifier, another } = await scene(t);
    await issuer.rotate(alg);
    const token = await issuer.mint();
    assert.deepEqual(await another({ algorithms: ["ES256", alg] }).verify(bearing(token)), ada);
    await assert.rejects(verifier.verify(bearing(token)), Unauthenticated);
  });
}

test("the leeway is 30 seconds, on each side, or less", async (t) => {
  const { clock, issuer, verifier, another } = await scene(t);
  const now = clock.seconds;
  const strict = another({ leewaySeconds: 0 });
  for (const claims of [{ exp: now - 29 }, { nbf: now + 30 }, { iat: now + 30 }]) {
    const token = await issuer.mint(claims);
    assert.deepEqual(await verifier.verify(bearing(token)), ada, JSON.stringify(claims));
    await assert.rejects(strict.verify(bearing(token)), Unauthenticated, JSON.stringify(claims));
  }
  for (const claims of [{ exp: now - 30 }, { nbf: now + 31 }, { iat: now + 31 }]) {
    const token = await issuer.mint(claims);
    await assert.rejects(verifier.verify(bearing(token)), Unauthenticated, JSON.stringify(claims));
  }
});

test("the audience is the issuer unless another is set", async (t) => {
  const { issuer, verifier, another } = await scene(t);
  const token = await issuer.mint({ aud: ["https://files.example", "https://mail.example"] });
  await assert.rejects(verifier.verify(bearing(token)), /aud/);
  const files = another({ audience: "https://files.example" });
  assert.deepEqual(await files.verify(bearing(token)), ada);
});

test("keys may be fetched from elsewhere than the issuer's name says", async (t) => {
  const { issuer, another } = await scene(t);
  const name = "https://auth.example";
  const jwksUrl = `${issuer.house.url}/.well-known/jwks.json`;
  const token = await issuer.mint({ iss: name, aud: name });
  assert.deepEqual(await another({ issuer: name, jwksUrl }).verify(bearing(token)), ada);
});

test("a token has one spelling", async (t) => {
  const { issuer, verifier } = await scene(t);
  const token = await issuer.mint();
  // 64 bytes leave four bits of the last character unused.
  const last = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  const same = last[last.indexOf(token.at(-1) ?? "") + 1];
  await assert.rejects(verifier.verify(bearing(token.slice(0, -1) + same)), /cannot be read/);
});

for (const [what, options] of Object.entries<VerifierOptions>({
  "a symmetric algorithm": { issuer: "http://a", algorithms: ["ES256", "HS256"] },
  "no algorithm": { issuer: "http://a", algorithms: [] },
  "the algorithm none": { issuer: "http://a", algorithms: ["none"] },
  "more leeway than 30 seconds": { issuer: "http://a", leewaySeconds: 31 },
  "an issuer that is no URL": { issuer: "auth" },
  "an auth service that is no URL": { authUrl: "localhost:7011" },
  "a password in a URL": { authUrl: "http://a:b@localhost:7011" },
  "a query in a URL": { authUrl: "http://localhost:7011?tenant=1" },
  "a fragment in a URL": { issuer: "http://a", jwksUrl: "http://localhost:7011/#keys" },
  "space around a URL": { authUrl: " http://localhost:7011" },
  "a file for a URL": { authUrl: "file:///etc/passwd" },
  "a cache for longer than a second": { cacheMs: 1001 },
  "no time at all": { timeoutMs: 0 },
  "a time that is not a number": { timeoutMs: Number.NaN },
})) {
  test(`a verifier with ${what} is not made`, () => {
    assert.throws(() => createVerifier(options), TypeError);
  });
}

test("what is not set comes from the environment", async (t) => {
  const { clock, house, issuer } = await scene(t);
  process.env["AUTH_SERVICE_URL"] = house.url;
  process.env["GATEHOUSE_ISSUER"] = issuer.house.url;
  t.after(() => {
    delete process.env["AUTH_SERVICE_URL"];
    delete process.env["GATEHOUSE_ISSUER"];
  });
  const verifier = createVerifier({ now: clock.now });
  assert.deepEqual(await verifier.verify(bearing(await issuer.mint())), ada);
  assert.deepEqual(await verifier.verify(bearing("gh_session_1")), sofia);
});

test("no refusal contains a credential or what is in it", async (t) => {
  const { clock, house, issuer, verifier } = await scene(t);
  const expired = await issuer.mint({ exp: clock.seconds - 60, email: "ada@example.org" });
  for (const status of [401, 403, 500]) {
    house.answer = answer(status, "gh_session_1");
    for (const credential of ["gh_session_1", "dk_mistyped", expired, `${expired}.x`]) {
      const error: unknown = await verifier.verify(bearing(credential)).catch((e: unknown) => e);
      const shown = inspect(error, { depth: 10, showHidden: true }) + JSON.stringify(error);
      assert.ok(error instanceof Error && !shown.includes(credential), shown);
      assert.ok(!shown.includes("ada@example.org"), shown);
    }
  }
});

async function scene(t: Parameters<typeof openIssuer>[0]) {
  const clock = new Clock();
  const house = await play(t, answer(200, sofia));
  const issuer = await openIssuer(t, clock);
  const another = (options: VerifierOptions) =>
    createVerifier({ authUrl: house.url, issuer: issuer.house.url, now: clock.now, ...options });
  return { clock, house, issuer, another, verifier: another({}) };
}
