"""A lock for programs that fork, as servers with workers do."""

import os
from threading import Lock
from types import TracebackType
from weakref import WeakMethod


class ForkSafeLock:
    """A lock that a forked process finds open, as the thread that held it did not come along."""

    def __init__(self) -> None:
        self._lock = Lock()
        if hasattr(os, "register_at_fork"):  # not on Windows, which cannot fork
            renew = WeakMethod(self._renew)
            os.register_at_fork(after_in_child=lambda: (alive := renew()) and alive())

    def __enter__(self) -> None:
        """Wait for the lock."""
        self._lock.acquire()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Let go of it."""
        self._lock.release()

    def _renew(self) -> None:
        self._lock = Lock()
