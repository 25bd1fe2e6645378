"""What can go wrong, and when: decided by a seed alone."""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from random import Random

from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError

from tidemill.store.engine import Database


class Crash(BaseException):
    """The server's process ends here, as by kill -9."""


class Faults:
    """The dice of one simulation. `rate` is the chance of a fault at each point where one may happen; 0: none."""

    def __init__(self, random: Random, rate: float) -> None:
        self._random = random
        self.rate = rate
        self.counts: dict[str, int] = {}

    def strikes(self, name: str, weight: float = 1.0) -> bool:
        """Whether the fault `name` happens here and now."""
        if self.rate and self._random.random() < self.rate * weight:
            self.counts[name] = self.counts.get(name, 0) + 1
            return True
        return False


class FaultyDatabase(Database):
    """A server's way to the database, on which it can be interrupted at every transaction.

    `away` and `full` say whether the database cannot be reached, and whether nothing can be written, at the moment;
    `delay` lets the time pass that a slow disk takes.
    """

    @classmethod
    def over(
        cls,
        real: Database,
        faults: Faults,
        away: Callable[[], bool],
        full: Callable[[], bool],
        delay: Callable[[], None],
    ) -> "FaultyDatabase":
        made = cls(real.writer, real.reader, real._lock)
        made._held = real._held  # the one connection that writes
        made.faults, made.away, made.full, made.delay = faults, away, full, delay
        return made

    faults: Faults
    away: Callable[[], bool]
    full: Callable[[], bool]
    delay: Callable[[], None]

    @contextmanager
    def read(self) -> Generator[Connection]:
        self._reach()
        with super().read() as db:
            yield db

    @contextmanager
    def write(self, *, announce: bool = True, pipelined: bool = False) -> Generator[Connection]:
        self._reach()
        with super().write(announce=announce, pipelined=pipelined) as db:
            yield db
            if self.full():
                raise _failure("database or disk is full")
            if self.faults.strikes("slow disk"):
                self.delay()
            self._interrupt("before a commit")
        self._interrupt("after a commit")

    @contextmanager
    def write_apart(self) -> Generator[Connection]:
        self._reach()
        with super().write_apart() as db:
            yield db
            if self.full():
                raise _failure("database or disk is full")

    def _reach(self) -> None:
        if self.away():
            raise _failure("the connection was lost")

    def _interrupt(self, where: str) -> None:
        if self.faults.strikes(f"crash {where}"):
            raise Crash
        if self.faults.strikes(f"connection lost {where}"):
            raise _failure("the connection was lost")


def _failure(message: str) -> OperationalError:
    return OperationalError("", {}, Exception(message))
