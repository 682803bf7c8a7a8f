import assert from "node:assert/strict";
import { test } from "node:test";
import { createVerifier, type IncomingRequest, Refusal, Unauthenticated } from "../src/index.js";
import { Clock } from "./world/clock.js";
import { bearing, openIssuer } from "./world/issuer.js";
import { ada, root } from "./world/people.js";
import { answer, play } from "./world/server.js";

test("of a good token, no character can be another one", async (t) => {
  const { issuer, verifier } = await scene(t);
  const token = await issuer.mint();
  assert.deepEqual(await verifier.verify(bearing(token)), ada);
  for (let i = 0; i < token.length; i++) {
    if (token[i] !== ".") {
      const other = token[i] === "A" ? "B" : "A";
      const changed = token.slice(0, i) + other + token.slice(i + 1);
      await assert.rejects(verifier.verify(bearing(changed)), Unauthenticated, String(i));
    }
  }
});

test("no part of one token makes another good", async (t) => {
  const { issuer, verifier } = await scene(t);
  const hers = (await issuer.mint()).split(".");
  const admins = (await issuer.mint({ sub: root.actor_id, actor: root })).split(".");
  for (const mixed of [
    [hers[0], admins[1], hers[2]],
    [hers[0], hers[1], admins[2]],
    [hers[0], admins[1], ""],
  ]) {
    await assert.rejects(verifier.verify(bearing(mixed.join("."))), Unauthenticated);
  }
});

test("a member called __proto__ is a member, and nobody's prototype", async (t) => {
  const { house, issuer, verifier } = await scene(t);
  const claims = JSON.parse(`{"__proto__": {"actor": ${JSON.stringify(root)}}}`);
  const token = await issuer.mint({ actor: undefined, ...claims });
  const [, payload = ""] = token.split(".");
  assert.match(Buffer.from(payload, "base64url").toString(), /__proto__/);
  await assert.rejects(verifier.verify(bearing(token)), /who acts/);
  house.answer = answer(200, `{"__proto__": ${JSON.stringify(root)}}`);
  await assert.rejects(verifier.verify(bearing("gh_session_1")), /cannot be read/);
  assert.equal(({} as Record<string, unknown>)["actor"], undefined);
});

test("JSON that is nested without end is refused like any other that is wrong", async (t) => {
  const { verifier } = await scene(t);
  const deep = Buffer.from(`{"a":${"[".repeat(5000)}${"]".repeat(5000)}}`).toString("base64url");
  const header = Buffer.from('{"alg":"ES256","typ":"at+jwt","kid":"key-1"}').toString("base64url");
  for (const token of [`${deep}.e30.AAAA`, `${header}.${deep}.${"A".repeat(86)}`]) {
    await assert.rejects(verifier.verify(bearing(token)), Unauthenticated);
  }
});

test("header names in two cases, lists and headers with odd names find nobody a second way in", async (t) => {
  const { house, verifier } = await scene(t);
  for (const headers of [
    { Authorization: "Bearer a", authorization: "Bearer b" },
    { authorization: ["Bearer a", "Bearer b"] },
    { "x-api-key": ["a", "b"], "X-Api-Key": "c" },
    { "x-api-key": "a, b" },
    JSON.parse('{"get": "Bearer a", "__proto__": {"authorization": "Bearer a"}}'),
    Object.create({ authorization: "Bearer a" }),
    { " authorization": "Bearer a", "authorization ": "Bearer a" },
    new Headers([
      ["authorization", "Bearer a"],
      ["authorization", "Bearer b"],
    ]),
  ]) {
    await assert.rejects(verifier.verify({ headers }), /authentication is required/);
  }
  assert.equal(house.asked.length, 0);
});

test("whatever the headers are, who is not known gets a refusal and no other error", async (t) => {
  const { verifier } = await scene(t);
  const random = generator(7);
  const pieces = ["Bearer ", "session_token=", "dk_", "gh_ak_", ".", "e30", "=", "%", "%2", ";"];
  const odd: unknown[] = [undefined, null, 7, {}, [], [7], [["Bearer a"]], "\0", "é", "\n", " "];
  const value = (): unknown => {
    const kind = random(10);
    if (kind === 0) {
      return odd[random(odd.length)];
    }
    const text = Array.from({ length: random(6) }, () =>
      random(5) === 0 ? String.fromCharCode(random(300)) : pieces[random(pieces.length)],
    ).join("");
    return kind === 1 ? [text, text] : text;
  };
  for (let i = 0; i < 3000; i++) {
    const headers = { authorization: value(), "x-api-key": value(), cookie: value() };
    const request = { headers, ...(random(2) === 0 && { rawHeaders: ["cookie", "a"] }) };
    await assert.rejects(
      verifier.verify(request as unknown as IncomingRequest),
      Refusal,
      JSON.stringify(request),
    );
  }
});

async function scene(t: Parameters<typeof openIssuer>[0]) {
  const clock = new Clock();
  const house = await play(t, answer(401));
  const issuer = await openIssuer(t, clock);
  const options = { authUrl: house.url, issuer: issuer.house.url, now: clock.now };
  return { house, issuer, verifier: createVerifier(options) };
}

/** Numbers that are the same in every run (a linear congruential generator). */
function generator(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}
