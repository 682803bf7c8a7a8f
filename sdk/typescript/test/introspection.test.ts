import assert from "node:assert/strict";
import type { RequestListener } from "node:http";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { createVerifier, Forbidden, Unauthenticated, Unavailable } from "../src/index.js";
import { makeApiKey } from "./world/api-keys.js";
import { Clock } from "./world/clock.js";
import { bearing } from "./world/issuer.js";
import { ada, sofia } from "./world/people.js";
import { answer, play, refusingUrl, until } from "./world/server.js";

const SECRET = "gh_session_0123456789";

test("an actor is read from the answer, and nothing that is unknown with it", async (t) => {
  const house = await play(t, answer(200, { ...ada, email: "ada@example.org" }));
  const actor = await createVerifier({ authUrl: `${house.url}/` }).verify(bearing(SECRET));
  assert.deepEqual(actor, ada);
  assert.equal(house.asked[0]?.url, "/auth/me");
  assert.equal(house.asked[0]?.method, "GET");
});

test("an actor without user_id, or with null, is read as one that is not human", async (t) => {
  const house = await play(t, answer(200, { ...sofia, user_id: null }));
  assert.deepEqual(await createVerifier({ authUrl: house.url }).verify(bearing("a")), sofia);
  house.answer = answer(200, { ...sofia, user_id: undefined });
  assert.deepEqual(await createVerifier({ authUrl: house.url }).verify(bearing("a")), sofia);
});

test("an identity cannot be changed by one of the requests that share it", async (t) => {
  const house = await play(t, answer(200, ada));
  const actor = await createVerifier({ authUrl: house.url }).verify(bearing(SECRET));
  assert.throws(() => (actor.roles as string[]).push("system_admin"), TypeError);
  assert.throws(() => Object.assign(actor, { actor_id: "user:1" }), TypeError);
});

test("only credentials are shown to the auth service, exactly as they came", async (t) => {
  const house = await play(t, answer(200, ada));
  const key = makeApiKey("dk_");
  const headers = {
    authorization: "bearer abc",
    cookie: "theme=dark; session_token=a%2Bb; _ga=1; __Host-session_token=c",
    "x-api-key": key,
    "x-forwarded-for": "203.0.113.9",
    "user-agent": "somebody",
  };
  await createVerifier({ authUrl: house.url }).verify({ headers });
  const shown = house.asked[0]?.headers ?? {};
  assert.equal(shown.authorization, "Bearer abc");
  assert.equal(shown.cookie, "__Host-session_token=c; session_token=a%2Bb");
  assert.equal(shown["x-api-key"], key);
  assert.equal(shown["x-forwarded-for"], undefined);
  assert.notEqual(shown["user-agent"], "somebody");
});

test("nobody is asked about a request without a credential, or with an impossible API key", async (t) => {
  const house = await play(t, answer(200, ada));
  const verifier = createVerifier({ authUrl: house.url });
  for (const headers of [
    {},
    { authorization: "Basic YTpi" },
    { cookie: "theme=dark" },
    { cookie: "session_tokens" },
    { cookie: "session_token=" },
    { cookie: "session_token=a b" },
    { "x-api-key": "dk_short" },
    { "x-api-key": `${makeApiKey("gh_ak_")}0` },
    { "x-api-key": "dk_short", authorization: `Bearer ${SECRET}` },
    { authorization: "Bearer dk_short" },
    { authorization: "Bearer gh_ak_short" },
    { authorization: `Bearer ${"x".repeat(16 * 1024 + 1)}` },
    { cookie: `session_token=${"x".repeat(16 * 1024)}` },
  ]) {
    await assert.rejects(verifier.verify({ headers }), Unauthenticated, JSON.stringify(headers));
  }
  assert.equal(house.asked.length, 0);
});

test("what has no prefix of an API key is asked about wherever it is, for it can be a session", async (t) => {
  const house = await play(t, answer(200, ada));
  const verifier = createVerifier({ authUrl: house.url });
  for (const headers of [
    { "x-api-key": SECRET },
    { "x-api-key": "DK_short" },
    { "x-api-key": SECRET, authorization: "Bearer dk_short" },
    { cookie: "session_token=dk_short" },
  ]) {
    assert.deepEqual(await verifier.verify({ headers }), ada, JSON.stringify(headers));
  }
  assert.equal(house.asked.length, 4);
  assert.equal(house.asked[0]?.headers["x-api-key"], SECRET);
});

test("401 and 403 are passed on, and asked again every time", async (t) => {
  const house = await play(t, answer(401));
  const verifier = createVerifier({ authUrl: house.url });
  await assert.rejects(verifier.verify(bearing(SECRET)), Unauthenticated);
  house.answer = answer(403);
  await assert.rejects(verifier.verify(bearing(SECRET)), Forbidden);
  house.answer = answer(200, ada);
  assert.deepEqual(await verifier.verify(bearing(SECRET)), ada);
});

const readable = JSON.stringify(ada);
const unreadable: Record<string, RequestListener> = {
  "500": answer(500, ada),
  "404": answer(404, ada),
  "204": answer(204),
  "201 with an actor": answer(201, ada),
  "429": answer(429),
  "a page in HTML": answer(200, "<html>", { "content-type": "text/html" }),
  "no body": answer(200),
  null: answer(200, "null"),
  "a list": answer(200, [ada]),
  "an actor with a member twice": answer(200, `{"actor_id":"user:1",${readable.slice(1)}`),
  "an actor without an id": answer(200, { ...ada, actor_id: "" }),
  "an actor of an unknown type": answer(200, { ...ada, actor_type: "god" }),
  "an actor whose roles are a text": answer(200, { ...ada, roles: "system_admin" }),
  "an actor whose roles are not texts": answer(200, { ...ada, roles: [["system_admin"]] }),
  "an actor without microdaos": answer(200, { ...ada, microdao_ids: undefined }),
  "an actor whose user id is a number": answer(200, { ...ada, user_id: 93 }),
  "an answer that is too large": answer(200, { ...ada, padding: "x".repeat(64 * 1024) }),
  "bytes that are not UTF-8": (_request, response) => {
    response.end(Buffer.from(JSON.stringify({ ...ada, name: "\u00e9" }), "latin1"));
  },
  "a connection that ends early": (_request, response) => {
    response.writeHead(200, { "content-length": readable.length + 1 });
    response.write(readable, () => response.destroy());
  },
};
for (const [what, listener] of Object.entries(unreadable)) {
  test(`an answer that is ${what} makes nobody an actor, and nobody unknown`, async (t) => {
    const house = await play(t, listener);
    const verifier = createVerifier({ authUrl: house.url });
    await assert.rejects(verifier.verify(bearing(SECRET)), Unavailable);
  });
}

test("a redirect is not followed, so that credentials stay where they are", async (t) => {
  const elsewhere = await play(t, answer(200, ada));
  for (const status of [301, 302, 303, 307, 308]) {
    const house = await play(t, answer(status, "", { location: `${elsewhere.url}/auth/me` }));
    await assert.rejects(
      createVerifier({ authUrl: house.url }).verify(bearing(SECRET)),
      Unavailable,
    );
  }
  assert.equal(elsewhere.asked.length, 0);
});

test("an auth service that is away, or slow with its headers or body, is unavailable", async (t) => {
  await assert.rejects(
    createVerifier({ authUrl: await refusingUrl() }).verify(bearing(SECRET)),
    Unavailable,
  );
  const house = await play(t, () => {});
  const verifier = createVerifier({ authUrl: house.url, timeoutMs: 50 });
  await assert.rejects(verifier.verify(bearing("slow-headers")), Unavailable);
  house.answer = (_request, response) => void response.writeHead(200).write("{");
  await assert.rejects(verifier.verify(bearing("slow-body")), Unavailable);
});

test("a Retry-After is passed on, in seconds", async (t) => {
  const clock = new Clock();
  const house = await play(t, answer(503, "", { "retry-after": "7" }));
  const verifier = createVerifier({ authUrl: house.url, now: clock.now });
  await assert.rejects(verifier.verify(bearing(SECRET)), {
    retryAfter: 7,
    headers: { "retry-after": "7" },
  });
  for (const [seconds, retryAfter] of [
    [60, 60],
    [-60, 0],
  ] as const) {
    const date = new Date(clock.now() + seconds * 1000).toUTCString();
    house.answer = answer(503, "", { "retry-after": date });
    await assert.rejects(verifier.verify(bearing(SECRET)), { retryAfter });
  }
  house.answer = answer(503, "", { "retry-after": "soon" });
  await assert.rejects(verifier.verify(bearing(SECRET)), { retryAfter: undefined, headers: {} });
});

test("a good answer counts for a second, for the same credential only", async (t) => {
  const clock = new Clock();
  const house = await play(t, answer(200, ada));
  const verifier = createVerifier({ authUrl: house.url, now: clock.now });
  await verifier.verify(bearing(SECRET));
  clock.forward(0.999);
  await verifier.verify(bearing(SECRET));
  assert.equal(house.asked.length, 1);
  await verifier.verify(bearing("another"));
  await verifier.verify({ headers: { cookie: `session_token=${SECRET}` } });
  assert.equal(house.asked.length, 3);
  clock.forward(0.001);
  house.answer = answer(401);
  await assert.rejects(verifier.verify(bearing(SECRET)), Unauthenticated);
});

test("a good answer counts from when it was asked for, and not at all when that is long ago", async (t) => {
  const clock = new Clock();
  const house = await play(t, (request, response) => {
    clock.forward(1.5);
    answer(200, ada)(request, response);
  });
  const verifier = createVerifier({ authUrl: house.url, now: clock.now });
  await verifier.verify(bearing(SECRET));
  await verifier.verify(bearing(SECRET));
  assert.equal(house.asked.length, 2);
});

test("an answer is not kept longer because the clock was put back", async (t) => {
  const clock = new Clock();
  const house = await play(t, answer(200, ada));
  const verifier = createVerifier({ authUrl: house.url, now: clock.now });
  await verifier.verify(bearing(SECRET));
  clock.forward(-3600);
  await verifier.verify(bearing(SECRET));
  assert.equal(house.asked.length, 2);
});

test("requests that come together with one credential share a question", async (t) => {
  const house = await play(t, async (request, response) => {
    await sleep(50);
    answer(200, ada)(request, response);
  });
  const verifier = createVerifier({ authUrl: house.url, cacheMs: 0 });
  const actors = await Promise.all(
    Array.from({ length: 50 }, () => verifier.verify(bearing(SECRET))),
  );
  assert.equal(house.asked.length, 1);
  assert.ok(actors.every((actor) => actor.actor_id === ada.actor_id));
  await verifier.verify(bearing(SECRET));
  assert.equal(house.asked.length, 2);
});

test("nobody joins a question that is older than a second", async (t) => {
  const clock = new Clock();
  const waiting: (() => void)[] = [];
  const house = await play(t, (request, response) => {
    waiting.push(() => answer(200, ada)(request, response));
  });
  const verifier = createVerifier({ authUrl: house.url, now: clock.now });
  const first = verifier.verify(bearing(SECRET));
  await until(() => house.asked.length === 1);
  clock.forward(1);
  const second = verifier.verify(bearing(SECRET));
  await until(() => house.asked.length === 2);
  for (const finish of waiting) {
    finish();
  }
  await Promise.all([first, second]);
});

test("a refusal that is shared reaches everybody", async (t) => {
  const house = await play(t, async (request, response) => {
    await sleep(20);
    answer(500)(request, response);
  });
  const verifier = createVerifier({ authUrl: house.url });
  const results = await Promise.allSettled([1, 2, 3].map(() => verifier.verify(bearing(SECRET))));
  assert.ok(results.every((one) => one.status === "rejected" && one.reason instanceof Unavailable));
  assert.equal(house.asked.length, 1);
});
