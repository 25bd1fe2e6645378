"""One server owns a data directory (engine 22)."""

import fcntl
import os
from pathlib import Path


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
        self._lock = os.open(path / "server.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(self._lock, 32).decode().strip() or "unknown"
            os.close(self._lock)
            raise DataDirectoryInUse(
                f"the data directory {path} belongs to the server with process id {holder}; stop it, or name another "
                "directory with --data"
            ) from None
        os.ftruncate(self._lock, 0)
        os.pwrite(self._lock, f"{os.getpid()}\n".encode(), 0)

    def close(self) -> None:
        os.close(self._lock)


def boot_id() -> str:
    """Names the machine's current boot: what ran in another one has ended."""
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
