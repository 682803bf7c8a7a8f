import assert from "node:assert/strict";
import { test } from "node:test";
import type express from "express";
import { requireRole } from "../../src/guards/express.js";
import { startExpress } from "./apps.js";
import { guardsAsAllDo } from "./contract.js";

guardsAsAllDo("Express", startExpress);

test("Express: a check for no role is a mistake that shows at once", () => {
  // @ts-expect-error: the compiler says so, too
  assert.throws(() => requireRole(), TypeError);
  assert.throws(() => requireRole(""), TypeError);
});

test("Express: refusals go to next, never through a middleware that throws", () => {
  const refused: unknown[] = [];
  const request = {} as express.Request; // of which no guard knows
  requireRole("admin")(request, {} as express.Response, (error) => refused.push(error));
  assert.deepEqual(
    refused.map((error) => (error as { status: number }).status),
    [401],
  );
});
