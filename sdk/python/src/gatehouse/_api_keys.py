"""The shape of API keys, which can be checked without asking anybody."""

import re
import string
from zlib import crc32

_PREFIXES = ("dk_", "gh_ak_")
_BASE62 = string.digits + string.ascii_uppercase + string.ascii_lowercase
_CHECKSUM_DIGITS = 6
_KEY = re.compile(r"(?:dk_|gh_ak_)[0-9A-Za-z]{49}")  # 43 digits of secret, 6 of checksum


def looks_like_api_key(text: str) -> bool:
    """Whether a credential claims to be an API key, by its prefix."""
    return text.startswith(_PREFIXES)


def is_well_formed_api_key(key: str) -> bool:
    """Whether this can be an API key at all.

    It finds keys that are mistyped or cut off, and proves nothing else. The last six digits are
    the CRC-32 of everything before them.
    """
    if not _KEY.fullmatch(key):
        return False
    checked, checksum = key[:-_CHECKSUM_DIGITS], key[-_CHECKSUM_DIGITS:]
    return checksum == _base62(crc32(checked.encode("ascii")))


def _base62(value: int) -> str:
    digits = ""
    for _ in range(_CHECKSUM_DIGITS):
        value, digit = divmod(value, 62)
        digits = _BASE62[digit] + digits
    return digits
