/**
 * Packs what is built, and installs it in a folder that has nothing else, unless the
 * same package is installed there already. It is run before the tests.
 */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { PACKED } from "./packed.js";

interface Package {
  readonly filename: string;
  readonly integrity: string;
  readonly files: readonly { readonly path: string }[];
}

mkdirSync(PACKED, { recursive: true });
const how = ["--json", "--ignore-scripts", "--pack-destination", PACKED];
const [made] = Object.values<Package>(JSON.parse(npm("pack", ...how)));
if (made === undefined) {
  throw new Error("npm pack made no package");
}
writeFileSync(join(PACKED, "files.json"), JSON.stringify(made.files.map(({ path }) => path)));

const stamp = join(PACKED, "installed");
if (!existsSync(stamp) || readFileSync(stamp, "utf8") !== made.integrity) {
  rmSync(stamp, { force: true });
  rmSync(join(PACKED, "node_modules"), { recursive: true, force: true });
  const consumer = { name: "consumer", private: true, type: "module" };
  writeFileSync(join(PACKED, "package.json"), JSON.stringify(consumer));
  const quietly = ["--prefer-offline", "--ignore-scripts", "--no-package-lock"];
  npm("install", "--prefix", PACKED, ...quietly, join(PACKED, made.filename));
  writeFileSync(stamp, made.integrity);
}

function npm(...command: string[]): string {
  return execFileSync("npm", command, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
}
