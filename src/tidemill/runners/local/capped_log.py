"""Keep a log below its cap by giving back the space of its middle while the task goes on writing."""

from __future__ import annotations

import ctypes
import errno
import os

_KEEP_SIZE, _PUNCH_HOLE = 1, 2  # flags of fallocate(2)
_BLOCK = 4096


class CappedLog:
    """A log and what was cut out of it. The first quarter of the cap and at least the last half are kept."""

    __slots__ = ("_cap", "_head", "_hole_end", "_left_out", "_marker", "path")

    def __init__(self, path: str, cap: int) -> None:
        self.path = path
        self._cap = cap
        self._head = cap // 4 // _BLOCK * _BLOCK
        self._hole_end = self._head
        self._left_out = 0
        self._marker = b""

    def add(self, line: str) -> None:
        """Append to it, if that is possible."""
        try:
            with open(self.path, "ab", buffering=0) as file:
                file.write(line.encode(errors="replace"))
        except OSError:
            pass

    def keep_below_cap(self) -> None:
        """Look at the size, and cut if there is too much. A log that cannot be cut is left as it is."""
        try:
            size = os.stat(self.path).st_size
            if size - (self._hole_end - self._head) > self._cap:
                self._cut(size)
        except OSError:
            pass

    def _cut(self, size: int) -> None:
        descriptor = os.open(self.path, os.O_WRONLY)  # its own: on the task's O_APPEND, pwrite would append
        try:
            end = (size - self._cap // 2) // _BLOCK * _BLOCK
            if _punch_hole(descriptor, self._head, end - self._head):
                self._hole_end = end
                self._left_out = end - self._head
            else:  # no holes on this file system: give up all after the first quarter; the task appends behind it
                os.ftruncate(descriptor, self._head)
                self._left_out += size - self._head - len(self._marker)
            self._marker = f"\n[... {self._left_out} bytes left out ...]\n".encode()
            os.pwrite(descriptor, self._marker, self._head)
        finally:
            os.close(descriptor)


def _punch_hole(descriptor: int, start: int, length: int) -> bool:
    """False: this file system cannot. OSError: it could not now."""
    libc = ctypes.CDLL(None, use_errno=True)
    offset, size = ctypes.c_long(start), ctypes.c_long(length)
    if libc.fallocate(descriptor, _PUNCH_HOLE | _KEEP_SIZE, offset, size) == 0:
        return True
    number = ctypes.get_errno()
    if number in (errno.EOPNOTSUPP, errno.ENOSYS):
        return False
    raise OSError(number, os.strerror(number))
