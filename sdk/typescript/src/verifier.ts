import { AccessTokens } from "./access-token.js";
import type { ActorIdentity } from "./actor.js";
import { isWellFormedApiKey, looksLikeApiKey } from "./api-key.js";
import { type Credentials, credentialsOf, isEmpty, isTooLong, onlyJwt } from "./credentials.js";
import type { IncomingRequest } from "./headers.js";
import { Introspection } from "./introspection.js";
import { KeySet } from "./key-set.js";
import { type JwtSettings, type Settings, settingsFrom, type VerifierOptions } from "./options.js";
import { Unauthenticated } from "./refusals.js";

/** Knows who is calling. One for a whole service: it remembers answers and keys. */
export interface Verifier {
  /**
   * Says who sent a request, by its X-API-Key, else its `Authorization: Bearer`,
   * else its cookie `session_token`.
   *
   * @throws {Unauthenticated} (401) when nobody is known to have sent it.
   * @throws {Forbidden} (403) when the auth service refuses whoever has.
   * @throws {Unavailable} (503) when that cannot be said at the moment.
   */
  verify(request: IncomingRequest): Promise<ActorIdentity>;
}

/** @throws {TypeError} for an option that cannot be meant. */
export function createVerifier(options: VerifierOptions = {}): Verifier {
  const settings = settingsFrom(options);
  const introspection = new Introspection(settings);
  const tokens = settings.jwt && accessTokens(settings.jwt, settings);
  return {
    async verify(request) {
      const credentials = credentialsOf(request);
      refuseHopeless(credentials);
      const jwt = onlyJwt(credentials);
      return tokens !== undefined && jwt !== undefined
        ? tokens.actorIn(jwt)
        : introspection.actorWith(credentials);
    },
  };
}

function accessTokens(jwt: JwtSettings, { timeoutMs, now }: Settings): AccessTokens {
  return new AccessTokens({ ...jwt, now }, new KeySet({ url: jwt.jwksUrl, timeoutMs, now }));
}

/** Refuses what the auth service would refuse, without asking it. */
function refuseHopeless(credentials: Credentials): void {
  if (isEmpty(credentials)) {
    throw new Unauthenticated();
  }
  if (isTooLong(credentials)) {
    throw new Unauthenticated("the credential is too long");
  }
  // What has no prefix of an API key can be good in either header: gateways put
  // session tokens into X-API-Key, too.
  const first = credentials.apiKey ?? credentials.bearer;
  if (first !== undefined && looksLikeApiKey(first) && !isWellFormedApiKey(first)) {
    throw new Unauthenticated("the API key is mistyped or cut off");
  }
}
