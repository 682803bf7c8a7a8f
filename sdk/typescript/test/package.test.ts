import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { filesInPackage, PACKED } from "./world/packed.js";

const manifest = JSON.parse(readFileSync("package.json", "utf8"));
const names = Object.keys(manifest.exports).map((path) => path.replace(/^\./, manifest.name));
const files = filesInPackage();

const EXPORTS = {
  "@gatehouse/sdk": [
    "Forbidden",
    "Refusal",
    "Unauthenticated",
    "Unavailable",
    "createVerifier",
    "isWellFormedApiKey",
    "requireRole",
    "rowSecurityValues",
    "setRowSecurity",
  ],
  "@gatehouse/sdk/express": ["actorOf", "requireActor", "requireRole"],
  "@gatehouse/sdk/fastify": ["actorOf", "requireActor", "requireRole"],
  "@gatehouse/sdk/nest": ["ActorGuard", "actorOf", "requireRole"],
  "@gatehouse/sdk/node": ["requireActor"],
};

for (const [kind, file, load] of [
  ["imported", "exports.mjs", "await import(name)"],
  ["required", "exports.cjs", "require(name)"],
] as const) {
  test(`what is installed can be ${kind} by name, and no more is there`, () => {
    writeFileSync(
      join(PACKED, file),
      `(async () => {
        const found = {};
        for (const name of ${JSON.stringify(names)}) {
          found[name] = Object.keys(${load}).filter((key) => key !== "__esModule").sort();
        }
        console.log(JSON.stringify(found));
      })();`,
    );
    const quiet = ["--disable-warning=ExperimentalWarning"]; // of require, in Node 20
    const printed = execFileSync("node", [...quiet, file], { cwd: PACKED, encoding: "utf8" });
    assert.deepEqual(JSON.parse(printed), EXPORTS);
  });
}

test("the package contains what it exports, and neither sources nor tests", () => {
  for (const { types, default: code } of Object.values<Record<string, string>>(manifest.exports)) {
    assert.ok(files.includes((types ?? "").slice(2)) && files.includes((code ?? "").slice(2)));
  }
  const others = files.filter((path) => !path.startsWith("dist/"));
  assert.deepEqual(others.sort(), ["LICENSE", "README.md", "package.json"]);
});

test("at runtime the package needs jose and nothing else", () => {
  assert.deepEqual(Object.keys(manifest.dependencies), ["jose"]);
  assert.equal(manifest.peerDependencies, undefined);
  assert.ok(existsSync(join(PACKED, "node_modules/jose")));
});

test("the lock file names no place to download from", () => {
  assert.doesNotMatch(readFileSync("package-lock.json", "utf8"), /"resolved"/);
});
