const PREFIXES = ["dk_", "gh_ak_"] as const;
const SECRET_DIGITS = 43;
const CHECKSUM_DIGITS = 6;
const BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const DIGITS = /^[0-9A-Za-z]{49}$/;

/** Whether a credential claims to be an API key, by its prefix. */
export function looksLikeApiKey(text: string): boolean {
  return PREFIXES.some((prefix) => text.startsWith(prefix));
}

/**
 * Whether an API key can be one at all: prefix, 43 base62 digits, and 6 more that
 * are the CRC-32 of everything before them. It costs no question to the auth
 * service, finds typing mistakes and cut-off keys, and proves nothing else.
 */
export function isWellFormedApiKey(key: string): boolean {
  const prefix = PREFIXES.find((candidate) => key.startsWith(candidate));
  if (prefix === undefined || !DIGITS.test(key.slice(prefix.length))) {
    return false;
  }
  const checked = prefix.length + SECRET_DIGITS;
  return key.slice(checked) === base62(crc32(key.slice(0, checked)));
}

function base62(value: number): string {
  let digits = "";
  for (let rest = value; rest > 0; rest = Math.floor(rest / 62)) {
    digits = BASE62.charAt(rest % 62) + digits;
  }
  return digits.padStart(CHECKSUM_DIGITS, "0");
}

// node:zlib has crc32 only from Node 20.15 on.
const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let entry = byte;
  for (let bit = 0; bit < 8; bit++) {
    entry = entry & 1 ? (entry >>> 1) ^ 0xedb88320 : entry >>> 1;
  }
  return entry;
});

function crc32(ascii: string): number {
  let crc = 0xffffffff;
  for (let i = 0; i < ascii.length; i++) {
    crc = (crc >>> 8) ^ (CRC_TABLE[(crc ^ ascii.charCodeAt(i)) & 0xff] ?? 0);
  }
  return (crc ^ 0xffffffff) >>> 0;
}
