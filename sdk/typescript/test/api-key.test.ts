import assert from "node:assert/strict";
import { test } from "node:test";
import { isWellFormedApiKey } from "../src/index.js";
import { makeApiKey } from "./world/api-keys.js";

test("keys of the right shape are recognized", () => {
  for (let i = 0; i < 2000; i++) {
    const key = makeApiKey(i % 2 ? "dk_" : "gh_ak_");
    assert.ok(isWellFormedApiKey(key), key);
  }
});

test("one wrong character anywhere is noticed", () => {
  const key = makeApiKey("gh_ak_");
  for (let i = 0; i < key.length; i++) {
    const other = key[i] === "x" ? "y" : "x";
    assert.ok(!isWellFormedApiKey(key.slice(0, i) + other + key.slice(i + 1)), String(i));
  }
});

test("keys that are cut off, continued or of another prefix are noticed", () => {
  const key = makeApiKey("dk_");
  for (const wrong of [
    "",
    "dk_",
    key.slice(0, -1),
    `${key}0`,
    `${key}\n`,
    ` ${key}`,
    key.slice(3),
  ]) {
    assert.ok(!isWellFormedApiKey(wrong), JSON.stringify(wrong));
  }
});
