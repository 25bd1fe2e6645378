"""Opens SQLite or PostgreSQL; everything that differs between the two is here or in `statements.py`.

One transaction writes at a time, on both databases: behind a lock of this process on SQLite (a lock wakes at once,
where SQLite's busy handler polls), behind an advisory lock on PostgreSQL. So a settled result, a new edge and an
operator's rerun never interleave, and nothing deadlocks. Transactions that write are short and bounded. Readers have
connections of their own and wait for nobody.
"""

import sqlite3
import threading
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from copy import copy
from pathlib import Path
from typing import Any
from uuid import uuid4

from sqlalchemy import Connection, Engine, create_engine, event, func, select
from sqlalchemy.engine import make_url
from sqlalchemy.pool import QueuePool

from tidemill.store.statements import Pipeline, Statement, String, bindparam

_BUSY_TIMEOUT_MS = 60_000
_READERS = 8
_lock_writers = Statement(select(func.pg_advisory_xact_lock(0x7469646D)))  # "tidm": whoever writes
_STALLED = "2s"  # a writer that stops in mid-transaction loses it after this
CHANNEL = "tidemill"
_notify = Statement(select(func.pg_notify(CHANNEL, bindparam("sender", type_=String))))
# A server that the network cuts off notices it, instead of waiting for an answer for hours.
_PATIENCE = {
    "connect_timeout": 3, "keepalives_idle": 2, "keepalives_interval": 1, "keepalives_count": 3,
    "tcp_user_timeout": 5_000,
}  # fmt: skip
Fence = Callable[[Connection], Callable[[], None]]
"""Asks at a transaction's beginning whether it may be, in a way that lasts until its end; what it gives is called
before the commit, and raises if not. So nobody waits for that answer alone."""


class Database:
    """`read` and `write` each give one transaction; who takes a `Connection` never commits it."""

    def __init__(self, writer: Engine, reader: Engine, lock: AbstractContextManager[Any]) -> None:
        self.writer = writer
        self.reader = reader
        self.id = uuid4().hex  # of this process, in what it tells the others
        self._lock = lock
        self._listeners: list[Callable[[], None]] = []
        self._fence: Fence | None = None

    @property
    def is_sqlite(self) -> bool:
        return self.writer.dialect.name == "sqlite"

    def listen(self, listener: Callable[[], None]) -> None:
        """Call `listener` after each commit that may have made work for the scheduler."""
        self._listeners.append(listener)

    def announce(self) -> None:
        """Call the listeners: another server has committed something."""
        for listener in self._listeners:
            listener()

    def fenced(self, fence: "Fence") -> "Database":
        """The same database, whose writing transactions are rolled back where `fence` says so."""
        other = copy(self)
        other._fence = fence
        return other

    def tell_others(self, db: Connection) -> None:
        """Once this transaction is committed, wake the other servers on a PostgreSQL."""
        if not self.is_sqlite:
            _notify(db, sender=self.id)

    @contextmanager
    def read(self) -> Generator[Connection]:
        with self.reader.connect() as db, db.begin():
            yield db

    @contextmanager
    def write(self, *, announce: bool = True, pipelined: bool = False) -> Generator[Connection]:
        """One transaction, committed at the end and rolled back on an exception.

        `pipelined`: on PostgreSQL, a `Statement` is not waited for until its rows are read (see `Pipeline`).
        """
        piped = pipelined and not self.is_sqlite
        with self._lock, self.writer.connect() as db, Pipeline(db) if piped else nullcontext(), db.begin():
            if not self.is_sqlite:
                _lock_writers(db)
            allow = self._fence(db) if self._fence is not None else None
            yield db
            if allow is not None:
                allow()
            if announce:
                self.tell_others(db)
        if announce:
            self.announce()

    @contextmanager
    def write_apart(self) -> Generator[Connection]:
        """A short transaction that waits for no other writer: for rows that nobody else writes."""
        if self.is_sqlite:
            with self.write(announce=False) as db:
                yield db
        else:
            with self.writer.begin() as db:
                yield db

    def close(self) -> None:
        self.writer.dispose()
        self.reader.dispose()


def open_database(url: str, synchronous: str = "FULL") -> Database:
    """Open the database that an SQLAlchemy URL names (`sqlite:///…` or `postgresql://…`).

    `synchronous` is SQLite's: FULL survives power loss, NORMAL and OFF trade that for speed. Raises ValueError for
    another database or for an SQLite that is too old.
    """
    parsed = make_url(url)
    if parsed.get_backend_name() == "postgresql":
        engine = create_engine(
            parsed.set(drivername="postgresql+psycopg"),
            pool_size=_READERS,
            max_overflow=16,
            pool_use_lifo=True,  # a few connections that know the statements, not many that learn them
            connect_args={"options": f"-c idle_in_transaction_session_timeout={_STALLED}", **_PATIENCE},
        )
        event.listen(engine, "before_cursor_execute", Pipeline.leave_for)
        return Database(engine, engine, nullcontext())
    if parsed.get_backend_name() != "sqlite":
        raise ValueError(f"database: sqlite:///FILE or postgresql://… is expected, not {parsed.drivername}")
    if sqlite3.sqlite_version_info < (3, 35):
        raise ValueError(f"SQLite 3.35 or later is needed (RETURNING); this Python has {sqlite3.sqlite_version}")
    return Database(_sqlite(url, synchronous, 1), _sqlite(url, synchronous, _READERS, reader=True), threading.Lock())


def open_existing(url: str) -> Database:
    """The same, for a database that must be there: SQLite would make an empty file. Raises ValueError."""
    path = make_url(url).database
    if make_url(url).get_backend_name() == "sqlite" and not (path and Path(path).exists()):
        raise ValueError(f"there is no database {path}: name the server's --data directory")
    return open_database(url)


def _sqlite(url: str, synchronous: str, connections: int, *, reader: bool = False) -> Engine:
    engine = create_engine(
        url,
        poolclass=QueuePool,
        pool_size=connections,
        max_overflow=connections if reader else 0,
        connect_args={"check_same_thread": False, "cached_statements": 512},
    )

    def connected(connection: sqlite3.Connection, _record: Any) -> None:
        connection.isolation_level = None  # we say BEGIN ourselves
        pragmas = [
            f"busy_timeout = {_BUSY_TIMEOUT_MS}",
            "journal_mode = WAL",
            f"synchronous = {synchronous}",
            "foreign_keys = ON",
            "cache_size = -65536",
            "temp_store = MEMORY",
        ]
        for pragma in pragmas + (["query_only = ON"] if reader else []):
            connection.execute(f"PRAGMA {pragma}")

    statement = "BEGIN" if reader else "BEGIN IMMEDIATE"

    def begin(connection: Connection) -> None:
        driver: Any = connection.connection.driver_connection  # past SQLAlchemy: each request pays for this
        driver.execute(statement)

    event.listen(engine, "connect", connected)
    event.listen(engine, "begin", begin)
    return engine
