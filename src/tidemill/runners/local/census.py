"""Which processes belong to which run, and what they use, by walking the tree of processes below the guard.

Nothing leaves that tree, for the guard inherits whatever a task leaves. A process belongs to its parent's run; one that
the guard has inherited, to the run in whose session it is, else to the one that its environment names.

The walk keeps to what the kernel tells without touching another process's memory. To read /proc/<pid>/stat can take
seconds while thousands of processes fork and execute: it waits for locks that they hold, and they for the processor.
"""

from __future__ import annotations

import os

from tidemill.runners.local import processes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from tidemill.runners.local.wire import Key

_NOBODY: Key = (0, 0)  # what an ended run has hidden so well that it was not found
_MARK = b"\0" + processes.RUN_VARIABLE.encode() + b"="


class Census:
    """One walk. `members` has the processes of each run, ended ones that nobody has reaped yet among them."""

    __slots__ = ("_guard", "_leaders", "members", "tasks")

    def __init__(self, guard: int, leaders: Mapping[int, Key]) -> None:
        """`leaders`: runs by their main process."""
        self._guard = guard
        self._leaders = leaders
        self.members: dict[Key, list[int]] = {}
        self.tasks: dict[Key, int] = {}  # processes and threads of each run
        me = os.getpid()
        found: list[tuple[int, Key | None]] = [(me, None)]
        found += [(orphan, self._heir(orphan)) for orphan in _children(guard, 1) if orphan != me]
        for pid, owner in found:  # grows while it is walked
            threads = _threads(pid)
            if owner is not None:
                self.members.setdefault(owner, []).append(pid)
                self.tasks[owner] = self.tasks.get(owner, 0) + threads
            found += [(child, owner or self._by_session(child)) for child in _children(pid, threads)]

    def resident(self, key: Key) -> int:
        """Bytes of memory that the processes of a run have, each counted with all that it shares with others."""
        return sum(processes.resident(pid) for pid in self.members[key])

    def shared_out(self, key: Key) -> int:
        """The same with what they share counted once, and no files. Slow: some milliseconds a gigabyte."""
        return sum(processes.proportional(pid) for pid in self.members[key])

    def _by_session(self, pid: int) -> Key | None:
        """None for a process that belongs to no run, as one that the runner has for itself."""
        return self._leaders.get(processes.session(pid))

    def _heir(self, orphan: int) -> Key:
        return self._by_session(orphan) or _named(orphan)


def _named(pid: int) -> Key:
    """The run that a process's environment names."""
    _, mark, rest = processes.environment(pid).partition(_MARK)
    instance, _, run_number = rest.partition(b"\0")[0].partition(b".")
    try:
        return (int(instance), int(run_number)) if mark else _NOBODY
    except ValueError:
        return _NOBODY


def _threads(pid: int) -> int:
    """At least 1: a process that has ended is a number that is in use until its parent looks."""
    try:
        return max(1, os.stat(f"/proc/{pid}/task").st_nlink - 2)
    except OSError:
        return 1


def _children(pid: int, threads: int) -> list[int]:
    """The direct children of all threads."""
    tids: list[str] = [str(pid)]
    if threads > 1:
        try:
            tids = os.listdir(f"/proc/{pid}/task")
        except OSError:
            return []
    return [int(child) for tid in tids for child in processes.read(f"/proc/{pid}/task/{tid}/children").split()]
