import { execFileSync, fork } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import type { TestContext } from "node:test";
import { PACKED } from "./packed.js";

const README = readFileSync("README.md", "utf8");

/** Programs of the README, by what they import last; they are beside the installed package. */
export interface ReadmePrograms {
  /** Starts one on a free port until the test ends, and returns its base URL. */
  start(t: TestContext, name: string, environment: Record<string, string>): Promise<string>;
  /** Where a module is, for import. */
  module(name: string): string;
}

/** Comes before a program, and tells us where it listens: on port 0, which is a free one. */
const TELL_PORT = `
  import net from "node:net";
  const { listen } = net.Server.prototype;
  net.Server.prototype.listen = function (...where) {
    this.once("listening", () => process.send(this.address().port));
    return listen.apply(this, where);
  };`;

/** The blocks of code in one language, in order. */
export function readmeBlocks(language: string): string[] {
  return [...README.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)]
    .filter((block) => block[1] === language)
    .map((block) => block[2] ?? "");
}

/** What is between the lines `cat >FILE <<'END'` and `END`. */
function heredoc(file: string): string {
  const [, text] = README.split(`cat >${file} <<'END'\n`);
  return text?.split("\nEND\n")[0] ?? "";
}

/** Compiles every program of the README against the installed package; a mistake throws. */
export function compileReadme(): ReadmePrograms {
  const folder = join(PACKED, "readme");
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder);
  const programs: Record<string, string> = { "hello.mjs": heredoc("hello.mjs") };
  for (const code of readmeBlocks("ts")) {
    const guard = /@gatehouse\/sdk\/(\w+)"/.exec(code)?.[1];
    programs[`${guard ?? (code.includes('"pg"') ? "pg" : "fetch")}.ts`] = code;
  }
  for (const [name, code] of Object.entries(programs)) {
    writeFileSync(join(folder, name), code.replace(/\b9000\b/, "0"));
  }
  const tsconfig = {
    compilerOptions: {
      target: "es2022",
      lib: ["es2023"],
      module: "nodenext",
      types: ["node"],
      typeRoots: [resolve("node_modules/@types")],
      strict: true,
      exactOptionalPropertyTypes: true,
      experimentalDecorators: true,
      skipLibCheck: true, // of frameworks; our own types are checked where they are built
    },
    include: ["."],
  };
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(tsconfig));
  execFileSync(resolve("node_modules/.bin/tsc"), ["-p", folder], { stdio: "pipe" });
  return {
    module: (name) => join(folder, name),
    async start(t, name, environment) {
      const program = fork(join(folder, name), {
        env: { PATH: process.env["PATH"], NODE_ENV: "production", ...environment },
        execArgv: ["--import", `data:text/javascript,${encodeURIComponent(TELL_PORT)}`],
        stdio: ["ignore", "ignore", "ignore", "ipc"],
      });
      t.after(async () => {
        if (program.exitCode === null && program.kill()) {
          await once(program, "exit");
        }
      });
      const told = once(program, "message");
      const ended = once(program, "exit").then(([code]) => {
        throw new Error(`the README's ${name} ended with ${code}`);
      });
      ended.catch(() => {}); // in the end it does
      const [port] = await Promise.race([told, ended]);
      return `http://localhost:${port}`;
    },
  };
}
