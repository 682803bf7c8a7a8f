import assert from "node:assert/strict";
import { test } from "node:test";
import { requireActor } from "../../src/guards/node.js";
import { createVerifier, requireRole } from "../../src/index.js";
import { ada } from "../world/people.js";
import { answer, play, serve } from "../world/server.js";
import { startNode } from "./apps.js";
import { guardsAsAllDo } from "./contract.js";

guardsAsAllDo("node:http", startNode);

test("node:http: a refusal is answered as JSON", async (t) => {
  const house = await play(t, answer(401));
  const app = await serve(
    t,
    requireActor(createVerifier({ authUrl: house.url }), () => {}),
  );
  const response = await fetch(app);
  assert.equal(response.headers.get("content-type"), "application/json");
  assert.equal(response.headers.get("cache-control"), "no-store");
  assert.deepEqual(await response.json(), { detail: "authentication is required" });
});

test("node:http: an answer that has begun when a role is found missing is cut off", async (t) => {
  const house = await play(t, answer(200, ada));
  const app = await serve(
    t,
    requireActor(createVerifier({ authUrl: house.url }), (_request, response, actor) => {
      response.write("secret, as far as");
      requireRole(actor, "admin");
    }),
  );
  const headers = { authorization: "Bearer ada" };
  await assert.rejects(
    fetch(app, { headers }).then((response) => response.text()),
    TypeError,
  );
});

test("node:http: an error of the listener is not swallowed", async (t) => {
  const house = await play(t, answer(200, ada));
  const listener = requireActor(createVerifier({ authUrl: house.url }), () => {
    throw new RangeError("mine");
  });
  let outcome: unknown;
  const app = await serve(t, async (request, response) => {
    outcome = await listener(request, response).catch((error: unknown) => error);
    response.end();
  });
  await fetch(app, { headers: { authorization: "Bearer ada" } });
  assert.ok(outcome instanceof RangeError);
});
