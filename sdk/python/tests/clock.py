"""Time that a test puts forward."""

import time


class Clock:
    def __init__(self, at: float | None = None) -> None:
        self.at = time.time() if at is None else at

    def __call__(self) -> float:
        return self.at
