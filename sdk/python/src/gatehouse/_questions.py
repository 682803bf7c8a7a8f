"""What has to be asked over HTTP, separate from how it is asked."""

from collections.abc import Callable, Generator
from dataclasses import dataclass, field

from gatehouse._actor import ActorIdentity


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; redirects are answers like any other."""

    status: int
    body: bytes | None
    """None when it was larger than allowed."""
    retry_after: int | None
    """Seconds."""


@dataclass(frozen=True, slots=True)
class Failure:
    """That nothing came back, or not in time."""

    reason: str
    """The name of what went wrong, and no more: other words could quote what was sent."""


@dataclass(frozen=True, slots=True)
class Question:
    """One GET. Whoever has the same question while it is young shares its answer."""

    key: bytes
    """Questions are the same if their keys are."""
    url: str
    headers: dict[str, str] = field(repr=False)
    timeout: float
    """Seconds for everything together, connecting included."""
    max_bytes: int
    shared_for: float
    """For how many seconds others may join."""
    conclude: Callable[[Answer | Failure], ActorIdentity | None] = field(repr=False)
    """Learns from the answer, once for all who share it; may raise a Refusal, for all of them."""
    is_settled: Callable[[], bool] = field(repr=False)
    """Whether an answer has come since the question was thought of, in another thread. Then it
    is not asked, and nothing was concluded."""


Steps = Generator[Question, ActorIdentity | None, ActorIdentity]
"""A verification that yields what it must ask and is sent what was concluded from the answer.

This is how threads and event loops share everything but the asking.
"""
