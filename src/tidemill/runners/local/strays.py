"""What a run leaves behind: members of its group, and processes that went into sessions of their own.

When a process ends, the kernel gives its children to the guard before anyone can see that it ended. So once a run's
main process is a zombie, everything the run has left hangs somewhere below a direct child of the guard, and an empty
list of those means that nothing is left. Children of a killed stray come up in the list in their turn.
"""

from __future__ import annotations

import os
import signal
import time

from tidemill.runners.local import processes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Container

_PATIENCE = 1.0  # seconds for a process that shows no environment: it may be inside execve, or be another user's


class Orphans:
    """The children of the guard other than this process, looked at once for all runs that end in a turn."""

    __slots__ = ("_bare", "_guard", "_guard_lives", "_now")

    def __init__(self, guard: int) -> None:
        self._guard = guard
        self._guard_lives = True
        self._now: list[int] = []
        self._bare: set[tuple[int, int]] = set()  # number and start of those without environment: anybody's

    def look(self, sessions: Container[int]) -> None:
        """Read the list, but for the members of these sessions, whose runs live: there may be thousands of them."""
        children, me = processes.children(self._guard), os.getpid()
        self._guard_lives = me in children
        self._now = [child for child in children if child != me and processes.session(child) not in sessions]
        if self._bare:
            self._bare = {(pid, started) for pid, started in self._bare if pid in self._now}

    def end(self, remains: Remains) -> bool:
        """Kill what belongs to a run; True when nothing of it was left. Else ask again soon, after another look.

        Never True once the guard is dead: the orphans are elsewhere, and the runner is about to end everything.
        """
        if not self._guard_lives:
            return False
        clear = True
        for orphan in self._now:
            clear = self._spare(orphan, remains) and clear
        return clear

    def _spare(self, orphan: int, remains: Remains) -> bool:
        """False: it belonged to the run and was killed, or it cannot be told yet."""
        its = processes.status(orphan)
        if its is None or its.dead:
            return False  # it ended after the list was read: its children are in the next one
        if (orphan, its.started) in self._bare:
            return True
        environment = processes.environment(orphan)
        if remains.leader in (its.group, its.session) or remains.mark in environment:
            processes.send_signal(orphan, signal.SIGKILL)
            return False
        if len(environment) > 1:
            return True
        if its.bare or time.monotonic() > remains.since + _PATIENCE:
            self._bare.add((orphan, its.started))
            return True
        return False


class Remains:
    """How the processes of one run are known, and since when (monotonic) they are being ended."""

    __slots__ = ("leader", "mark", "since")

    def __init__(self, leader: int, instance: int, run_number: int) -> None:
        self.leader = leader
        self.mark = processes.variable(processes.RUN_VARIABLE, f"{instance}.{run_number}")
        self.since = time.monotonic()
