import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";

/** The folder in which `npm run packed` installs the package as it would be published. */
export const PACKED = resolve(".cache/packed");

/** The paths in the package. */
export function filesInPackage(): string[] {
  return JSON.parse(readFileSync(join(PACKED, "files.json"), "utf8"));
}
