/**
 * Why a request does not get in. The members `status`, `statusCode`, `expose` and
 * `headers` are those that Express, Fastify and Nest look for in an error, so
 * that each answers correctly without a handler of ours. No message contains a
 * credential, and all may be shown to whoever calls.
 */
export abstract class Refusal extends Error {
  /** A word for programs: `unauthenticated`, `forbidden` or `unavailable`. */
  readonly code: string;
  /** The status to answer with. */
  readonly status: 401 | 403 | 503;
  /** The same; some frameworks look for this name. */
  readonly statusCode: 401 | 403 | 503;
  /** Headers to answer with; names are lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** The message may be shown to the client. */
  readonly expose = true;

  protected constructor(
    code: string,
    status: 401 | 403 | 503,
    headers: Record<string, string>,
    message: string,
  ) {
    super(message);
    this.code = code;
    this.status = status;
    this.statusCode = status;
    this.headers = Object.freeze(headers);
  }

  /** A body to answer with: `{"detail": message}`, as the auth service's own are. */
  toJSON(): { detail: string } {
    return { detail: this.message };
  }
}

/** 401: nobody is known to be calling. */
export class Unauthenticated extends Refusal {
  override readonly name = "Unauthenticated";

  constructor(message = "authentication is required") {
    super("unauthenticated", 401, { "www-authenticate": "Bearer" }, message);
  }
}

/** 403: it is known who is calling, and they may not. */
export class Forbidden extends Refusal {
  override readonly name = "Forbidden";

  constructor(message = "this actor may not do that") {
    super("forbidden", 403, {}, message);
  }
}

/** 503: it cannot be said who is calling, because the auth service does not say. */
export class Unavailable extends Refusal {
  override readonly name = "Unavailable";
  /** In how many seconds to try again, if the auth service said so. */
  readonly retryAfter: number | undefined;

  constructor(message = "the auth service is unavailable", retryAfter?: number) {
    const headers = retryAfter === undefined ? {} : { "retry-after": String(retryAfter) };
    super("unavailable", 503, headers as Record<string, string>, message);
    this.retryAfter = retryAfter;
  }
}
