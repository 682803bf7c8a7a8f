import assert from "node:assert/strict";
import { test } from "node:test";
import { Forbidden, requireRole } from "../src/index.js";
import { ada, root, sofia } from "./world/people.js";

test("any of the roles is enough", () => {
  requireRole(ada, "member");
  requireRole(ada, "admin", "microdao_owner");
  requireRole(sofia, "agent");
});

test("a system_admin passes every check", () => {
  requireRole(root, "microdao_owner");
  requireRole(root, "a role of tomorrow");
});

test("none of the roles is not enough", () => {
  assert.throws(() => requireRole(sofia, "admin", "member"), Forbidden);
  assert.throws(() => requireRole({ ...ada, roles: [] }, "member"), Forbidden);
  assert.throws(
    () => requireRole({ ...ada, roles: ["Admin", "admins", " admin"] }, "admin"),
    Forbidden,
  );
});

test("a check for no role lets nobody in, not everybody", () => {
  assert.throws(() => requireRole(root), TypeError);
  assert.throws(() => requireRole(ada, ""), TypeError);
});
