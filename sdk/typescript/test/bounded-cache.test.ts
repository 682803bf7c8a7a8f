import assert from "node:assert/strict";
import { test } from "node:test";
import { BoundedCache } from "../src/bounded-cache.js";

test("a full cache forgets what was not used for longest", () => {
  const cache = new BoundedCache<number>(2);
  cache.set("a", 1);
  cache.set("b", 2);
  cache.get("a");
  cache.set("c", 3);
  assert.deepEqual([cache.get("a"), cache.get("b"), cache.get("c")], [1, undefined, 3]);
});

test("a cache never grows over its limit", () => {
  const cache = new BoundedCache<number>(10);
  for (let i = 0; i < 1000; i++) {
    cache.set(String(i % 37), i);
    assert.ok(cache.size <= 10);
  }
});
