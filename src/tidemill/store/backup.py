"""A copy of a living SQLite database, whole as of one moment."""

import os
import sqlite3
from pathlib import Path

_PAGES = 2_000  # in one step; between steps writers have their turn


def backup(source: Path, target: Path) -> int:
    """Copy the database of `source` to the new file `target`; its size in bytes.

    It is there whole or not at all, and on the disk when this returns. Raises FileExistsError where there is a
    file, and FileNotFoundError where there is no directory.
    """
    if target.exists():
        raise FileExistsError(f"{target} is there already: name a new file")
    part = target.with_name(f"{target.name}.part")
    if not target.absolute().parent.is_dir():
        raise FileNotFoundError(f"there is no directory {target.parent}: make it first")
    part.unlink(missing_ok=True)
    os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))  # it holds secrets: closed to other users
    try:
        _copy(source, part)
        with part.open("rb+") as file:
            os.fsync(file.fileno())
        os.link(part, target)  # unlike a rename it overwrites nothing
    finally:
        part.unlink(missing_ok=True)
    directory = os.open(target.absolute().parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
    return target.stat().st_size


def _copy(source: Path, part: Path) -> None:
    reading, writing = sqlite3.connect(f"file:{source}?mode=ro", uri=True), sqlite3.connect(part)
    try:
        reading.execute("BEGIN")  # one moment, however long it takes
        reading.execute("SELECT count(*) FROM sqlite_master").fetchone()
        reading.backup(writing, pages=_PAGES)
        writing.execute("PRAGMA journal_mode = DELETE")  # one file, without a log beside it
    finally:
        writing.close()
        reading.close()
