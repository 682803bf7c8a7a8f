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
_VISIBLE = re.compile(r"[\x21-\x7e]+")
# WSGI and some proxies join two headers with a comma: a credential has none.
_BEARER = re.compile(r"bearer +([\x21-\x2b\x2d-\x7e]+)", re.IGNORECASE)
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
    """The session cookie, decoded."""
    headers: dict[str, str] = field(repr=False)
    """The headers that show the same to somebody else, and nothing more."""

    def only_jwt(self) -> str | None:
        """Return the one credential, if there is no other and it has the form of a JWT."""
        if self.api_key is not None or (self.bearer is None) == (self.cookie is None):
            return None
        only = self.cookie if self.bearer is None else self.bearer
        return only if only is not None and _JWT.fullmatch(only) else None

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
    if sent["cookie"] and (pair := _session_cookie(sent["cookie"])):
        cookie, shown["Cookie"] = _percent_decoded(pair[1]), "=".join(pair)
    return Credentials(api_key, bearer, cookie, shown)


def _session_cookie(headers: list[str]) -> tuple[str, str] | None:
    pairs = [pair.partition("=") for header in headers for pair in header.split(";")]
    for wanted in _COOKIE_NAMES:
        for name, _, value in pairs:
            value = value.strip(_SPACE)
            if name.strip(_SPACE) == wanted and _VISIBLE.fullmatch(value):
                return wanted, value
    return None


def _percent_decoded(value: str) -> str:
    try:
        return unquote(value, errors="strict")
    except UnicodeDecodeError:
        return value  # not encoded, then
