"""Whether there is room on the disks of the data directory and of the database, for the scheduler and for /health."""

import logging
import os
from collections.abc import Mapping
from pathlib import Path
from time import monotonic

from sqlalchemy import make_url

from tidemill.settings import Settings

log = logging.getLogger(__name__)

_MEBIBYTE = 2**20
_BETWEEN_LOOKS = 0.1  # seconds, while there is room
_AGAIN = 1.25  # times min_free: what is started then does not fill the disk at once


class Room:
    """Looks at the free space of `directories`; below `min_free` bytes in one of them (0: never) there is no room.

    Then there is none until all have a quarter more than that.
    """

    def __init__(self, directories: tuple[Path, ...], min_free: int) -> None:
        self._directories = directories
        self._min_free = min_free
        self._full = False
        self._look_at = float("-inf")

    @classmethod
    def of(cls, settings: Settings) -> "Room":
        """Of the data directory, and of the directory of an SQLite that is somewhere else."""
        url = make_url(settings.database_url)
        database = url.database if url.get_backend_name() == "sqlite" else None
        places = [settings.data, Path(database).parent] if database else [settings.data]
        return cls(tuple(dict.fromkeys(place.resolve() for place in places)), settings.min_free)

    def __call__(self) -> bool:
        """Whether runs may be started; says in the log when that changes. One thread calls it, before each turn."""
        now = monotonic()
        if now < self._look_at and not self._full:
            return True
        self._look_at = now + _BETWEEN_LOOKS
        complaint = self._complaint(self._needed)
        if bool(complaint) != self._full:
            self._full = bool(complaint)
            if complaint:
                log.error("the disk is %s", complaint)
            else:
                log.warning("there is room on the disk again: runs are started")
        return not self._full

    def health(self) -> Mapping[str, str]:
        """What `/health` says."""
        return {"Disk": self._complaint(self._needed) or "ok"}

    @property
    def _needed(self) -> int:
        """Bytes: more where there was no room, so that it does not come and go with each file."""
        return int(self._min_free * _AGAIN) if self._full else self._min_free

    def _complaint(self, needed: int) -> str:
        for directory in self._directories if needed else ():
            room = os.statvfs(directory)
            free = room.f_bavail * room.f_frsize
            if free < needed:
                size = room.f_blocks * room.f_frsize
                enough = self._min_free * _AGAIN / _MEBIBYTE
                return (
                    f"full: {free / _MEBIBYTE:.0f} MiB free of {size / _MEBIBYTE:.0f} MiB at {directory}; "
                    f"nothing is started until there are {enough:.0f} MiB ({_AGAIN} × min_free)"
                )
        return ""
