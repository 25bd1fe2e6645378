"""What the runner has accepted and how it ended: an append-only file of one JSON array a line.

`journal` version boot_id begins the file. `accepted` [[instance, run_number] …] is written before a run is spawned,
`started` instance run_number pid milliseconds ticks after it, `ended` result when it is over, `acknowledged`
[[instance, run_number] …] when the server has committed the result, `withdrawn` [[instance, run_number] …] when a run
that was accepted could not be spawned and waits. `gone` milliseconds is the guard's note that the
runner died: what was accepted and had not ended is lost.

Nothing is flushed to the disk for a run: the death of processes does not lose what was written, and after a power
failure the boot id tells that whatever had not ended is lost.

Room for results is taken in advance: a disk that becomes full while tasks run must not make a finished run look lost.
"""

from __future__ import annotations

import json
import os
import time

from tidemill.runners.local.fallocate import reserve
from tidemill.runners.local.fullness import is_full
from tidemill.runners.local.wire import encode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tidemill.runners.local.wire import Key, Message, ResultRow

_VERSION = 1
_COMPACT_AT = 4 * 1024 * 1024  # bytes
_AHEAD = 256 * 1024  # bytes that can be written at any time: the results of some thousand runs


def boot_id() -> str:
    """Names this start of the machine."""
    with open("/proc/sys/kernel/random/boot_id") as file:
        return file.read().strip()


def now() -> int:
    """Epoch milliseconds."""
    return time.time_ns() // 1_000_000


def ticks() -> int:
    """Hundredths of a second since the machine's start, the clock of /proc/<pid>/stat."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 10_000_000


class Unfinished:
    """A run that was accepted and has not ended. `process_id` and both times are 0 until it was spawned."""

    __slots__ = ("process_id", "started", "ticks")

    def __init__(self, process_id: int = 0, started: int = 0, ticks: int = 0) -> None:
        self.process_id = process_id
        self.started = started
        self.ticks = ticks


class Content:
    """What a journal says. Lines that cannot be read are skipped: a write may have been torn."""

    def __init__(self) -> None:
        self.boot_id = ""
        self.unfinished: dict[Key, Unfinished] = {}
        self.results: dict[Key, ResultRow] = {}

    def read(self, path: str) -> None:
        """Read a file; there may be none."""
        try:
            with open(path, "rb") as file:
                for line in file:
                    if line.endswith(b"\n"):
                        self._read_line(line)
        except FileNotFoundError:
            pass

    def lose(self, ended: int, message: str) -> None:
        """All that has not ended is lost."""
        for (instance, run_number), run in self.unfinished.items():
            row = (instance, run_number, "lost", None, run.started, ended, run.process_id, message)
            self.results[instance, run_number] = row
        self.unfinished.clear()

    def _read_line(self, line: bytes) -> None:
        try:
            record: Message = json.loads(line)
            self._apply(record)
        except (ValueError, TypeError, IndexError):
            pass

    def _apply(self, record: Message) -> None:
        kind = record[0]
        if kind == "journal":
            self.boot_id = record[2]
        elif kind == "accepted":
            self.unfinished.update({(instance, number): Unfinished() for instance, number in record[1]})
        elif kind == "started":
            self.unfinished[record[1], record[2]] = Unfinished(*record[3:])
        elif kind == "ended":
            row: ResultRow = tuple(record[1])
            self.unfinished.pop(row[:2], None)
            self.results[row[:2]] = row
        elif kind == "acknowledged":
            for instance, number in record[1]:
                self.results.pop((instance, number), None)
        elif kind == "withdrawn":
            for instance, number in record[1]:
                self.unfinished.pop((instance, number), None)
        elif kind == "gone":
            self.lose(record[1], "the runner died")


def note_gone(path: str) -> None:
    """The guard's line. It begins with a line end, because the runner may have died inside a line."""
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(descriptor, b"\n" + _line("gone", now()))
    finally:
        os.close(descriptor)


def _line(*record: object) -> bytes:
    return encode(record).encode() + b"\n"


class Journal:
    """The runner's side. `results` are those that the server has not acknowledged."""

    def __init__(self, path: str) -> None:
        """Read what an earlier runner left; its unfinished runs are lost, for none of its tasks lives any more."""
        self._path = path
        self._boot_id = boot_id()
        self._buffer = bytearray()
        content = Content()
        content.read(path)
        same_boot = content.boot_id in ("", self._boot_id)
        content.lose(now(), "the runner died" if same_boot else "the machine was restarted")
        self.results = content.results
        self._unfinished: dict[Key, Unfinished] = {}
        self._descriptor = -1
        self._reserved = 0
        self._begin()

    @property
    def behind(self) -> bool:
        """Whether something could not be written yet."""
        return bool(self._buffer)

    def accept(self, keys: list[Key]) -> None:
        """Write that these runs are about to be spawned. OSError: nothing was written, and none may be spawned."""
        before = len(self._buffer)
        self._buffer += _line("accepted", keys)
        try:
            self._reserve()
            self._write()
        except OSError:
            del self._buffer[before:]
            raise
        self._unfinished.update({key: Unfinished() for key in keys})

    def withdrawn(self, keys: list[Key]) -> None:
        """Note that these runs were accepted and not spawned, for the next write."""
        for key in keys:
            del self._unfinished[key]
        self._buffer += _line("withdrawn", keys)

    def started(self, key: Key, process_id: int, started: int, at_ticks: int) -> None:
        """Note a spawn, for the next write."""
        self._unfinished[key] = Unfinished(process_id, started, at_ticks)
        self._buffer += _line("started", *key, process_id, started, at_ticks)

    def ended(self, row: ResultRow) -> None:
        """Note a result, for the next write."""
        self._unfinished.pop(row[:2], None)
        self.results[row[:2]] = row
        self._buffer += _line("ended", row)

    def acknowledged(self, keys: list[Key]) -> None:
        """Note that these results need not be kept, for the next write."""
        known = [key for key in keys if self.results.pop(key, None) is not None]
        if known:
            self._buffer += _line("acknowledged", known)

    def flush(self) -> None:
        """Write what was noted, and start a new file when this one has become long. A full disk: again next time."""
        try:
            if self._buffer:
                self._write()
            if self._size > _COMPACT_AT:
                self._compact()
        except OSError:
            pass

    def _begin(self) -> None:
        """Start a new file, or go on with the old one while there is no room for another."""
        try:
            self._compact()
        except OSError as error:
            if not is_full(error):
                raise
            self._use(os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600))
            self._buffer += b"\n" + _line("journal", _VERSION, self._boot_id)

    def _reserve(self) -> None:
        """Have room for what will be written about runs that begin now. OSError: there is none."""
        wanted = self._size + len(self._buffer) + _AHEAD
        if wanted > self._reserved:
            reserve(self._descriptor, self._size, wanted + _AHEAD - self._size)
            self._reserved = wanted + _AHEAD

    def _write(self) -> None:
        written = 0
        try:
            while written < len(self._buffer):
                written += os.write(self._descriptor, self._buffer[written:])
        except OSError:
            os.ftruncate(self._descriptor, self._size)  # no half line before the next one
            self._reserved = 0  # what was taken ahead went with it
            raise
        self._size += written
        self._buffer.clear()

    def _compact(self) -> None:
        """Write a new file with what still matters, and put it in the place of the old one."""
        lines = [_line("journal", _VERSION, self._boot_id), *(_line("ended", row) for row in self.results.values())]
        for key, run in self._unfinished.items():
            lines.append(_line("accepted", [key]))
            lines.append(_line("started", *key, run.process_id, run.started, run.ticks))
        new = f"{self._path}.new"
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o600)
        try:
            with open(descriptor, "wb", closefd=False) as file:
                file.writelines(lines)
            reserve(descriptor, 0, os.fstat(descriptor).st_size + 2 * _AHEAD)
            os.fsync(descriptor)
            os.rename(new, self._path)
        except OSError:
            os.close(descriptor)
            os.unlink(new)
            raise
        if self._descriptor >= 0:
            os.close(self._descriptor)
        self._use(descriptor)
        self._reserved = self._size + 2 * _AHEAD

    def _use(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._size = os.fstat(descriptor).st_size
