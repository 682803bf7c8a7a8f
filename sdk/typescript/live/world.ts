/** The Gatehouse that the live tests run against, and its demo's people. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import type { TestContext } from "node:test";

export const authUrl = addressIn("AUTH_SERVICE_URL");
export const issuer = addressIn("GATEHOUSE_ISSUER");

export const USER = "user@daarion.city";
export const ADMIN = "admin@daarion.city";
export const AGENT = "sofia@agents.daarion.city";

export interface Session {
  readonly session_token: string;
  readonly actor: unknown;
}

export function signIn(email: string): Promise<Session> {
  return post(`${authUrl}/auth/login`, { email, password: "any" });
}

/** Signs in at the issuer, and returns a JWT. */
export async function jwtOf(email: string): Promise<string> {
  const body = { email, password: "any" };
  return (await post<{ access_token: string }>(`${issuer}/api/v1/login`, body)).access_token;
}

export async function newApiKey({ session_token }: Session): Promise<{ id: string; key: string }> {
  const wish = { description: "live test", expires_days: 30 };
  return post(`${authUrl}/auth/api-keys`, wish, session_token);
}

export async function post<Body>(url: string, body: object, bearer?: string): Promise<Body> {
  const response = await fetch(url, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      ...(bearer !== undefined && { authorization: `Bearer ${bearer}` }),
    },
    body: JSON.stringify(body),
  });
  assert.ok(response.ok, `${url} answers ${response.status}: ${await response.clone().text()}`);
  return (await response.json()) as Body;
}

/** A way to Gatehouse that can be closed, after which it is gone as far as one can see. */
export async function wayTo(t: TestContext, url: string) {
  const { hostname, port } = new URL(url);
  const open = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect(Number(port), hostname);
    for (const socket of [near, far]) {
      open.add(socket);
      socket.on("error", () => {}); // it ends, which is passed on
      socket.on("close", () => {
        open.delete(socket);
        near.destroy();
        far.destroy();
      });
    }
    near.pipe(far).pipe(near);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const close = async () => {
    server.close();
    for (const socket of open) {
      socket.destroy();
    }
    await once(server, "close");
  };
  t.after(() => server.listening && close());
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close };
}

function addressIn(variable: string): string {
  const address = process.env[variable];
  if (!address) {
    throw new Error(
      `${variable} is not set: run this as "sdk/with-gatehouse sdk/typescript/check live"`,
    );
  }
  return address;
}
