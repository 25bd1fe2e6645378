"""Reading logs, also while they grow. Raw bytes on disk, UTF-8 with replacement for people."""

import os

FIRST = 2**20
LAST = 2 * 2**20
_LEFT_OUT = "\n[… {} bytes left out …]\n"


def read_log(path: str, first: int = FIRST, last: int = LAST) -> str:
    """The log, or its first and last bytes with a mark between; "" for one that was never written."""
    try:
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return ""
    try:
        size = os.fstat(file).st_size
        if size <= first + last:
            return _text(os.pread(file, size, 0))
        mark = _LEFT_OUT.format(size - first - last)
        return _text(os.pread(file, first, 0)) + mark + _text(os.pread(file, last, size - last))
    finally:
        os.close(file)


def read_range(path: str, start: int, length: int) -> bytes:
    """`length` bytes from `start`, fewer at the end; b"" for a log that was never written."""
    try:
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return b""
    try:
        return os.pread(file, length, start)
    finally:
        os.close(file)


def _text(data: bytes) -> str:
    """Holes that were punched into the middle read as NULs: they stand for nothing."""
    return data.replace(b"\0", b"").decode("utf-8", "replace")
