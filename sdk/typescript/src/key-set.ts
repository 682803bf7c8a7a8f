import { type CryptoKey, importJWK, type JWK } from "jose";
import { ask } from "./ask.js";
import { Unauthenticated, Unavailable } from "./refusals.js";
import { parseStrictJson } from "./strict-json.js";

const WHOM = "the issuer of tokens";
const MAX_ANSWER_BYTES = 256 * 1024;
const FRESH_MS = 5 * 60 * 1000;
const USABLE_MS = 24 * 60 * 60 * 1000;
/** Between two looks for a key that we do not have, and after a failure. */
const PAUSE_MS = 10 * 1000;
/** The same while there are no keys to work with. */
const EMPTY_PAUSE_MS = 1000;

export interface KeySetSettings {
  readonly url: string;
  readonly timeoutMs: number;
  readonly now: () => number;
}

type ImportedKey = CryptoKey | Uint8Array;

interface Fetched {
  readonly at: number;
  readonly keys: readonly Key[];
}

interface Key {
  readonly jwk: JWK;
  /** By algorithm, made when first needed: RSA keys can serve several. */
  readonly imported: Map<string, ImportedKey>;
}

/**
 * The public keys of an issuer. They are fetched when first needed, again every
 * five minutes, and for a key that is not among them; when that fails, those we
 * have stay in use for a day.
 */
export class KeySet {
  readonly #settings: KeySetSettings;
  #fetched: Fetched | undefined;
  #refreshing: Promise<void> | undefined;
  /** When the last refresh ended. */
  #triedAt: number | undefined;
  /** Whether that one failed. */
  #failed = false;
  /** When a key we did not have last made us look. */
  #lookedAt: number | undefined;

  constructor(settings: KeySetSettings) {
    this.#settings = settings;
  }

  /** What `find` would say, if it can without waiting, as is usual. */
  ready(kid: string, alg: string): ImportedKey | undefined {
    return this.#isFresh() ? this.#lookUp(kid, alg)?.imported.get(alg) : undefined;
  }

  /**
   * The key that signs tokens with this id and algorithm.
   *
   * @throws {Unauthenticated} when the issuer has no such key.
   * @throws {Unavailable} when that cannot be said, as its keys cannot be fetched.
   */
  async find(kid: string, alg: string): Promise<ImportedKey> {
    if (!this.#isFresh()) {
      const refreshed = this.#refreshUnlessItJustFailed();
      // Who has a key does not wait for an issuer that did not answer last time.
      if (!this.#failed || this.#lookUp(kid, alg) === undefined) {
        await refreshed;
      }
    } else if (this.#lookUp(kid, alg) === undefined) {
      await this.#refreshUnlessWeJustLooked();
    }
    const key = this.#lookUp(kid, alg);
    if (key !== undefined) {
      return key.imported.get(alg) ?? importOnce(key, alg);
    }
    if (this.#held().length === 0) {
      throw new Unavailable(`the keys of ${WHOM} cannot be fetched`);
    }
    if (this.#failed) {
      throw new Unavailable(`${WHOM} does not say whether it has this key`);
    }
    throw new Unauthenticated("the token is signed with an unknown key");
  }

  #isFresh(): boolean {
    return this.#held().length > 0 && this.#isWithin(this.#fetched?.at, FRESH_MS);
  }

  #lookUp(kid: string, alg: string): Key | undefined {
    return this.#held().find(({ jwk }) => jwk.kid === kid && signsWith(jwk, alg));
  }

  #held(): readonly Key[] {
    const { at, keys } = this.#fetched ?? { at: undefined, keys: [] };
    return this.#isWithin(at, USABLE_MS) ? keys : [];
  }

  async #refreshUnlessItJustFailed(): Promise<void> {
    const hasKeys = this.#held().length > 0;
    const justFailed = hasKeys
      ? this.#failed && this.#isWithin(this.#triedAt, PAUSE_MS)
      : this.#isWithin(this.#triedAt, EMPTY_PAUSE_MS);
    if (this.#refreshing || !justFailed) {
      await this.#refresh();
    }
  }

  /** Anybody can make up key ids, so that they must not make us ask each time. */
  async #refreshUnlessWeJustLooked(): Promise<void> {
    if (this.#refreshing || !this.#isWithin(this.#lookedAt, PAUSE_MS)) {
      this.#lookedAt = this.#settings.now();
      await this.#refresh();
    }
  }

  async #refresh(): Promise<void> {
    this.#refreshing ??= this.#fetch().finally(() => {
      this.#refreshing = undefined;
    });
    await this.#refreshing;
  }

  /** Never rejected: who waits for a key that is not there is told. */
  async #fetch(): Promise<void> {
    const { url, timeoutMs, now } = this.#settings;
    const at = now();
    let keys: readonly Key[] | undefined;
    try {
      const answer = await ask({
        whom: WHOM,
        url,
        headers: {},
        timeoutMs,
        maxBytes: MAX_ANSWER_BYTES,
        now,
      });
      keys = answer.status === 200 ? readKeys(answer.body) : undefined;
    } catch {
      // That it failed is all that counts.
    }
    this.#triedAt = now();
    this.#failed = keys === undefined;
    if (keys !== undefined) {
      this.#fetched = { at, keys };
    }
  }

  /** A clock that was put back makes everything old. */
  #isWithin(since: number | undefined, limitMs: number): boolean {
    const age = since === undefined ? -1 : this.#settings.now() - since;
    return age >= 0 && age < limitMs;
  }
}

/** The keys of a JWK Set (RFC 7517 §5), without what we cannot use, or nothing. */
function readKeys(body: string): readonly Key[] | undefined {
  let set: unknown;
  try {
    set = parseStrictJson(body);
  } catch {
    return undefined;
  }
  const keys = typeof set === "object" && set !== null && "keys" in set && set.keys;
  return Array.isArray(keys)
    ? keys.filter(isPublicKeyToSignWith).map((jwk) => ({ jwk, imported: new Map() }))
    : undefined;
}

async function importOnce({ jwk, imported }: Key, alg: string): Promise<ImportedKey> {
  try {
    const key = await importJWK(jwk, alg);
    imported.set(alg, key);
    return key;
  } catch {
    throw new Unauthenticated("the token is signed with a key that makes no sense");
  }
}

function isPublicKeyToSignWith(value: unknown): value is JWK {
  if (typeof value !== "object" || value === null) {
    return false;
  }
  const key = value as JWK;
  return (
    typeof key.kid === "string" &&
    (key.use === undefined || key.use === "sig") &&
    (key.key_ops === undefined || (Array.isArray(key.key_ops) && key.key_ops.includes("verify"))) &&
    key.d === undefined && // a private key that everybody can read signs for everybody
    key.k === undefined
  );
}

const CURVES: Readonly<Record<string, { kty: string; crv: string }>> = {
  ES256: { kty: "EC", crv: "P-256" },
  ES384: { kty: "EC", crv: "P-384" },
  ES512: { kty: "EC", crv: "P-521" },
  EdDSA: { kty: "OKP", crv: "Ed25519" },
  Ed25519: { kty: "OKP", crv: "Ed25519" },
};

/** Whether the algorithm fits the key: two keys of different kinds may share an id. */
function signsWith(key: JWK, alg: string): boolean {
  if (key.alg !== undefined && key.alg !== alg) {
    return false;
  }
  const curve = CURVES[alg];
  return curve === undefined ? key.kty === "RSA" : key.kty === curve.kty && key.crv === curve.crv;
}
