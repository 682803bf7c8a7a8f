"""The two verifiers: one for event loops and one for threads."""

import asyncio
import os
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from threading import Thread
from types import TracebackType
from typing import Self, Unpack

from gatehouse._actor import ActorIdentity
from gatehouse._asking import Asker
from gatehouse._credentials import Headers
from gatehouse._fork_safe import ForkSafeLock
from gatehouse._options import Options, settings_from
from gatehouse._questions import Question
from gatehouse._refusals import Unavailable
from gatehouse._verification import Verification

_GRACE = 1.0
"""Seconds in which a question that is over its time says so itself."""


class AsyncVerifier:
    """Knows who is calling, in asyncio. One for a whole service: it remembers answers and keys.

    Takes the options of ``gatehouse.Options`` by name, and raises ValueError for one that
    cannot be meant.
    """

    def __init__(self, **options: Unpack[Options]) -> None:
        settings = settings_from(options)
        self._verification = Verification(settings)
        self._now = settings.now
        # Connections belong to a loop, and tests often have a loop for each request.
        self._askers: dict[asyncio.AbstractEventLoop, Asker] = {}
        self._lock = ForkSafeLock()

    async def verify(self, headers: Headers | Iterable[tuple[str, str]]) -> ActorIdentity:
        """Say who sent a request with these headers.

        Headers are pairs of name and value, or what has ``items()`` that are.

        Raises Unauthenticated (401) when nobody is known to have sent it, Forbidden (403) when
        the auth service refuses whoever has, and Unavailable (503) when that cannot be said.
        """
        steps = self._verification.of(headers)
        try:
            question = next(steps)
            while True:
                question = steps.send(await self._asker().ask(question))
        except StopIteration as known:
            return _actor(known)

    async def aclose(self) -> None:
        """Close the connections of this event loop. They are opened again when needed."""
        with self._lock:
            asker = self._askers.pop(asyncio.get_running_loop(), None)
        if asker is not None:
            await asker.aclose()

    async def __aenter__(self) -> Self:
        """Return the verifier, whose connections are closed at the end of the block."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the connections."""
        await self.aclose()

    def _asker(self) -> Asker:
        loop = asyncio.get_running_loop()
        with self._lock:
            asker = self._askers.get(loop)
            if asker is None:
                for old in [old for old in self._askers if old.is_closed()]:
                    del self._askers[old]
                asker = self._askers[loop] = Asker(self._now)
            return asker


class Verifier:
    """Knows who is calling, without asyncio: for Flask, Django and scripts.

    The same as AsyncVerifier, for any number of threads. What must be asked is asked in an
    event loop in a thread of its own, which starts with the first question.
    """

    def __init__(self, **options: Unpack[Options]) -> None:
        settings = settings_from(options)
        self._verification = Verification(settings)
        self._now = settings.now
        self._lock = ForkSafeLock()
        self._background: _Background | None = None

    def verify(self, headers: Headers | Iterable[tuple[str, str]]) -> ActorIdentity:
        """Say who sent a request with these headers, like ``AsyncVerifier.verify``."""
        steps = self._verification.of(headers)
        try:
            question = next(steps)
            while True:
                question = steps.send(self._ask(question))
        except StopIteration as known:
            return _actor(known)

    def close(self) -> None:
        """Close all connections. They are opened again when needed."""
        with self._lock:
            background, self._background = self._background, None
        if background is not None and background.is_alive():
            background.close()

    def __enter__(self) -> Self:
        """Return the verifier, whose connections are closed at the end of the block."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the connections."""
        self.close()

    def _ask(self, question: Question) -> ActorIdentity | None:
        # Together under the lock, or somebody could close what a question is just put to.
        with self._lock:
            if self._background is None or not self._background.is_alive():
                self._background = _Background(self._now)
            answer = self._background.ask(question)
        try:
            return answer.result(question.timeout + _GRACE)
        except TimeoutError:  # the machine is so busy that not even the timeout comes in time
            answer.cancel()
            raise Unavailable("There was no time to ask") from None


class _Background:
    """An event loop in a thread, and an asker in it."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._process = os.getpid()
        self._loop = asyncio.new_event_loop()
        self._asker = Asker(now)
        # A daemon, as nobody has to close a verifier to end a program.
        self._thread = Thread(target=self._loop.run_forever, name="gatehouse", daemon=True)
        self._thread.start()

    def is_alive(self) -> bool:
        """Whether it can still answer: a fork copies it without its thread."""
        return self._process == os.getpid()

    def ask(self, question: Question) -> Future[ActorIdentity | None]:
        """Begin to ask. Not after ``close``."""
        return asyncio.run_coroutine_threadsafe(self._asker.ask(question), self._loop)

    def close(self) -> None:
        """Wait for the questions that were put, and end the thread."""
        asyncio.run_coroutine_threadsafe(self._finish(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _finish(self) -> None:
        """Close the connections after all questions, each of which has its time."""
        others = asyncio.all_tasks() - {asyncio.current_task()}
        if others:
            await asyncio.wait(others)
        await self._asker.aclose()


def _actor(known: StopIteration) -> ActorIdentity:
    actor: ActorIdentity = known.value
    return actor
