"""The logs of runs that begin. A few are made ahead, while the server thinks about results.

To make a file can take longer than a short task: ext4 takes no inode that was freed in the last minutes, and looks at
each of those to know that. To rename one never does.
"""

from __future__ import annotations

import os

from tidemill.runners.local import layout

_AHEAD = 4
_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_APPEND
_MODE = 0o640


class NewLogs:
    """Opens the logs of runs below `data_directory`; a new runner begins with none made ahead."""

    __slots__ = ("_made", "_place", "_spare")

    def __init__(self, data_directory: str) -> None:
        self._place = f"{data_directory}/{layout.SPARE_LOGS}"
        self._spare: list[tuple[str, int]] = []  # path, and descriptor
        self._made = 0
        os.makedirs(self._place, 0o700, exist_ok=True)
        for name in os.listdir(self._place):
            os.unlink(f"{self._place}/{name}")

    def open(self, path: str) -> int:
        """A descriptor that appends to the log of a run. OSError: there can be none."""
        if self._spare and not os.path.lexists(path):
            spare, descriptor = self._spare.pop()
            try:
                os.rename(spare, path)
            except OSError:  # the day's first, or the logs are on another file system
                self._spare.append((spare, descriptor))
            else:
                return descriptor
        try:
            return os.open(path, _FLAGS, _MODE)
        except FileNotFoundError:
            os.makedirs(os.path.dirname(path), 0o750, exist_ok=True)
            return os.open(path, _FLAGS, _MODE)

    def make_ahead(self) -> None:
        """Make one for later, if there are few."""
        if len(self._spare) >= _AHEAD:
            return
        self._made += 1
        path = f"{self._place}/{self._made}"
        try:
            self._spare.append((path, os.open(path, _FLAGS | os.O_EXCL, _MODE)))
        except OSError:  # no room, or no descriptor: whoever needs one will say so
            pass
