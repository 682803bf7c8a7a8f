import { once } from "node:events";
import { createServer, type IncomingMessage, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import type { TestContext } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

/** Serves on a free port of this machine until the test ends, and returns the base URL. */
export async function serve(t: TestContext, listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** A port of this machine that refuses connections, as a base URL. */
export async function refusingUrl(): Promise<string> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return `http://127.0.0.1:${port}`;
}

/** Plays the auth service or an issuer: answers as it is told, and keeps what it was asked. */
export interface Actress {
  readonly url: string;
  readonly asked: IncomingMessage[];
  answer: RequestListener;
}

export async function play(t: TestContext, answer: RequestListener): Promise<Actress> {
  const asked: IncomingMessage[] = [];
  const actress = { url: "", asked, answer };
  actress.url = await serve(t, (request, response) => {
    asked.push(request);
    actress.answer(request, response);
  });
  return actress;
}

/** Waits for what is sure to happen. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) {
    await sleep(1);
  }
}

/** An answer with a status, a body (an object becomes JSON) and headers. */
export function answer(
  status: number,
  body: unknown = "",
  headers: Record<string, string> = {},
): RequestListener {
  return (_request, response) => {
    response.writeHead(status, { "content-type": "application/json", ...headers });
    response.end(typeof body === "string" ? body : JSON.stringify(body));
  };
}
