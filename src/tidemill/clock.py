"""The one place that reads the time; tests and simulations give another clock."""

import time
from typing import Protocol


class Clock(Protocol):
    def now(self) -> int:
        """Epoch milliseconds UTC."""
        ...


class SystemClock:
    def now(self) -> int:
        return time.time_ns() // 1_000_000


class VirtualClock:
    """Shows the time it was told."""

    def __init__(self, time: int) -> None:
        self.time = time

    def now(self) -> int:
        return self.time
