"""What runs may use: processes and threads, memory, and room for logs; and when to look.

It takes no privilege and costs some microseconds twenty times a second while something runs: a look is a glance at
three numbers that the kernel keeps anyway. Only when the machine's number of tasks, or its memory in use, has grown by
so much that a run may be over its limit are all processes read; and only when the disk fills quickly are all logs
looked at before their turn.
"""

from __future__ import annotations

import os
import time

from tidemill.runners.local import layout
from tidemill.runners.local.census import Census
from tidemill.runners.local.cull import Cull
from tidemill.runners.local.precedence import Urgency

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tidemill.runners.local.settings import Settings
    from tidemill.runners.local.wire import Key

_CALM, _ALERT = 0.05, 0.01  # seconds between looks; alert: a number rises quickly
_STAY_ALERT = 1.0  # seconds
_READ_AGAIN = 2.0  # seconds after which all processes are read even if no sum has grown: one run's rose, others' fell
_QUICK_LOG = 8 * 1024 * 1024  # bytes that the disk has lost between two looks
_MEBIBYTE = 1024 * 1024


class Limits:
    """Looks at the runs that a runner has. Times are of the monotonic clock."""

    __slots__ = ("_alert_until", "_culls", "_guard", "_logs", "_memory", "_settings", "_tasks", "_urgency", "at")

    def __init__(self, settings: Settings, guard: int) -> None:
        self._settings = settings
        self._guard = guard
        self._tasks = _Rise(settings.task_processes, "/proc/loadavg", _tasks_of_machine)
        self._memory = _Rise(settings.task_memory, "/proc/meminfo", _memory_of_machine)
        self._logs = _Room(f"{settings.data_directory}/{layout.LOGS}", min(_QUICK_LOG, settings.log_cap // 4))
        self._culls: dict[Key, Cull] = {}
        self._alert_until = 0.0
        self._urgency = Urgency()
        self.at = 0.0

    def begin(self, moment: float) -> None:
        """The first run after a rest: no look before it has had some time, for most are over by then."""
        self.at = moment + _CALM
        self._logs.falls()

    def look(self, moment: float, leaders: Mapping[int, Key]) -> tuple[dict[Key, str], bool]:
        """The runs that are over a limit and are being ended from now on, and why; and whether logs grow quickly.

        `leaders`: the main processes of all runs that are not over yet.
        """
        quick = self._logs.falls()
        wanted = self._tasks.wanted(moment) | self._memory.wanted(moment)
        if quick or self._tasks.rising or self._memory.rising or self._culls:
            self._alert_until = moment + _STAY_ALERT
        alert = moment < self._alert_until
        self._urgency.be(alert)
        found = self._walk(moment, leaders) if wanted or self._culls else {}
        again = not all(cull.done for cull in self._culls.values())
        self.at = 0.0 if again else time.monotonic() + (_ALERT if alert else _CALM)
        return found, alert

    def end(self) -> None:
        """No run is left."""
        self._culls.clear()
        self._urgency.be(False)

    def _walk(self, moment: float, leaders: Mapping[int, Key]) -> dict[Key, str]:
        census = Census(self._guard, leaders)
        found: dict[Key, str] = {}
        most_tasks = most_memory = 0
        for key in census.members:
            if key in self._culls:
                continue
            tasks = census.tasks[key]
            over = self._too_many(tasks)
            memory = self._memory_of(census, key) if not over else 0
            over = over or self._too_much(memory)
            if over:
                found[key] = over
                self._culls[key] = Cull(self._guard)
            most_tasks, most_memory = max(most_tasks, tasks), max(most_memory, memory)
        self._tasks.read(moment, most_tasks)
        self._memory.read(moment, most_memory)
        for key, cull in list(self._culls.items()):
            cull.go_on(census.members.get(key, ()))
            if key not in census.members:
                del self._culls[key]
        return found

    def _memory_of(self, census: Census, key: Key) -> int:
        """Bytes; the exact and slow sum only for a run that may be over its limit."""
        limit = self._settings.task_memory
        plain = census.resident(key) if limit else 0
        return census.shared_out(key) if plain > limit else plain

    def _too_many(self, tasks: int) -> str:
        limit = self._settings.task_processes
        if not limit or tasks <= limit:
            return ""
        return f"Ended: the run had {tasks} processes and threads. The setting task_processes allows {limit}."

    def _too_much(self, memory: int) -> str:
        limit = self._settings.task_memory
        if not limit or memory <= limit:
            return ""
        used, allowed = memory // _MEBIBYTE, limit // _MEBIBYTE
        return (
            f"Ended: the run used {used} MiB of memory. The setting task_memory allows {allowed} MiB ({limit} bytes)."
        )


class _Rise:
    """A sum over the whole machine, and whether it has risen by so much that a run may be over the limit."""

    __slots__ = ("_base", "_descriptor", "_last", "_limit", "_number", "_read_again", "_room", "rising")

    def __init__(self, limit: int, path: str, number: Callable[[bytes], int]) -> None:
        self._limit = limit
        self._number = number
        self._descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC) if limit else -1
        self._base = self._last = 0  # the sum when all processes were read last, and at the last look
        self._room = limit  # what the largest run then had left
        self._read_again = 0.0
        self.rising = False

    def wanted(self, moment: float) -> bool:
        """Whether all processes are to be read now."""
        if not self._limit:
            return False
        now = self._number(os.pread(self._descriptor, 4096, 0))
        self.rising = now - self._last > self._limit // 10
        self._last = now
        if now < self._limit:  # the machine has no more than one run may have
            self._base, self._room = 0, self._limit
            return False
        return now - self._base > max(self._room, self._limit // 20) or moment >= self._read_again

    def read(self, moment: float, most: int) -> None:
        """All processes were read; `most` is what the largest run has that is not over its limit."""
        self._base, self._room = self._last, self._limit - most
        now = time.monotonic()
        self._read_again = now + max(_READ_AGAIN, 50 * (now - moment))


def _tasks_of_machine(loadavg: bytes) -> int:
    """Processes and threads, in all containers."""
    return int(loadavg.split()[3].partition(b"/")[2])


def _memory_of_machine(meminfo: bytes) -> int:
    """Bytes that processes have and no file on a disk could give back."""
    sizes = {line[0]: int(line[1]) for line in (row.split() for row in meminfo.splitlines()) if len(line) > 1}
    return (sizes[b"AnonPages:"] + sizes[b"Shmem:"] + sizes[b"SwapTotal:"] - sizes[b"SwapFree:"]) * 1024


class _Room:
    """The room on the disk of the logs."""

    __slots__ = ("_free", "_path", "_step")

    def __init__(self, path: str, step: int) -> None:
        self._path = path
        self._step = step
        self._free = 0

    def falls(self) -> bool:
        """Whether it has become much less since the last call."""
        before = self._free
        try:
            room = os.statvfs(self._path)
        except OSError:
            return False
        self._free = room.f_bfree * room.f_frsize
        return before - self._free > self._step
