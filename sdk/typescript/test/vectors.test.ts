import assert from "node:assert/strict";
import { connect } from "node:net";
import { text } from "node:stream/consumers";
import { test } from "node:test";
import type { JSONWebKeySet } from "jose";
import { credentialsOf, looksLikeJwt, onlyJwt } from "../src/credentials.js";
import {
  type ActorIdentity,
  createVerifier,
  type IncomingRequest,
  isWellFormedApiKey,
  rowSecurityValues,
  Unauthenticated,
} from "../src/index.js";
import { bearing } from "./world/issuer.js";
import { answer, play, serve } from "./world/server.js";
import { vectors } from "./world/vectors.js";

interface Tokens {
  issuer: string;
  audience: string;
  now: number;
  jwks: JSONWebKeySet;
  cases: { name: string; token: string; valid: boolean; actor: ActorIdentity | null }[];
}

interface Credentials {
  cases: {
    name: string;
    headers: [string, string][];
    api_key: string | null;
    bearer: string | null;
    cookie: string | null;
    jwt_only: boolean;
    none: boolean;
  }[];
}

test("tokens.json: every token is good or not, as all SDKs say", async (t) => {
  const { issuer, audience, now, jwks, cases } = vectors<Tokens>("tokens");
  const keys = await play(t, answer(200, jwks));
  const house = await play(t, answer(401));
  const verifier = createVerifier({
    authUrl: house.url,
    jwksUrl: keys.url,
    issuer,
    audience,
    now: () => now * 1000,
  });
  for (const { name, token, valid, actor } of cases) {
    await t.test(name, async () => {
      const askedBefore = house.asked.length;
      const verdict = verifier.verify(bearing(token));
      if (valid) {
        assert.deepEqual(await verdict, actor);
      } else if (token.startsWith(" ")) {
        // More than one space after "Bearer" is no part of the token: it is another one.
        assert.ok(!looksLikeJwt(token));
        assert.deepEqual(await verdict, await verifier.verify(bearing(token.trim())));
      } else {
        await assert.rejects(verdict, Unauthenticated);
      }
      if (looksLikeJwt(token)) {
        assert.equal(house.asked.length, askedBefore, "a JWT was taken to the auth service");
      }
    });
  }
});

test("credentials.json: what a request shows, as Node, Fetch and a plain object have it", async (t) => {
  let received: IncomingRequest = { headers: {} };
  const app = await serve(t, (request, response) => {
    received = request;
    response.end();
  });
  for (const { name, headers, ...expected } of vectors<Credentials>("credentials").cases) {
    await t.test(name, async () => {
      await sendRaw(app, headers);
      const plain: Record<string, string[]> = {};
      const fetched = new Headers();
      for (const [header, value] of headers) {
        plain[header] = [...(plain[header] ?? []), value];
        fetched.append(header, value);
      }
      const requests = { node: received, fetch: { headers: fetched }, plain: { headers: plain } };
      for (const [kind, request] of Object.entries(requests)) {
        const credentials = credentialsOf(request);
        const { apiKey, bearer, cookie } = credentials;
        const found = {
          api_key: apiKey ?? null,
          bearer: bearer ?? null,
          cookie: cookie ?? null,
          jwt_only: onlyJwt(credentials) !== undefined,
          none: (apiKey ?? bearer ?? cookie) === undefined,
        };
        assert.deepEqual(found, expected, kind);
      }
    });
  }
});

test("api_keys.json: which texts have the shape of an API key", async (t) => {
  const { cases } = vectors<{ cases: { name: string; key: string; well_formed: boolean }[] }>(
    "api_keys",
  );
  for (const { name, key, well_formed } of cases) {
    await t.test(name, () => assert.equal(isWellFormedApiKey(key), well_formed));
  }
});

test("row_security.json: what Postgres is told about an actor", async (t) => {
  const { cases } = vectors<{ cases: { name: string; actor: ActorIdentity; values: string[] }[] }>(
    "row_security",
  );
  for (const { name, actor, values } of cases) {
    await t.test(name, () => assert.deepEqual(rowSecurityValues(actor), values));
  }
});

/** Sends headers exactly as they are: every client library tidies them up. */
async function sendRaw(url: string, headers: [string, string][]): Promise<void> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  const lines = headers.map(([name, value]) => `${name}: ${value}\r\n`).join("");
  socket.write(`GET / HTTP/1.1\r\nHost: app\r\nConnection: close\r\n${lines}\r\n`);
  assert.match(await text(socket), /^HTTP\/1\.1 200 /);
}
