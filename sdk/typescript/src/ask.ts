import { Unavailable } from "./refusals.js";

/** One question to the auth service. */
export interface Question {
  /** What is asked, for messages: "the auth service". */
  readonly whom: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** For everything together, connecting included. */
  readonly timeoutMs: number;
  /** Of the body, after decompression. */
  readonly maxBytes: number;
  readonly now: () => number;
}

export interface Answer {
  readonly status: number;
  /** Seconds, if the answer had a Retry-After that can be read. */
  readonly retryAfter: number | undefined;
  readonly body: string;
}

/**
 * Asks by GET and reads the whole answer. Redirects are answers like any other:
 * a credential goes only where it was configured to go.
 *
 * @throws {Unavailable} when there is no answer, not in time, or one that is too
 *   large or not UTF-8.
 */
export async function ask(question: Question): Promise<Answer> {
  const { whom, url, timeoutMs, maxBytes } = question;
  let response: Response;
  let bytes: Uint8Array | undefined;
  try {
    response = await fetch(url, {
      headers: { accept: "application/json", ...question.headers },
      redirect: "manual",
      signal: AbortSignal.timeout(timeoutMs),
    });
    bytes = await readAtMost(maxBytes, response);
  } catch (error) {
    throw new Unavailable(`${whom} gives no answer (${nameOf(error)})`);
  }
  const retryAfter = readRetryAfter(response.headers.get("retry-after"), question.now);
  const body = bytes && decode(bytes);
  if (body === undefined) {
    throw new Unavailable(`${whom} gives an answer that cannot be read`, retryAfter);
  }
  return { status: response.status, retryAfter, body };
}

async function readAtMost(limit: number, response: Response): Promise<Uint8Array | undefined> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.length;
    if (size > limit) {
      return undefined; // leaving the loop also ends the connection
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function decode(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/** Seconds from a Retry-After header (RFC 9110 §10.2.3): a number of them, or a date. */
function readRetryAfter(header: string | null, now: () => number): number | undefined {
  if (header === null) {
    return undefined;
  }
  if (/^\d{1,9}$/.test(header)) {
    return Number(header);
  }
  const at = /^[A-Za-z]{3},/.test(header) ? Date.parse(header) : Number.NaN;
  return Number.isNaN(at) ? undefined : Math.max(0, Math.ceil((at - now()) / 1000));
}

/**
 * The name of what went wrong, and not the error: its words and members are not
 * ours, and could quote what was sent.
 */
function nameOf(error: unknown): string {
  if (!(error instanceof Error)) {
    return "unknown";
  }
  const cause: unknown = error.cause;
  const code = typeof cause === "object" && cause !== null && "code" in cause && cause.code;
  return typeof code === "string" ? code : error.name;
}
