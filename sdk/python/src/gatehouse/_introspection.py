"""Asking the auth service who somebody is."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from gatehouse._actor import ActorIdentity, read_actor
from gatehouse._bounded_cache import BoundedCache
from gatehouse._credentials import Credentials
from gatehouse._questions import Answer, Failure, Question, Steps
from gatehouse._refusals import Forbidden, Unauthenticated, Unavailable
from gatehouse._strict_json import read_object

_MAX_ANSWER_BYTES = 64 * 1024
_MAX_REMEMBERED = 10_000

# An older question may have been decided before the credential was taken back.
_SHARED_FOR = 1.0


@dataclass(frozen=True, slots=True)
class _Known:
    since: float
    actor: ActorIdentity


class Introspection:
    """Knows actors from ``GET {auth_url}/auth/me``, and remembers them for a moment."""

    def __init__(
        self, auth_url: str, timeout: float, cache_seconds: float, now: Callable[[], float]
    ) -> None:
        self._url = f"{auth_url}/auth/me"
        self._timeout = timeout
        self._cache_seconds = cache_seconds
        self._now = now
        self._known: BoundedCache[_Known] = BoundedCache(_MAX_REMEMBERED)

    def verify(self, credentials: Credentials) -> Steps:
        """Say whose these credentials are.

        Refused: Unauthenticated and Forbidden, when the auth service says so; Unavailable for
        any other answer, and for none.
        """
        key = credentials.fingerprint()
        while True:
            actor = self._remembered(key)
            if actor is not None:
                return actor
            actor = yield Question(
                key=key,
                url=self._url,
                headers=credentials.headers,
                timeout=self._timeout,
                max_bytes=_MAX_ANSWER_BYTES,
                shared_for=_SHARED_FOR,
                conclude=partial(self._conclude, key, self._now()),
                is_settled=lambda: self._remembered(key) is not None,
            )
            if actor is not None:
                return actor

    def _conclude(self, key: bytes, since: float, answer: Answer | Failure) -> ActorIdentity:
        actor = _actor_in(answer)
        # Age counts from the question: the answer was true at some time after that.
        self._known.put(key, _Known(since, actor))
        return actor

    def _remembered(self, key: bytes) -> ActorIdentity | None:
        known = self._known.get(key)
        # A clock that was put back makes everything old.
        if known is None or not 0 <= self._now() - known.since < self._cache_seconds:
            return None
        return known.actor


def _actor_in(answer: Answer | Failure) -> ActorIdentity:
    if isinstance(answer, Failure):
        raise Unavailable(f"The auth service gives no answer ({answer.reason})")
    if answer.status == 401:
        raise Unauthenticated("The credential was refused")
    if answer.status == 403:
        raise Forbidden()
    if answer.status != 200:
        raise Unavailable(f"The auth service answers {answer.status}", answer.retry_after)
    actor = None if answer.body is None else read_actor(read_object(answer.body))
    if actor is None:
        raise Unavailable(
            "The auth service gives an answer that cannot be read", answer.retry_after
        )
    return actor
