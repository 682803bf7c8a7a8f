/**
 * Parses JSON and refuses what two readers could read differently: an object
 * that has a member twice (JSON.parse silently takes the last one).
 *
 * @throws {SyntaxError} for that, and for what is not JSON.
 */
export function parseStrictJson(text: string): unknown {
  const value: unknown = JSON.parse(text);
  // Members that are written and not there were there twice.
  if (countWrittenMembers(text) !== countMembers(value)) {
    throw new SyntaxError("a member is there twice");
  }
  return value;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;

/** Colons outside of texts: in JSON, one for each member. */
function countWrittenMembers(json: string): number {
  let members = 0;
  let inText = false;
  for (let i = 0; i < json.length; i++) {
    const char = json.charCodeAt(i);
    if (char === QUOTE) {
      inText = !inText;
    } else if (inText) {
      if (char === BACKSLASH) {
        i++;
      }
    } else if (char === COLON) {
      members++;
    }
  }
  return members;
}

function countMembers(value: unknown): number {
  let members = 0;
  if (Array.isArray(value)) {
    for (const item of value) {
      members += countMembers(item);
    }
  } else if (typeof value === "object" && value !== null) {
    for (const key in value) {
      members += 1 + countMembers((value as Record<string, unknown>)[key]);
    }
  }
  return members;
}
