/**
 * As much of a request as the SDK reads: Node's IncomingMessage, a Fetch Request
 * and a plain object with headers all are one.
 */
export interface IncomingRequest {
  readonly headers: FetchHeaders | PlainHeaders;
  /**
   * Names and values in turn, as Node has them. Used only to notice that a header
   * was sent twice, of which Node shows no more than the first in `headers`.
   */
  readonly rawHeaders?: readonly string[];
}

/** The part of Fetch's Headers that is needed. */
export interface FetchHeaders {
  get(name: string): string | null;
}

/** Headers as Node has them. Without `rawHeaders` names may be in any case. */
export type PlainHeaders = Readonly<Record<string, string | readonly string[] | undefined>>;

/**
 * The value of a header that was sent once; of one that was sent twice there is
 * none, as nobody can say which of them counts. Fetch shows two as one with a comma
 * and a space between them, which no credential has. The name is in lower case.
 */
export function headerSentOnce(request: IncomingRequest, name: string): string | undefined {
  const [value, another] = sentValues(request, name);
  const isOne = another === undefined && !wasSentTwice(request.rawHeaders, name);
  return isOne && typeof value === "string" ? value : undefined;
}

/** All values of a header that may be sent more than once. The name is in lower case. */
export function headerLines(request: IncomingRequest, name: string): readonly string[] {
  return sentValues(request, name).filter((value) => typeof value === "string");
}

/** What is there under a name; frameworks differ from their types, hence unknown. */
function sentValues({ headers, rawHeaders }: IncomingRequest, name: string): readonly unknown[] {
  if (isFetchHeaders(headers)) {
    return listOf(headers.get(name));
  }
  if (rawHeaders !== undefined) {
    return listOf(headers[name]); // Node writes all names in lower case
  }
  return Object.keys(headers)
    .filter((key) => key.toLowerCase() === name)
    .flatMap((key) => listOf(headers[key]));
}

function listOf(value: unknown): readonly unknown[] {
  if (value === undefined || value === null) {
    return [];
  }
  return Array.isArray(value) ? value : [value];
}

function wasSentTwice(rawHeaders: readonly string[] | undefined, name: string): boolean {
  let times = 0;
  for (let i = 0; rawHeaders !== undefined && i < rawHeaders.length; i += 2) {
    const sent = rawHeaders[i];
    if (sent?.length === name.length && sent.toLowerCase() === name) {
      times++;
    }
  }
  return times > 1;
}

function isFetchHeaders(headers: FetchHeaders | PlainHeaders): headers is FetchHeaders {
  return typeof headers.get === "function"; // what is sent under this name is a text
}
