"""A cache that forgets what was not used for longest."""

from collections import OrderedDict
from typing import Generic, TypeVar

from gatehouse._fork_safe import ForkSafeLock

T = TypeVar("T")


class BoundedCache(Generic[T]):
    """Keeps so many values and no more. May be used by several threads at a time."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._values: OrderedDict[bytes, T] = OrderedDict()
        self._lock = ForkSafeLock()

    def get(self, key: bytes) -> T | None:
        """Return what is kept under a key, which counts as a use."""
        with self._lock:
            value = self._values.get(key)
            if value is not None:
                self._values.move_to_end(key)
            return value

    def put(self, key: bytes, value: T) -> None:
        """Keep a value, in place of the one that was not used for longest if need be."""
        with self._lock:
            self._values[key] = value
            self._values.move_to_end(key)
            if len(self._values) > self._limit:
                self._values.popitem(last=False)
