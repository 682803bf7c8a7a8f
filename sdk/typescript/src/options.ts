/** How a verifier verifies. All are optional. */
export interface VerifierOptions {
  /**
   * Where the auth service is; `GET {authUrl}/auth/me` says who somebody is.
   * Otherwise the environment's `AUTH_SERVICE_URL`, otherwise `http://localhost:7011`.
   */
  readonly authUrl?: string;
  /**
   * Who issues JWTs; they are then verified here, with its keys. Otherwise the
   * environment's `GATEHOUSE_ISSUER`; without any (or with `""`), the auth service
   * is asked about JWTs, too.
   */
  readonly issuer?: string;
  /** Whom JWTs must be for. Otherwise the issuer. */
  readonly audience?: string;
  /** Where the issuer's keys are, if not at `{issuer}/.well-known/jwks.json`. */
  readonly jwksUrl?: string;
  /** Of signatures of JWTs; only asymmetric ones are possible. Otherwise `["ES256"]`. */
  readonly algorithms?: readonly string[];
  /** By how many seconds clocks may differ: 0 to 30, which is the default. */
  readonly leewaySeconds?: number;
  /** How many milliseconds the auth service has for an answer. Otherwise 5000. */
  readonly timeoutMs?: number;
  /** How many milliseconds its answer about an actor counts: 0 to 1000, which is the default. */
  readonly cacheMs?: number;
  /** The time in milliseconds since 1970, for tests. Otherwise `Date.now`. */
  readonly now?: () => number;
}

/** Options that were checked, with every default in its place. */
export interface Settings {
  readonly authUrl: string;
  readonly timeoutMs: number;
  readonly cacheMs: number;
  readonly now: () => number;
  /** Missing when the auth service is asked about JWTs, too. */
  readonly jwt: JwtSettings | undefined;
}

export interface JwtSettings {
  readonly issuer: string;
  readonly audience: string;
  readonly jwksUrl: string;
  readonly algorithms: readonly string[];
  readonly leewaySeconds: number;
}

const DEFAULT_AUTH_URL = "http://localhost:7011";
const MAX_LEEWAY_SECONDS = 30;
const MAX_CACHE_MS = 1000;
const DEFAULT_TIMEOUT_MS = 5000;
const MAX_TIMEOUT_MS = 60_000;
const ASYMMETRIC = /^(ES(256|384|512)|[RP]S(256|384|512)|EdDSA|Ed25519)$/;

/** @throws {TypeError} for an option that cannot be meant. */
export function settingsFrom(options: VerifierOptions, environment = process.env): Settings {
  const issuer = options.issuer ?? environment["GATEHOUSE_ISSUER"] ?? "";
  return {
    authUrl: httpUrl(
      "authUrl",
      options.authUrl || environment["AUTH_SERVICE_URL"] || DEFAULT_AUTH_URL,
    ),
    timeoutMs: between("timeoutMs", options.timeoutMs ?? DEFAULT_TIMEOUT_MS, 1, MAX_TIMEOUT_MS),
    cacheMs: between("cacheMs", options.cacheMs ?? MAX_CACHE_MS, 0, MAX_CACHE_MS),
    now: options.now ?? Date.now,
    jwt: issuer === "" ? undefined : jwtSettings(issuer, options),
  };
}

function jwtSettings(issuer: string, options: VerifierOptions): JwtSettings {
  const algorithms = options.algorithms ?? ["ES256"];
  if (algorithms.length === 0 || !algorithms.every((algorithm) => ASYMMETRIC.test(algorithm))) {
    throw new TypeError("algorithms must be a list of asymmetric ones, such as ES256");
  }
  return {
    issuer,
    audience: options.audience || issuer,
    jwksUrl: options.jwksUrl
      ? httpUrl("jwksUrl", options.jwksUrl)
      : `${httpUrl("issuer", issuer)}/.well-known/jwks.json`,
    algorithms,
    leewaySeconds: between(
      "leewaySeconds",
      options.leewaySeconds ?? MAX_LEEWAY_SECONDS,
      0,
      MAX_LEEWAY_SECONDS,
    ),
  };
}

/**
 * The URL without a slash at its end. A path is appended to it, so that nothing may
 * follow its own. It is not in the error: it may have a password.
 */
function httpUrl(name: string, text: string): string {
  const isPlain = /^https?:\/\/[^\s/?#@\\]+(\/[^\s?#\\]*)?$/i.test(text);
  if (!isPlain || !URL.canParse(text)) {
    throw new TypeError(
      `${name} must be an http or https URL without user, password, query and fragment`,
    );
  }
  return text.replace(/\/+$/, "");
}

function between(name: string, value: number, least: number, most: number): number {
  if (!(value >= least && value <= most)) {
    throw new TypeError(`${name} must be between ${least} and ${most}`);
  }
  return value;
}
