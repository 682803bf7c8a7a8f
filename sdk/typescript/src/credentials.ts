import { createHash } from "node:crypto";
import { headerLines, headerSentOnce, type IncomingRequest } from "./headers.js";

/** What a request shows to say who is calling. Members that are missing were not shown. */
export interface Credentials {
  /** The X-API-Key header. */
  readonly apiKey: string | undefined;
  /** What follows `Bearer` in the Authorization header. */
  readonly bearer: string | undefined;
  /** The session cookie that counts, decoded. */
  readonly cookie: string | undefined;
  /** All session cookies as they were sent, `name=value`; the one that counts is first. */
  readonly cookies: readonly string[];
}

/** More characters than any credential has: what is longer is nobody's, and not worth reading. */
const MAX_LENGTH = 16 * 1024;

/** The auth service tries as many: a neighbouring sub-domain can set others beside ours. */
const MAX_COOKIES = 4;

/** The name that only this host can have set comes first. */
const COOKIE_NAMES = ["__Host-session_token", "session_token"] as const;

// No credential has anything but visible ASCII.
const KEY = /^[ \t]*([\x21-\x7e]+)[ \t]*$/;
const BEARER = /^[ \t]*Bearer +([\x21-\x7e]+)[ \t]*$/i; // RFC 6750 §2.1
const COOKIE = /^[ \t]*((?:__Host-)?session_token)=([\x21-\x7e]+)[ \t]*$/;
const JWT = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*$/;

const NO_COOKIES: readonly string[] = [];

export function credentialsOf(request: IncomingRequest): Credentials {
  const apiKey = headerSentOnce(request, "x-api-key");
  const authorization = headerSentOnce(request, "authorization");
  return {
    apiKey: apiKey === undefined ? undefined : KEY.exec(apiKey)?.[1],
    bearer: authorization === undefined ? undefined : BEARER.exec(authorization)?.[1],
    ...sessionCookies(headerLines(request, "cookie")),
  };
}

export function isEmpty({ apiKey, bearer, cookies }: Credentials): boolean {
  return apiKey === undefined && bearer === undefined && cookies.length === 0;
}

export function isTooLong({ apiKey, bearer, cookies }: Credentials): boolean {
  let length = (apiKey?.length ?? 0) + (bearer?.length ?? 0);
  for (const cookie of cookies) {
    length += cookie.length;
  }
  return length > MAX_LENGTH;
}

/** Whether a text has the form of a JWT: three parts of base64url, the last maybe empty. */
export function looksLikeJwt(text: string): boolean {
  return JWT.test(text);
}

/** The one credential, if it is the only one and has the form of a JWT. */
export function onlyJwt({ apiKey, bearer, cookie, cookies }: Credentials): string | undefined {
  const others = (bearer === undefined ? 0 : 1) + cookies.length;
  if (apiKey !== undefined || others !== 1) {
    return undefined;
  }
  const only = bearer ?? cookie;
  return only !== undefined && looksLikeJwt(only) ? only : undefined;
}

/** The headers that show the same credentials to somebody else, and nothing more. */
export function headersToShow({ apiKey, bearer, cookies }: Credentials): Record<string, string> {
  return {
    ...(apiKey !== undefined && { "x-api-key": apiKey }),
    ...(bearer !== undefined && { authorization: `Bearer ${bearer}` }),
    ...(cookies.length > 0 && { cookie: cookies.join("; ") }),
  };
}

/** A name for these credentials from which they cannot be found out. */
export function fingerprint({ apiKey, bearer, cookies }: Credentials): string {
  return createHash("sha256")
    .update(JSON.stringify([apiKey, bearer, cookies]))
    .digest("base64");
}

function sessionCookies(lines: readonly string[]): Pick<Credentials, "cookie" | "cookies"> {
  if (lines.length === 0) {
    return { cookie: undefined, cookies: NO_COOKIES };
  }
  const sent = lines
    .flatMap((line) => line.split(";"))
    .map((pair) => COOKIE.exec(pair))
    .filter((match) => match !== null);
  const ours = COOKIE_NAMES.flatMap((wanted) => sent.filter(([, name]) => name === wanted));
  const value = ours[0]?.[2];
  return {
    cookie: value === undefined ? undefined : percentDecoded(value),
    cookies: ours.slice(0, MAX_COOKIES).map(([, name, value]) => `${name}=${value}`),
  };
}

function percentDecoded(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    return value; // not encoded, then
  }
}
