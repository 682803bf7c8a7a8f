import { randomInt } from "node:crypto";
import { crc32 } from "node:zlib";

const BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/** An API key of the right shape, made with another CRC-32 than that of the SDK. */
export function makeApiKey(prefix: "dk_" | "gh_ak_"): string {
  const digits = Array.from({ length: 43 }, () => BASE62.charAt(randomInt(62)));
  const start = prefix + digits.join("");
  let checksum = "";
  for (let rest = crc32(start), i = 0; i < 6; i++, rest = Math.floor(rest / 62)) {
    checksum = BASE62.charAt(rest % 62) + checksum;
  }
  return start + checksum;
}
