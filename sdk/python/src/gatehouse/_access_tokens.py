"""Access tokens in the form of JWTs (RFC 9068), verified with the issuer's keys.

The signature is PyJWT's work. The form and the claims are read here, because PyJWT reads some
tokens that other readers read differently, and this part decides who somebody is.
"""

import math
import re
from base64 import urlsafe_b64decode
from collections.abc import Callable, Sequence

from gatehouse._actor import ActorIdentity, read_actor
from gatehouse._key_set import KeySet
from gatehouse._questions import Steps
from gatehouse._refusals import Unauthenticated
from gatehouse._strict_json import read_object

# Base64url without padding, and with nothing in the bits that are left over: one spelling only.
_PART = r"((?:[A-Za-z0-9_-]{4})*(?:[A-Za-z0-9_-]{2}[AEIMQUYcgkosw048]|[A-Za-z0-9_-][AQgw])?)"
_FORM = re.compile(rf"{_PART}\.{_PART}\.{_PART}")
_TYPES = ("at+jwt", "application/at+jwt")


class AccessTokens:
    """Knows actors from tokens of one issuer for one audience."""

    def __init__(
        self,
        issuer: str,
        audience: str,
        algorithms: Sequence[str],
        leeway: float,
        keys: KeySet,
        now: Callable[[], float],
    ) -> None:
        self._issuer = issuer
        self._audience = audience
        self._algorithms = algorithms
        self._leeway = leeway
        self._keys = keys
        self._now = now

    def verify(self, token: str) -> Steps:
        """Say who acts with a token.

        Refused: Unauthenticated when it is not our issuer's, for us, now; Unavailable when the
        issuer's keys cannot be fetched.
        """
        form = _FORM.fullmatch(token)
        if form is None:
            raise _unreadable()
        kid, algorithm = self._read_header(_decoded(form[1]))
        question = self._keys.question(kid, algorithm)
        if question is not None:
            yield question
        key = self._keys.find(kid, algorithm)
        signed = token[: form.end(2)].encode("ascii")
        if not key.Algorithm.verify(signed, key.key, _decoded(form[3])):
            raise Unauthenticated("The signature of the token is wrong")
        return self._actor_in(_decoded(form[2]))

    def _read_header(self, text: bytes) -> tuple[str, str]:
        header = read_object(text)
        if header is None:
            raise _unreadable()
        kind, algorithm, kid = header.get("typ"), header.get("alg"), header.get("kid")
        if not isinstance(kind, str) or kind.lower() not in _TYPES:
            raise Unauthenticated("The token is not an access token")
        if not isinstance(algorithm, str) or algorithm not in self._algorithms:
            raise Unauthenticated("The token is not signed with an algorithm of ours")
        if "crit" in header:
            raise Unauthenticated("The token demands an extension that nobody knows")
        if not isinstance(kid, str) or not kid:
            raise Unauthenticated("The token does not name its key")
        return kid, algorithm

    def _actor_in(self, text: bytes) -> ActorIdentity:
        claims = read_object(text)
        if claims is None:
            raise _unreadable()
        self._check_times(claims)
        if claims.get("iss") != self._issuer:
            raise Unauthenticated("The token is of another issuer")
        if not _is_for(self._audience, claims.get("aud")):
            raise Unauthenticated("The token is for another audience")
        subject = claims.get("sub")
        if not isinstance(subject, str) or not subject:
            raise Unauthenticated("The token has no subject")
        actor = read_actor(claims.get("actor"))
        if actor is None:
            raise Unauthenticated("The token does not say who acts")
        return actor

    def _check_times(self, claims: dict[str, object]) -> None:
        now = self._now()
        # An exp is demanded; the other two count if they are there.
        if _moment(claims.get("exp")) <= now - self._leeway:
            raise Unauthenticated("The token has expired")
        for claim in ("nbf", "iat"):
            if claim in claims and _moment(claims[claim]) > now + self._leeway:
                raise Unauthenticated("The token is not valid yet")


def _decoded(part: str) -> bytes:
    return urlsafe_b64decode(part + "=" * (-len(part) % 4))


def _is_for(audience: str, claim: object) -> bool:
    if isinstance(claim, list):
        return audience in claim and all(isinstance(one, str) for one in claim)
    return claim == audience


def _moment(claim: object) -> float:
    """Read a NumericDate (RFC 7519 §2); to Python, true is a number as well."""
    if (
        isinstance(claim, bool)
        or not isinstance(claim, int | float)
        or not -math.inf < claim < math.inf
    ):
        raise _unreadable()
    return claim


def _unreadable() -> Unauthenticated:
    return Unauthenticated("The token cannot be read")
