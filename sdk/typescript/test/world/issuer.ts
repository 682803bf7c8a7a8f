import type { TestContext } from "node:test";
import { exportJWK, generateKeyPair, type JWK, SignJWT } from "jose";
import type { Clock } from "./clock.js";
import { ada } from "./people.js";
import { type Actress, answer, play } from "./server.js";

/** An issuer of tokens with one key, which it can change. */
export interface Issuer {
  readonly house: Actress;
  /** Replaces the key; answers at the JWKS endpoint say so at once. */
  rotate(alg?: string): Promise<void>;
  publish(...keys: JWK[]): void;
  /** A token that is good unless claims or header say otherwise; undefined leaves one out. */
  mint(claims?: Record<string, unknown>, header?: Record<string, unknown>): Promise<string>;
  readonly publicKey: JWK;
}

export async function openIssuer(t: TestContext, clock: Clock): Promise<Issuer> {
  const house = await play(t, answer(404));
  let keys = 0;
  let current: { alg: string; jwk: JWK; privateKey: Parameters<SignJWT["sign"]>[0] };
  const issuer: Issuer = {
    house,
    async rotate(alg = "ES256") {
      const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true });
      keys++;
      const jwk = { ...(await exportJWK(publicKey)), kid: `key-${keys}`, alg, use: "sig" };
      current = { alg, jwk, privateKey };
      issuer.publish(jwk);
    },
    publish(...published) {
      house.answer = (request, response) => {
        const isRight = request.url === "/.well-known/jwks.json";
        answer(isRight ? 200 : 404, { keys: published })(request, response);
      };
    },
    mint(claims = {}, header = {}) {
      const payload = {
        iss: house.url,
        aud: house.url,
        sub: ada.actor_id,
        iat: clock.seconds,
        exp: clock.seconds + 900,
        actor: ada,
        ...claims,
      };
      const { alg, jwk } = current;
      return new SignJWT(payload)
        .setProtectedHeader({ alg, typ: "at+jwt", kid: jwk.kid, ...header } as { alg: string })
        .sign(current.privateKey);
    },
    get publicKey() {
      return current.jwk;
    },
  };
  await issuer.rotate();
  return issuer;
}

/** A request that shows a token as a bearer. */
export function bearing(token: string): { headers: { authorization: string } } {
  return { headers: { authorization: `Bearer ${token}` } };
}
