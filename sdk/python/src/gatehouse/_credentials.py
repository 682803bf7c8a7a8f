"""What a request shows to say who sends it."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Protocol
from urllib.parse import unquote


class Headers(Protocol):
    """What most frameworks have their headers in; a dict is one."""

    def items(self) -> Iterable[tuple[str, str]]:
        """Return names, in any case, and values; a header that was sent twice, twice."""
        ...


# The name that only this host can have set comes first.
_COOKIE_NAMES = ("__Host-session_token", "session_token")
# The auth service tries as many: a neighbouring sub-domain can set others beside ours.
_MAX_COOKIES = 4
# More than any credential has: what is longer is nobody's, and not worth reading.
_MAX_LENGTH = 16 * 1024
_VISIBLE = re.compile(r"[\x21-\x7e]+")
# WSGI and some proxies join two headers with a comma: a credential has none. Without ASCII, the
# letters K and S would have a third case.
_BEARER = re.compile(r"bearer +([\x21-\x2b\x2d-\x7e]+)", re.IGNORECASE | re.ASCII)
_KEY = re.compile(r"[\x21-\x2b\x2d-\x7e]+")
_JWT = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*")
_SPACE = " \t"


@dataclass(frozen=True, slots=True)
class Credentials:
    """What was shown; None is what was not. Its text form shows nothing."""

    api_key: str | None = field(repr=False)
    bearer: str | None = field(repr=False)
    """What follows ``Bearer``."""
    cookie: str | None = field(repr=False)
    """The session cookie that counts, decoded."""
    cookies: int
    """How many session cookies there are."""
    headers: dict[str, str] = field(repr=False)
    """The headers that show the same to somebody else, and nothing more."""

    def only_jwt(self) -> str | None:
        """Return the one credential, if there is no other and it has the form of a JWT."""
        if self.api_key is not None or (self.bearer is not None) + self.cookies != 1:
            return None
        only = self.cookie if self.bearer is None else self.bearer
        return only if only is not None and _JWT.fullmatch(only) else None

    def are_too_long(self) -> bool:
        """Whether there is more of them than anybody has."""
        return sum(map(len, self.headers.values())) > _MAX_LENGTH

    def fingerprint(self) -> bytes:
        """Return a name for these credentials from which they cannot be found out."""
        # No value has a line break, so no two sets of headers make one text.
        lines = "\n".join(f"{name}: {value}" for name, value in self.headers.items())
        return sha256(lines.encode("ascii")).digest()


def credentials_in(headers: Headers | Iterable[tuple[str, str]]) -> Credentials:
    """Find the credentials among a request's headers."""
    pairs = headers.items() if hasattr(headers, "items") else headers
    sent: dict[str, list[str]] = {"x-api-key": [], "authorization": [], "cookie": []}
    for name, value in pairs:
        values = sent.get(name.lower())
        if values is not None:
            values.append(value.strip(_SPACE))

    shown: dict[str, str] = {}
    api_key = bearer = cookie = None
    # Of two such headers nobody can say which one counts.
    if len(sent["x-api-key"]) == 1 and _KEY.fullmatch(sent["x-api-key"][0]):
        api_key = shown["X-API-Key"] = sent["x-api-key"][0]
    if len(sent["authorization"]) == 1 and (found := _BEARER.fullmatch(sent["authorization"][0])):
        bearer, shown["Authorization"] = found[1], found[0]
    cookies = _session_cookies(sent["cookie"]) if sent["cookie"] else []
    if cookies:
        cookie = _percent_decoded(cookies[0][1])
        shown["Cookie"] = "; ".join(map("=".join, cookies))
    return Credentials(api_key, bearer, cookie, len(cookies), shown)


def _session_cookies(headers: list[str]) -> list[tuple[str, str]]:
    """Return names and values, of which the first counts."""
    pairs = [pair.partition("=") for header in headers for pair in header.split(";")]
    sent = [(name.strip(_SPACE), value.strip(_SPACE)) for name, _, value in pairs]
    ours = [
        (name, value)
        for wanted in _COOKIE_NAMES
        for name, value in sent
        if name == wanted and _VISIBLE.fullmatch(value)
    ]
    return ours[:_MAX_COOKIES]


def _percent_decoded(value: str) -> str:
    try:
        return unquote(value, errors="strict")
    except UnicodeDecodeError:
        return value  # not encoded, then
