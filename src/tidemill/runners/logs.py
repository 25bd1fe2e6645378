"""Where the log of a run is, and reading it; reading works while the task is still writing.

A runner cuts the middle out of a log that has become too large: a hole in the file, behind a line that says how many
bytes are gone. The texts that `read_log` gives say the same of what it leaves out itself.
"""

import os
from datetime import date
from pathlib import Path

from tidemill.runners.local.settings import MEBIBYTE


def log_path(day: date, instance: int, run_number: int) -> str:
    """Relative to the data directory."""
    return f"logs/{day:%Y%m%d}/{instance}-{run_number}.log"


def left_out(count: int) -> str:
    """The line that stands for bytes that are not shown."""
    return f"\n[... {count} bytes left out ...]\n"


def read_log(path: Path | str, first: int = MEBIBYTE, last: int = 2 * MEBIBYTE) -> str:
    """At most the first and the last so many bytes of a log, as text; empty if there is none."""
    try:
        with open(path, "rb", buffering=0) as file:
            return _read_ends(file.fileno(), first, last)
    except FileNotFoundError:
        return ""


def last_line(path: Path | str, most: int = 3 * MEBIBYTE) -> str:
    """The last line of a log that is not blank; empty without one. At most the last `most` bytes are looked at."""
    try:
        with open(path, "rb", buffering=0) as file:
            size = os.fstat(file.fileno()).st_size
            part = 64 * 1024
            while True:
                start = max(0, size - part)
                data = _read_data(file.fileno(), start, size).rstrip()
                if start == 0 or part >= most or (data and b"\n" in data):
                    return _text(data[data.rfind(b"\n") + 1 :])
                part = min(most, part * 4)
    except FileNotFoundError:
        return ""


def read_range(path: Path | str, start: int, length: int) -> bytes:
    """Raw bytes, fewer at the end of the file; a hole reads as zero bytes. Empty if there is no log."""
    try:
        with open(path, "rb", buffering=0) as file:
            return os.pread(file.fileno(), length, start)
    except FileNotFoundError:
        return b""


def _read_ends(descriptor: int, first: int, last: int) -> str:
    size = os.fstat(descriptor).st_size
    if size <= first + last:
        return _text(_read_data(descriptor, 0, size))
    head = _read_data(descriptor, 0, first)
    tail = _read_data(descriptor, size - last, size)
    return _text(head) + left_out(size - first - last) + _text(tail)


def _text(data: bytes) -> str:
    return data.decode("utf-8", errors="replace")


def _read_data(descriptor: int, start: int, end: int) -> bytes:
    """The bytes from `start` to `end`, without the hole and the zero bytes at its edges.

    The runner's own line stands before a hole, so nothing has to be said about it here.
    """
    parts: list[bytes] = []
    at = start
    while at < end:
        data = _seek(descriptor, at, os.SEEK_DATA, end)
        hole = _seek(descriptor, data, os.SEEK_HOLE, end)
        part = os.pread(descriptor, hole - data, data)
        if not part:
            break
        part = part.lstrip(b"\0") if data > at else part
        parts.append(part.rstrip(b"\0") if hole < end else part)
        at = hole
    return b"".join(parts)


def _seek(descriptor: int, at: int, whence: int, end: int) -> int:
    """Where the next data or the next hole begins, `end` if that is nearer or there is none."""
    try:
        return min(os.lseek(descriptor, at, whence), end)
    except OSError:  # ENXIO: no data behind `at`
        return end
