"""Blocks of a file, taken in advance or given back, without a change of its size: fallocate(2)."""

from __future__ import annotations

import ctypes
import errno
import os

_KEEP_SIZE, _PUNCH_HOLE = 1, 2


def reserve(descriptor: int, start: int, length: int) -> bool:
    """Take the blocks now that will be written later. False: this file system cannot. OSError: it has no room."""
    return _fallocate(descriptor, _KEEP_SIZE, start, length)


def punch_hole(descriptor: int, start: int, length: int) -> bool:
    """Give the blocks of a part back, which then reads as zeros. False: this file system cannot. OSError: not now."""
    return _fallocate(descriptor, _PUNCH_HOLE | _KEEP_SIZE, start, length)


def _fallocate(descriptor: int, mode: int, start: int, length: int) -> bool:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.fallocate(descriptor, mode, ctypes.c_long(start), ctypes.c_long(length)) == 0:
        return True
    number = ctypes.get_errno()
    if number in (errno.EOPNOTSUPP, errno.ENOSYS):
        return False
    raise OSError(number, os.strerror(number))
