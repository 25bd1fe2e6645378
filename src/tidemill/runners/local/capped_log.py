"""Keep a log below its cap by giving back the space of its middle while the task goes on writing."""

from __future__ import annotations

import os

from tidemill.runners.local.fallocate import punch_hole

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

    def keep_below_cap(self) -> None:
        """Look at the size, and cut if there is too much. A log that cannot be cut is left as it is."""
        try:
            size = os.stat(self.path).st_size
            if size - (self._hole_end - self._head) > self._cap:
                self._cut(size)
        except OSError:
            pass

    def add(self, line: str) -> None:
        """Write a last line, as far as there is room for it."""
        try:
            descriptor = os.open(self.path, os.O_RDWR | os.O_APPEND)
        except OSError:
            return
        try:
            size = os.fstat(descriptor).st_size
            inside = size and os.pread(descriptor, 1, size - 1) != b"\n"
            os.write(descriptor, b"\n" * bool(inside) + line.encode(errors="replace") + b"\n")
        except OSError:
            pass
        finally:
            os.close(descriptor)

    def _cut(self, size: int) -> None:
        descriptor = os.open(self.path, os.O_WRONLY)  # its own: on the task's O_APPEND, pwrite would append
        try:
            end = (size - self._cap // 2) // _BLOCK * _BLOCK
            if punch_hole(descriptor, self._head, end - self._head):
                self._hole_end = end
                self._left_out = end - self._head
            else:  # no holes on this file system: give up all after the first quarter; the task appends behind it
                os.ftruncate(descriptor, self._head)
                self._left_out += size - self._head - len(self._marker)
            self._marker = f"\n[... {self._left_out} bytes left out ...]\n".encode()
            os.pwrite(descriptor, self._marker, self._head)
        finally:
            os.close(descriptor)
