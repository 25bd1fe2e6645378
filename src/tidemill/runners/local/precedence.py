"""Who goes first when the machine has too little: guard and runner run before tasks, and tasks are killed first.

Both are inherited, so that neither costs a task more than a microsecond and no process of a task can come too early
for it. Where the kernel refuses, things stay as they are.
"""

from __future__ import annotations

import os

_NICE = -10  # of guard and runner
_FIRST_VICTIM = 500  # of 1000: counts as if a task used half of the machine's memory more than it does


def rise() -> None:
    """Give this process, if it is root's and as nice as most, precedence; `keep_from_tasks` ends that for children."""
    try:
        if os.getpriority(os.PRIO_PROCESS, 0) == 0:
            os.setpriority(os.PRIO_PROCESS, 0, _NICE)
    except OSError:
        pass


def keep_from_tasks() -> None:
    """The precedence that this process has, or gets, is not inherited by its children."""
    _schedule(os.SCHED_OTHER, 0)


class Urgency:
    """Whether this process goes before all others, which only root's may: for the length of an emergency.

    Being less nice is not enough then. Thousands of processes in as many sessions have thousands of shares of the
    processor, and this one has a single share.
    """

    __slots__ = ("_urgent",)

    def __init__(self) -> None:
        self._urgent = False

    def be(self, urgent: bool) -> None:
        """Go before all others from now on, or no longer."""
        if urgent != self._urgent:
            self._urgent = urgent
            _schedule(*((os.SCHED_FIFO, 1) if urgent else (os.SCHED_OTHER, 0)))


def _schedule(policy: int, priority: int) -> None:
    try:
        os.sched_setscheduler(0, policy | os.SCHED_RESET_ON_FORK, os.sched_param(priority))
    except OSError:
        pass


class Victims:
    """A block in which this process starts others, which the kernel kills first when memory is short."""

    __slots__ = ("_descriptor", "_own")

    def __init__(self) -> None:
        self._descriptor = -1
        self._own = b"0"
        try:
            self._descriptor = os.open("/proc/self/oom_score_adj", os.O_RDWR | os.O_CLOEXEC)
            self._own = os.pread(self._descriptor, 16, 0)
            self._write(b"%d" % max(_FIRST_VICTIM, int(self._own)))
            self._write(self._own)
        except OSError:
            self._descriptor = -1

    def __enter__(self) -> None:
        self._write(b"%d" % max(_FIRST_VICTIM, int(self._own)))

    def __exit__(self, *_: object) -> None:
        self._write(self._own)

    def _write(self, score: bytes) -> None:
        if self._descriptor >= 0:
            os.pwrite(self._descriptor, score, 0)
