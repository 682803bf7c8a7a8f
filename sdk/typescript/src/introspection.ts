import { type ActorIdentity, readActor } from "./actor.js";
import { type Answer, ask } from "./ask.js";
import { BoundedCache } from "./bounded-cache.js";
import { type Credentials, fingerprint, headersToShow } from "./credentials.js";
import { Forbidden, Unauthenticated, Unavailable } from "./refusals.js";
import { parseStrictJson } from "./strict-json.js";

const WHOM = "the auth service";
const MAX_ANSWER_BYTES = 64 * 1024;
const MAX_REMEMBERED = 10_000;

/** Who asks while the same question is younger than this waits for its answer. */
const SHARED_FOR_MS = 1000;

export interface IntrospectionSettings {
  /** Without a slash at its end. */
  readonly authUrl: string;
  readonly timeoutMs: number;
  /** For how long a good answer counts. */
  readonly cacheMs: number;
  readonly now: () => number;
}

interface Asked {
  readonly since: number;
  readonly actor: Promise<ActorIdentity>;
}

interface Known {
  readonly since: number;
  readonly actor: ActorIdentity;
}

/** Asks the auth service who somebody is, and remembers good answers for a moment. */
export class Introspection {
  readonly #settings: IntrospectionSettings;
  readonly #known = new BoundedCache<Known>(MAX_REMEMBERED);
  readonly #asked = new Map<string, Asked>();

  constructor(settings: IntrospectionSettings) {
    this.#settings = settings;
  }

  /**
   * @throws {Unauthenticated} when the auth service does not know the credentials.
   * @throws {Forbidden} when it knows them and refuses.
   * @throws {Unavailable} for any other answer, and for none.
   */
  async actorWith(credentials: Credentials): Promise<ActorIdentity> {
    const key = fingerprint(credentials);
    const { cacheMs } = this.#settings;
    const known = this.#known.get(key);
    if (known !== undefined) {
      if (this.#isYounger(known.since, cacheMs)) {
        return known.actor;
      }
      this.#known.delete(key);
    }
    const asked = this.#asked.get(key);
    // An old question may have been decided before the credential was taken back.
    if (asked !== undefined && this.#isYounger(asked.since, SHARED_FOR_MS)) {
      return asked.actor;
    }
    return this.#askAnew(key, credentials);
  }

  async #askAnew(key: string, credentials: Credentials): Promise<ActorIdentity> {
    const since = this.#settings.now();
    const asked: Asked = { since, actor: this.#ask(credentials) };
    this.#asked.set(key, asked);
    try {
      const actor = await asked.actor;
      // Age counts from the question: it was true at some time after that.
      if (this.#isYounger(since, this.#settings.cacheMs)) {
        this.#known.set(key, { since, actor });
      }
      return actor;
    } finally {
      if (this.#asked.get(key) === asked) {
        this.#asked.delete(key);
      }
    }
  }

  async #ask(credentials: Credentials): Promise<ActorIdentity> {
    const answer = await ask({
      whom: WHOM,
      url: `${this.#settings.authUrl}/auth/me`,
      headers: headersToShow(credentials),
      timeoutMs: this.#settings.timeoutMs,
      maxBytes: MAX_ANSWER_BYTES,
      now: this.#settings.now,
    });
    switch (answer.status) {
      case 200:
        return readAnswer(answer);
      case 401:
        throw new Unauthenticated("the credential was refused");
      case 403:
        throw new Forbidden();
      default:
        throw new Unavailable(`${WHOM} answers ${answer.status}`, answer.retryAfter);
    }
  }

  /** A clock that was put back makes everything old. */
  #isYounger(since: number, limitMs: number): boolean {
    const age = this.#settings.now() - since;
    return age >= 0 && age < limitMs;
  }
}

function readAnswer({ body, retryAfter }: Answer): ActorIdentity {
  let actor: ActorIdentity | undefined;
  try {
    actor = readActor(parseStrictJson(body));
  } catch {
    // Not JSON: no actor either.
  }
  if (actor === undefined) {
    throw new Unavailable(`${WHOM} gives an answer that cannot be read`, retryAfter);
  }
  return actor;
}
