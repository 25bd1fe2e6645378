"""Remove directories without holding up the runner's loop: the ordinary one at once, a large one a bit at a time."""

from __future__ import annotations

import os
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_STEPS = 200  # files removed in one turn of the loop


class Removal:
    """Directories to remove. They are first moved into `trash`, so that their names are free again."""

    def __init__(self, trash: str) -> None:
        self._trash = trash
        os.makedirs(trash, 0o700, exist_ok=True)
        self._walk: Iterator[None] | None = _remove_content(trash)

    @property
    def busy(self) -> bool:
        """Whether `go_on` has something to do."""
        return self._walk is not None

    def remove(self, directory: str, only_file: str = "") -> None:
        """Remove a directory that probably holds nothing but `only_file`. A missing one is no error."""
        try:
            if only_file:
                os.unlink(os.path.join(directory, only_file))
            os.rmdir(directory)
        except FileNotFoundError:
            if os.path.isdir(directory):  # the task has taken its script away, but left other files
                self._move(directory)
        except OSError:
            self._move(directory)

    def go_on(self) -> None:
        """Remove some more of what is in the trash."""
        for _ in range(_STEPS):
            if self._walk is None or next(self._walk, self) is self:
                self._walk = None
                return

    def _move(self, directory: str) -> None:
        try:
            os.rename(directory, f"{self._trash}/{os.path.basename(directory)}-{time.time_ns()}")
        except OSError:
            return
        self._walk = _remove_content(self._trash)


def _remove_content(top: str) -> Iterator[None]:
    """Remove all below `top`, one entry a step; links are not followed, and what cannot be removed stays."""
    found = [top]
    for directory in found:  # grows while it is walked: parents come before what is in them
        for entry in _entries(directory):
            if entry.is_dir(follow_symlinks=False):
                found.append(entry.path)
            else:
                _try(os.unlink, entry.path)
            yield
    for directory in reversed(found[1:]):
        _try(os.rmdir, directory)
        yield


def _entries(directory: str) -> list[os.DirEntry[str]]:
    try:
        os.chmod(directory, 0o700)  # a task may have closed it
        return list(os.scandir(directory))
    except OSError:
        return []


def _try(remove: Callable[[str], None], path: str) -> None:
    try:
        remove(path)
    except OSError:
        pass
