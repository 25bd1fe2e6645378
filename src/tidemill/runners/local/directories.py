"""The working directories of runs, each with the script in it.

A directory in which a task has left nothing is used again by a later run. To make and remove two inodes for each run
would be slow on ext4, which takes no inode that was freed in the last minutes and looks at each of them to know that.
"""

from __future__ import annotations

import os
import stat

from tidemill.runners.local import layout
from tidemill.runners.local.new_logs import NewLogs
from tidemill.runners.local.removal import Removal

_SPARE = 64  # directories that are kept for each name of a script


class Directories:
    """Makes and takes back working directories below `data_directory`, and opens `logs`; a new runner begins anew."""

    def __init__(self, data_directory: str) -> None:
        self._removal = Removal(f"{data_directory}/{layout.TRASH}")
        self._place = f"{data_directory}/{layout.SPARE}"
        for directory in (f"{data_directory}/{layout.WORK}", self._place):
            self._removal.remove(directory)  # no run of an earlier runner is alive
            os.makedirs(directory, 0o700, exist_ok=True)
        self._spare: dict[str, list[str]] = {}  # by the script's file name
        self._made = 0
        self.logs = NewLogs(data_directory)

    @property
    def busy(self) -> bool:
        """Whether `go_on` has something to remove."""
        return self._removal.busy

    def go_on(self) -> None:
        """Remove some more of what tasks have left."""
        self._removal.go_on()

    def prepare(self, directory: str, file_name: str, script: bytes) -> None:
        """Make a directory that holds only the script, both closed to other users. OSError: it cannot be made."""
        path = f"{directory}/{file_name}"
        if self._use_spare(directory, file_name):
            descriptor = os.open(path, os.O_WRONLY | os.O_NOFOLLOW)
        else:
            self._make(directory)
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            rest = script
            while rest:
                rest = rest[os.write(descriptor, rest) :]
            os.ftruncate(descriptor, len(script))
        finally:
            os.close(descriptor)

    def give_back(self, directory: str, file_name: str) -> None:
        """Take the directory of a run that is over away. A missing one is no error."""
        if not self._keep(directory, file_name):
            self._removal.remove(directory, file_name)

    def _use_spare(self, directory: str, file_name: str) -> bool:
        spare = self._spare.get(file_name)
        if not spare:
            return False
        try:
            os.rename(spare[-1], directory)
        except OSError:
            return False
        spare.pop()
        return True

    def _make(self, directory: str) -> None:
        try:
            os.mkdir(directory, 0o700)
        except FileExistsError:
            self._removal.remove(directory)
            os.mkdir(directory, 0o700)

    def _keep(self, directory: str, file_name: str) -> bool:
        """Keep it for a later run, without the script's text; False if the task has changed anything but the text."""
        spare = self._spare.setdefault(file_name, [])
        if len(spare) >= _SPARE:
            return False
        try:
            if not _untouched(directory, file_name):
                return False
            descriptor = os.open(f"{directory}/{file_name}", os.O_WRONLY | os.O_NOFOLLOW)
            try:
                os.pwrite(descriptor, b"\n", 0)
                os.ftruncate(descriptor, 1)  # to zero bytes would make ext4 write the next text to the disk at once
            finally:
                os.close(descriptor)
            self._made += 1
            kept = f"{self._place}/{self._made}"
            os.rename(directory, kept)
        except OSError:
            return False
        spare.append(kept)
        return True


def _untouched(directory: str, file_name: str) -> bool:
    """Whether it holds the script only, and both are as `prepare` made them, without a second name."""
    if os.listdir(directory) != [file_name]:
        return False
    outer, script = os.lstat(directory), os.lstat(f"{directory}/{file_name}")
    return (
        outer.st_mode == stat.S_IFDIR | 0o700
        and script.st_mode == stat.S_IFREG | 0o600
        and script.st_nlink == 1
        and outer.st_uid == script.st_uid == os.geteuid()
    )
