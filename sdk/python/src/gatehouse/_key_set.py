"""The public keys of an issuer of tokens (RFC 7517)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt import PyJWK
from jwt.exceptions import PyJWTError

from gatehouse._questions import Answer, Failure, Question
from gatehouse._refusals import Unauthenticated, Unavailable
from gatehouse._strict_json import read_object

_MAX_ANSWER_BYTES = 256 * 1024
_FRESH_FOR = 5 * 60.0
_USABLE_FOR = 24 * 60 * 60.0
_PAUSE = 10.0
_EMPTY_PAUSE = 1.0
"""Before asking again when there are no keys to work with."""
_MIN_RSA_BITS = 2048  # RFC 7518 §3.3

_CURVES = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521", "EdDSA": "Ed25519"}
_SECRET_MEMBERS = ("d", "k")

ALGORITHMS = frozenset(_CURVES) | {
    f"{kind}{bits}" for kind in ("RS", "PS") for bits in (256, 384, 512)
}
"""Those of which the verifying side knows no secret."""


@dataclass(frozen=True, slots=True)
class _Fetched:
    since: float
    keys: dict[tuple[str, str], PyJWK]
    """By id and algorithm: two keys of different kinds may share an id."""


class KeySet:
    """Keys that are fetched when first needed, every five minutes, and for an unknown key.

    When fetching fails, those we have stay in use for a day. Nothing is locked: each change is
    one assignment.
    """

    def __init__(
        self, url: str, algorithms: Sequence[str], timeout: float, now: Callable[[], float]
    ) -> None:
        self._url = url
        self._algorithms = algorithms
        self._timeout = timeout
        self._now = now
        self._fetched: _Fetched | None = None
        self._asking_since: float | None = None
        self._tried_at: float | None = None
        """When the last answer came, or did not."""
        self._answers = 0
        self._failed = False
        """Whether the last answer was no key set."""
        self._searched_at: float | None = None
        """When a key that we do not have last made us look."""

    def question(self, kid: str, algorithm: str) -> Question | None:
        """Say what has to be asked before ``find``, if anything."""
        held = self._held()
        now = self._now()
        if (kid, algorithm) in held:
            fresh = self._fetched is not None and _is_within(_FRESH_FOR, self._fetched.since, now)
            # The old key serves while another asks, and for a while after that failed.
            just_failed = self._failed and _is_within(_PAUSE, self._tried_at, now)
            may_wait = self._is_asking(now) or just_failed
            return None if fresh or may_wait else self._ask(now)
        if self._is_asking(now):
            return self._ask(now)
        if not held:
            return None if _is_within(_EMPTY_PAUSE, self._tried_at, now) else self._ask(now)
        # Anybody can make up key ids, so they must not make us ask each time.
        if _is_within(_PAUSE, self._searched_at, now):
            return None
        self._searched_at = now
        return self._ask(now)

    def find(self, kid: str, algorithm: str) -> PyJWK:
        """Return the key that signs tokens with this id and algorithm.

        Refused: Unauthenticated when the issuer has no such key; Unavailable when that cannot
        be said.
        """
        held = self._held()
        key = held.get((kid, algorithm))
        if key is not None:
            return key
        if not held:
            raise Unavailable("The keys of the issuer of tokens cannot be fetched")
        if self._failed:
            raise Unavailable("The issuer of tokens does not say whether it has this key")
        raise Unauthenticated("The token is signed with an unknown key")

    def _ask(self, now: float) -> Question:
        answers = self._answers
        if not self._is_asking(now):
            self._asking_since = now
        return Question(
            key=self._url.encode(),
            url=self._url,
            headers={},
            timeout=self._timeout,
            max_bytes=_MAX_ANSWER_BYTES,
            shared_for=self._timeout,
            conclude=self._conclude,
            is_settled=lambda: self._answers != answers,
        )

    def _conclude(self, answer: Answer | Failure) -> None:
        since = self._asking_since
        keys = None
        if isinstance(answer, Answer) and answer.status == 200 and answer.body is not None:
            keys = _read_keys(answer.body, self._algorithms)
        self._tried_at = self._now()
        self._answers += 1
        self._failed = keys is None
        if keys is not None:
            self._fetched = _Fetched(self._tried_at if since is None else since, keys)
        self._asking_since = None  # last: until then, who finds nothing waits and does not ask

    def _held(self) -> dict[tuple[str, str], PyJWK]:
        fetched = self._fetched
        if fetched is None or not _is_within(_USABLE_FOR, fetched.since, self._now()):
            return {}
        return fetched.keys

    def _is_asking(self, now: float) -> bool:
        # Not longer than it can take, as an event loop may have died with the question.
        return _is_within(self._timeout, self._asking_since, now)


def _is_within(seconds: float, since: float | None, now: float) -> bool:
    # A clock that was put back makes everything old.
    return since is not None and 0 <= now - since < seconds


def _read_keys(body: bytes, algorithms: Sequence[str]) -> dict[tuple[str, str], PyJWK] | None:
    """Read a set without the keys that we cannot use (RFC 7517 §5), or None if it is not one."""
    key_set = read_object(body)
    entries = None if key_set is None else key_set.get("keys")
    if not isinstance(entries, list):
        return None
    keys: dict[tuple[str, str], PyJWK] = {}
    for entry in entries:
        if _is_public_and_to_verify_with(entry):
            for algorithm in algorithms:
                if _fits(entry, algorithm) and (key := _read_key(entry, algorithm)) is not None:
                    keys.setdefault((entry["kid"], algorithm), key)
    return keys


def _is_public_and_to_verify_with(entry: object) -> bool:
    if not isinstance(entry, dict) or not isinstance(entry.get("kid"), str):
        return False
    operations = entry.get("key_ops", ["verify"])
    return (
        entry.get("use", "sig") == "sig"
        and isinstance(operations, list)
        and "verify" in operations
        # A private key that everybody can read signs for everybody.
        and not any(member in entry for member in _SECRET_MEMBERS)
    )


def _fits(entry: dict[str, object], algorithm: str) -> bool:
    if entry.get("alg", algorithm) != algorithm:
        return False
    curve = _CURVES.get(algorithm)
    return entry.get("kty") == "RSA" if curve is None else entry.get("crv") == curve


def _read_key(entry: dict[str, object], algorithm: str) -> PyJWK | None:
    try:
        key = PyJWK(entry, algorithm)
    except (PyJWTError, ValueError, TypeError):
        return None
    if isinstance(key.key, RSAPublicKey) and key.key.key_size < _MIN_RSA_BITS:
        return None
    return key
