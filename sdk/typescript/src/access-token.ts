import { compactVerify } from "jose";
import { type ActorIdentity, readActor } from "./actor.js";
import { type ClaimSettings, checkClaims } from "./claims.js";
import type { KeySet } from "./key-set.js";
import { Unauthenticated } from "./refusals.js";
import { parseStrictJson } from "./strict-json.js";

export interface AccessTokenSettings extends ClaimSettings {
  /** Of signatures; asymmetric ones only. */
  readonly algorithms: readonly string[];
  readonly now: () => number;
}

/** RFC 9068 §2.1. So no other kind of JWT from the same issuer can be taken for one. */
const ACCESS_TOKEN = /^(application\/)?at\+jwt$/i;

/** Different headers of tokens that are remembered: an issuer has one for each key. */
const MAX_HEADERS = 64;

type JsonObject = Readonly<Record<string, unknown>>;

interface Header {
  readonly alg: string;
  readonly kid: string;
}

/** Verifies access tokens in the form of JWTs without asking anybody, but for keys. */
export class AccessTokens {
  readonly #settings: AccessTokenSettings;
  readonly #signatures: { readonly algorithms: string[] };
  readonly #keys: KeySet;
  /** Those that are acceptable, by how they are spelled: they are the same for many tokens. */
  readonly #headers = new Map<string, Header>();

  constructor(settings: AccessTokenSettings, keys: KeySet) {
    this.#settings = settings;
    this.#signatures = { algorithms: [...settings.algorithms] };
    this.#keys = keys;
  }

  /**
   * Says who acts with a token that has the form of a JWT.
   *
   * @throws {Unauthenticated} when it is not one of our issuer's, for us, now.
   * @throws {Unavailable} when the issuer's keys cannot be fetched.
   */
  async actorIn(token: string): Promise<ActorIdentity> {
    const { alg, kid } = this.#header(token.slice(0, token.indexOf(".")));
    if (!isSpelledRight(token.slice(token.lastIndexOf(".") + 1))) {
      throw unreadable();
    }
    const key = this.#keys.ready(kid, alg) ?? (await this.#keys.find(kid, alg));
    let claims: Uint8Array;
    try {
      claims = (await compactVerify(token, key, this.#signatures)).payload;
    } catch {
      // In our words: errors of jose may carry more than is good.
      throw new Unauthenticated("the signature is not valid");
    }
    return this.#actorBy(readObject(claims));
  }

  #header(base64url: string): Header {
    let header = this.#headers.get(base64url);
    if (header === undefined) {
      header = readHeader(Buffer.from(base64url, "base64url"), this.#settings.algorithms);
      if (this.#headers.size >= MAX_HEADERS) {
        this.#headers.clear(); // somebody makes them up; those of the issuer are soon back
      }
      this.#headers.set(base64url, header);
    }
    return header;
  }

  #actorBy(claims: JsonObject): ActorIdentity {
    checkClaims(claims, this.#settings, this.#settings.now() / 1000);
    const actor = readActor(claims["actor"]);
    if (actor === undefined) {
      throw new Unauthenticated("the token does not say who acts");
    }
    return actor;
  }
}

/** @throws {Unauthenticated} for a header that no access token of ours has. */
function readHeader(text: Uint8Array, algorithms: readonly string[]): Header {
  const { alg, crit, kid, typ } = readObject(text);
  if (typeof typ !== "string" || !ACCESS_TOKEN.test(typ)) {
    throw new Unauthenticated("the token is not an access token");
  }
  if (typeof alg !== "string" || !algorithms.includes(alg)) {
    throw new Unauthenticated("the token is signed in a way that is not allowed");
  }
  if (crit !== undefined) {
    throw new Unauthenticated("the token demands an extension that nobody knows");
  }
  if (typeof kid !== "string" || kid === "") {
    throw new Unauthenticated("the token does not name its key");
  }
  return { alg, kid };
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Reads a part of a token, which has one meaning: no member is there twice. */
function readObject(text: Uint8Array): JsonObject {
  let value: unknown;
  try {
    value = parseStrictJson(utf8.decode(text));
  } catch {
    // Not JSON, or not in one way.
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw unreadable();
  }
  return value as JsonObject;
}

/**
 * Whether the bits of the last character that belong to no byte are zero (RFC 4648
 * §3.5). The other parts of a token are signed as they are spelled, but the
 * signature itself could be spelled in sixteen ways.
 */
function isSpelledRight(base64url: string): boolean {
  const last = base64url.slice(-1);
  switch (base64url.length % 4) {
    case 0:
      return base64url !== "";
    case 2:
      return "AQgw".includes(last);
    case 3:
      return "AEIMQUYcgkosw048".includes(last);
    default:
      return false;
  }
}

function unreadable(): Unauthenticated {
  return new Unauthenticated("the token cannot be read");
}
