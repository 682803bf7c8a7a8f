"""How a verifier verifies."""

import os
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypedDict
from urllib.parse import urlsplit

from gatehouse._key_set import ALGORITHMS

_DEFAULT_AUTH_URL = "http://localhost:7011"
_DEFAULT_TIMEOUT = 5.0
_MAX_TIMEOUT = 60.0
_MAX_LEEWAY = 30.0
_MAX_CACHE_SECONDS = 1.0


class Options(TypedDict, total=False):
    """What can be set. Everything has a default."""

    auth_url: str
    """Where the auth service is. Otherwise AUTH_SERVICE_URL, else http://localhost:7011."""
    issuer: str
    """Who issues JWTs, which are then verified here, with its keys. Otherwise GATEHOUSE_ISSUER;
    without any (or with ""), the auth service is asked about JWTs, too."""
    audience: str
    """Whom JWTs must be for. Otherwise GATEHOUSE_AUDIENCE, else the issuer."""
    jwks_url: str
    """Where the issuer's keys are, if not at ``{issuer}/.well-known/jwks.json``."""
    algorithms: Sequence[str]
    """Of signatures of JWTs; only asymmetric ones are possible. Otherwise ``["ES256"]``."""
    leeway: float
    """By how many seconds clocks may differ: 0 to 30, which is the default."""
    timeout: float
    """How many seconds an answer may take in all. Otherwise 5; at most 60."""
    cache_seconds: float
    """For how many seconds an answer about an actor counts: 0 to 1, which is the default."""
    now: Callable[[], float]
    """The time in seconds since 1970, for tests. Otherwise ``time.time``."""


@dataclass(frozen=True, slots=True)
class JWTSettings:
    """How JWTs are verified."""

    issuer: str
    audience: str
    jwks_url: str
    algorithms: tuple[str, ...]
    leeway: float


@dataclass(frozen=True, slots=True)
class Settings:
    """Options that were checked, with every default in its place."""

    auth_url: str
    """Without a slash at its end."""
    timeout: float
    cache_seconds: float
    now: Callable[[], float]
    jwt: JWTSettings | None
    """None when the auth service is asked about JWTs, too."""


def settings_from(options: Options, environment: Mapping[str, str] = os.environ) -> Settings:
    """Check options and add what is missing; an empty variable is no variable.

    Raises ValueError for an option that cannot be meant.
    """
    unknown = options.keys() - Options.__annotations__.keys()
    if unknown:
        raise TypeError(f"there is no option {', '.join(sorted(unknown))}")
    auth_url = options.get("auth_url") or environment.get("AUTH_SERVICE_URL") or _DEFAULT_AUTH_URL
    issuer = options.get("issuer", environment.get("GATEHOUSE_ISSUER"))
    return Settings(
        auth_url=_http_url("auth_url", auth_url),
        timeout=_between("timeout", options.get("timeout", _DEFAULT_TIMEOUT), 0.001, _MAX_TIMEOUT),
        cache_seconds=_between(
            "cache_seconds", options.get("cache_seconds", _MAX_CACHE_SECONDS), 0, _MAX_CACHE_SECONDS
        ),
        now=options.get("now", time.time),
        jwt=_jwt_settings(issuer, options, environment) if issuer else None,
    )


def _jwt_settings(issuer: str, options: Options, environment: Mapping[str, str]) -> JWTSettings:
    algorithms = options.get("algorithms", ("ES256",))
    if isinstance(algorithms, str) or not algorithms or not ALGORITHMS.issuperset(algorithms):
        raise ValueError("algorithms must be a list of asymmetric ones, such as ES256")
    jwks_url = options.get("jwks_url")
    return JWTSettings(
        issuer=issuer,
        audience=options.get("audience") or environment.get("GATEHOUSE_AUDIENCE") or issuer,
        jwks_url=_http_url("jwks_url", jwks_url)
        if jwks_url
        else f"{_http_url('issuer', issuer)}/.well-known/jwks.json",
        algorithms=tuple(algorithms),
        leeway=_between("leeway", options.get("leeway", _MAX_LEEWAY), 0, _MAX_LEEWAY),
    )


def _http_url(name: str, text: str) -> str:
    if not _is_http_url(text):
        raise ValueError(f"{name} must be an http or https URL without a user, password or query")
    return text.rstrip("/")


def _is_http_url(text: str) -> bool:
    # A parser that leaves out line breaks, as urlsplit does, judges another text.
    if not re.fullmatch(r"(?ai:https?)://[\x21-\x7e]+", text) or set(text) & set("?#\\"):
        return False
    try:
        url = urlsplit(text)
        return bool(url.hostname) and "@" not in url.netloc and url.port != 0
    except ValueError:  # of a port or an address that is none
        return False


def _between(name: str, value: float, least: float, most: float) -> float:
    if not least <= value <= most:
        raise ValueError(f"{name} must be between {least:g} and {most:g}")
    return value
