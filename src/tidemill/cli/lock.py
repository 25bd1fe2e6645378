"""One server owns a data directory (engine 22)."""

import fcntl
import os
import secrets
from collections.abc import Generator, Iterable
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tidemill.runners.local import layout

_LOCK = "server.lock"


class DataDirectoryInUse(Exception):
    """Another server owns it; the message says which process."""


class DataDirectory:
    """Made if need be, closed to other users, and locked for the life of this process.

    `passable` lets the task user through to its own folders; database, keys and lock stay closed to it.
    """

    def __init__(self, path: Path, *, passable: bool = False) -> None:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.chmod(0o711 if passable else 0o700)
        self.path = path
        self._lock = _lock(path)

    def close(self) -> None:
        os.close(self._lock)


@contextmanager
def no_server_in(directories: Iterable[Path]) -> Generator[None]:
    """Keep servers out of those of the directories that are data directories, for the length of the block.

    Nothing is made there, and no mode is changed: the others may be anybody's. Raises DataDirectoryInUse.
    """
    with ExitStack() as stack:
        for directory in {directory.resolve() for directory in directories}:
            if (directory / _LOCK).exists():
                stack.callback(os.close, _lock(directory))
        yield


def _lock(directory: Path) -> int:
    """The lock of a data directory, as a descriptor that holds it until it is closed. Raises DataDirectoryInUse."""
    lock = os.open(directory / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.read(lock, 32).decode().strip() or "unknown"
        os.close(lock)
        raise DataDirectoryInUse(
            f"the data directory {directory} belongs to the server with process id {holder}; stop it, or name another "
            "directory with --data"
        ) from None
    os.ftruncate(lock, 0)
    os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)
    return lock


def boot_of(data: Path) -> str:
    """Names the machine's current boot, and the runner's directory: what was begun in another one is lost to this one.

    A restored backup knows runs that its runner has never heard of; by the boot alone they would pass for runs that
    were not handed over yet, and be started once more. The directory of an older Tidemill has no name.
    """
    name = data / layout.NAME
    if not name.exists() and not (data / layout.JOURNAL).exists():
        name.parent.mkdir(mode=0o700, exist_ok=True)
        whole = name.with_suffix(".new")  # a crash in the middle must not leave one that is empty
        whole.write_text(f"{secrets.token_hex(8)}\n")
        whole.replace(name)
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return f"{boot} {name.read_text().strip()}" if name.exists() else boot
