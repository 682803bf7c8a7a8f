import { readFileSync } from "node:fs";

/** Reads a file of the test vectors that the SDKs of all languages share. */
export function vectors<Content>(name: string): Content {
  return JSON.parse(readFileSync(`../vectors/${name}.json`, "utf8"));
}
