"""The runner's side of logs: opening them, and keeping each below its limit while it grows."""

import ctypes
import os

_KEEP_SIZE, _PUNCH_HOLE = 1, 2
_BLOCK = 4096
MARKER = "\n[… output above the limit of {} bytes was cut out here …]\n"


def open_log(data: str, log: str) -> int:
    """A file descriptor for appending to `data`/`log`, whose directories are made if need be. Raises OSError."""
    path = os.path.join(data, log)
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
    try:
        return os.open(path, flags, 0o600)
    except FileNotFoundError:
        os.makedirs(os.path.dirname(path), 0o700, exist_ok=True)
        return os.open(path, flags, 0o600)


def cut_middle(path: str, limit: int) -> None:
    """Give the middle of a log larger than `limit` back to the disk; head and tail stay, with a marker between."""
    try:
        size = os.stat(path).st_size
    except OSError:
        return
    if size <= limit:
        return
    head = max(_BLOCK, limit // 2 // _BLOCK * _BLOCK)
    tail = max(head + _BLOCK, (size - limit // 2) // _BLOCK * _BLOCK)
    file = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    try:
        marker = MARKER.format(limit).encode()
        hole = head + _BLOCK
        if tail > hole:
            fallocate = ctypes.CDLL(None, use_errno=True).fallocate
            fallocate.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_int64, ctypes.c_int64]
            fallocate(file, _KEEP_SIZE | _PUNCH_HOLE, head, tail - head)
            os.pwrite(file, marker.ljust(_BLOCK, b"\n")[: len(marker)], head)
    finally:
        os.close(file)
