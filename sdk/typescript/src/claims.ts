import { Unauthenticated } from "./refusals.js";

/** What the claims of a token must say (RFC 7519 §4.1). */
export interface ClaimSettings {
  readonly issuer: string;
  readonly audience: string;
  /** By how much clocks may differ. */
  readonly leewaySeconds: number;
}

/**
 * Refuses a token that is not from this issuer, for this audience, about
 * somebody, and good at this time, in seconds since 1970.
 *
 * @throws {Unauthenticated}
 */
export function checkClaims(
  claims: Readonly<Record<string, unknown>>,
  { issuer, audience, leewaySeconds }: ClaimSettings,
  now: number,
): void {
  const { iss, aud, sub, exp, nbf, iat } = claims;
  if (iss !== issuer) {
    throw new Unauthenticated("the token is from another issuer");
  }
  if (aud !== audience && !(Array.isArray(aud) && aud.includes(audience))) {
    throw new Unauthenticated("the token is for another audience");
  }
  if (typeof sub !== "string" || sub === "") {
    throw new Unauthenticated("the token has no subject");
  }
  if (!(isTime(exp) && now < exp + leewaySeconds)) {
    throw new Unauthenticated("the token has expired");
  }
  const latest = now + leewaySeconds;
  if (!(nbf === undefined || (isTime(nbf) && nbf <= latest))) {
    throw new Unauthenticated("the token is not valid yet");
  }
  if (!(iat === undefined || (isTime(iat) && iat <= latest))) {
    throw new Unauthenticated("the token was issued in the future");
  }
}

/** The year 10000; what is later is no time that anybody meant. */
const END_OF_TIME = 253_402_300_800;

/** A NumericDate (RFC 7519 §2): seconds, maybe with a fraction. */
function isTime(value: unknown): value is number {
  return typeof value === "number" && value >= 0 && value < END_OF_TIME;
}
