"""End a run wholly, however fast it makes new processes: stop all, until a look finds no other; only then kill."""

from __future__ import annotations

import os
import signal

from tidemill.runners.local import processes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

_STOPS = 100  # rounds; a run that makes new processes faster than all that is killed as it is


class Cull:
    """One run that is being ended. A process that has been told to stop makes no other, and keeps its children."""

    __slots__ = ("_groups", "_known", "_rounds", "_spared", "done")

    def __init__(self, guard: int) -> None:
        self._spared = {os.getpgid(0), os.getpgid(guard)}
        self._known: set[int] = set()
        self._groups: set[int] = set()
        self._rounds = 0
        self.done = False  # all that was found has been killed

    def go_on(self, members: Iterable[int]) -> None:
        """One round, with all processes that the run has now."""
        fresh = [pid for pid in members if pid not in self._known]
        if self.done and not fresh:
            return
        self._rounds += 1
        self._stop(fresh)
        self.done = not fresh or self._rounds > _STOPS
        if self.done:
            for group in self._groups:
                processes.signal_group(group, signal.SIGKILL)
            for pid in self._known:
                processes.send_signal(pid, signal.SIGKILL)

    def _stop(self, fresh: list[int]) -> None:
        """By groups first: the kernel signals a group at one stroke, so that none of it makes another meanwhile."""
        groups = set(map(_group, fresh)) - self._spared - {0}
        for group in groups:
            processes.signal_group(group, signal.SIGSTOP)
        for pid in fresh:
            processes.send_signal(pid, signal.SIGSTOP)
        self._known.update(fresh)
        self._groups |= groups


def _group(pid: int) -> int:
    """0: it is gone."""
    try:
        return os.getpgid(pid)
    except ProcessLookupError:
        return 0
