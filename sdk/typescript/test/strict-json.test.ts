import assert from "node:assert/strict";
import { test } from "node:test";
import { parseStrictJson } from "../src/strict-json.js";

test("JSON with one meaning is read", () => {
  for (const text of [
    "{}",
    "[]",
    '"a:b"',
    '{"a":{"a":1},"b":[{"a":1},{"a":2}]}',
    '{"a":":","b":"\\":","c":"\\\\","d:":"{\\"a\\":1,\\"a\\":2}"}',
    '{"__proto__":1,"constructor":{"toString":2}}',
    ' { "a" : null , "" : 1 } ',
  ]) {
    assert.deepEqual(parseStrictJson(text), JSON.parse(text), text);
  }
});

test("a member that is there twice is refused wherever it is", () => {
  for (const text of [
    '{"a":1,"a":1}',
    '{"a":1,"\\u0061":2}',
    '{"b":[{"a":1,"c":2,"a":3}]}',
    '{"a":{"a":1},"a":{"b":1,"c":2}}',
    '{"__proto__":1,"__proto__":2}',
    '{"a":"\\\\","a":"\\""}',
  ]) {
    assert.throws(() => parseStrictJson(text), SyntaxError, text);
  }
});
