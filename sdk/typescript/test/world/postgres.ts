import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { accessSync, chownSync, constants, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import type { TestContext } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";

const NOBODY = 65534; // as whom Postgres runs when we are root, which it refuses to be
const READY_WITHIN_MS = 30_000;

/** A real Postgres, and connections to it as one of its roles. */
export interface Postgres {
  /** Where its socket is. */
  readonly folder: string;
  connect(user: string): Promise<pg.Client>;
  /** Of one connection at most. */
  pool(user: string): pg.Pool;
}

/**
 * Starts a Postgres, in a temporary folder and on a socket there, until the test
 * ends. It needs the programs initdb and postgres, and fails without them.
 */
export async function startPostgres(t: TestContext): Promise<Postgres> {
  const folder = mkdtempSync(join(tmpdir(), "gatehouse-sdk-"));
  const as = process.geteuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {};
  if (as.uid !== undefined) {
    chownSync(folder, as.uid, as.gid);
  }
  const options = {
    cwd: folder,
    env: { PATH: process.env["PATH"], LC_ALL: "C", TZ: "UTC" },
    ...as,
  };
  const data = join(folder, "data");
  const initdb = ["-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync"];
  execFileSync(program("initdb"), initdb, { ...options, stdio: "pipe" });
  const settings = ["listen_addresses=", "fsync=off", `unix_socket_directories=${folder}`];
  const server = spawn(
    program("postgres"),
    ["-D", data, ...settings.flatMap((setting) => ["-c", setting])],
    { ...options, stdio: "ignore" },
  );
  const opened: { end(): Promise<void> }[] = [];
  t.after(async () => {
    await Promise.all(opened.map((connection) => connection.end()));
    await stop(server, folder);
  });
  const login = (user: string) => ({ host: folder, database: "postgres", user });
  await readiness(login("postgres"), server);
  return {
    folder,
    async connect(user) {
      const client = new pg.Client(login(user));
      await client.connect();
      opened.push(client);
      return client;
    },
    pool(user) {
      const pool = new pg.Pool({ ...login(user), max: 1 });
      opened.push(pool);
      return pool;
    },
  };
}

function program(name: string): string {
  const debian = "/usr/lib/postgresql";
  const versions = readdirIfThere(debian).map((version) => join(debian, version, "bin"));
  const folders = [...(process.env["PATH"] ?? "").split(delimiter), ...versions];
  for (const file of folders.map((folder) => join(folder, name))) {
    try {
      accessSync(file, constants.X_OK);
      return file;
    } catch {
      // Not here.
    }
  }
  throw new Error(`this test needs Postgres (initdb, postgres), and there is no ${name}`);
}

function readdirIfThere(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

async function readiness(connection: pg.ClientConfig, server: ChildProcess): Promise<void> {
  for (const start = Date.now(); ; await sleep(20)) {
    const client = new pg.Client(connection);
    try {
      await client.connect();
      await client.end();
      return;
    } catch (error) {
      if (server.exitCode !== null || Date.now() - start > READY_WITHIN_MS) {
        throw error;
      }
    }
  }
}

async function stop(server: ChildProcess, folder: string): Promise<void> {
  if (server.exitCode === null && server.kill("SIGQUIT")) {
    await once(server, "exit");
  }
  rmSync(folder, { recursive: true, force: true });
}
