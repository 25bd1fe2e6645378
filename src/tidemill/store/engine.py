"""Opens SQLite or PostgreSQL; everything that differs between the two is here or in `statements.py`.

One transaction writes at a time, on both databases: behind a lock of this process on SQLite (a lock wakes at once,
where SQLite's busy handler polls), behind an advisory lock on PostgreSQL. So a settled result, a new edge and an
operator's rerun never interleave, and nothing deadlocks. Transactions that write are short and bounded. Readers have
connections of their own and wait for nobody.
"""

import sqlite3
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager, nullcontext
from copy import copy
from math import ceil
from pathlib import Path
from time import monotonic
from typing import Any
from uuid import uuid4

from sqlalchemy import Connection, Engine, create_engine, event, func, select
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import QueuePool

from tidemill.store.absence import Busy, first_failure, is_locked
from tidemill.store.statements import Pipeline, Statement, String, bindparam

_PATIENCE = 60.0  # seconds that a writer waits for its turn, unless it says otherwise
_READERS = 8
_WRITER_LOCK = 0x7469646D  # "tidm": the advisory lock of whoever writes
_LOCK_TIMEOUT = "55P03"
_alone = (
    func.set_config("lock_timeout", bindparam("milliseconds", type_=String), True),
    func.set_config("enable_seqscan", "off", True),  # see statements.among
    func.pg_advisory_xact_lock(_WRITER_LOCK),
)
_lock_out_others = Statement(select(*_alone))
_lock_out_others_for = Statement(
    select(*_alone, func.set_config("transaction_timeout", bindparam("longest", type_=String), True))
)
_CLOSING = 5.0  # seconds that the end waits for a writer
_STALLED = "2s"  # a writer that stops in mid-transaction loses it after this
_LONGEST = "3s"  # and one that does not say when it waits, a pipeline, after this
_PLANS_LAST = 15.0  # seconds
_HAS_TRANSACTION_TIMEOUT = 17_00_00  # PostgreSQL's version
CHANNEL = "tidemill"
_notify = Statement(select(func.pg_notify(CHANNEL, bindparam("sender", type_=String))))
# A server that the network cuts off notices it, instead of waiting for an answer for hours.
_NETWORK = {
    "connect_timeout": 3, "keepalives_idle": 2, "keepalives_interval": 1, "keepalives_count": 3,
    "tcp_user_timeout": 5_000,
}  # fmt: skip
Fence = Callable[[Connection], Callable[[], None]]
"""Asks at a transaction's beginning whether it may be, in a way that lasts until its end; what it gives is called
before the commit, and raises if not. So nobody waits for that answer alone."""


class Turn:
    """How long somebody waits to write: `patience` seconds from now.

    Who has given up sets `given_up`, and what was written meanwhile is rolled back.
    """

    def __init__(self, patience: float) -> None:
        self._patience = patience
        self.given_up = False
        self.begin()

    def begin(self) -> None:
        """Wait from now on: what was waited for until now was something else."""
        self._until = monotonic() + self._patience

    @property
    def left(self) -> float:
        """Seconds."""
        return max(0.0, self._until - monotonic())


class Database:
    """`read` and `write` each give one transaction; who takes a `Connection` never commits it."""

    def __init__(self, writer: Engine, reader: Engine, lock: "threading.Lock | None") -> None:
        """`lock` is for writers of this process; without one the database itself has to keep them apart."""
        self.writer = writer
        self.reader = reader
        self.id = uuid4().hex  # of this process, in what it tells the others
        self._lock = lock
        self._held: list[Connection] = []  # by whoever has the lock: to ask the pool each time would take as long again
        self._listeners: list[Callable[[], None]] = []
        self._fence: Fence | None = None
        self._patience = _PATIENCE
        self._turn: Turn | None = None

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

    def patient(self, patience: float) -> "Database":
        """The same database, whose writing transactions wait `patience` seconds for others."""
        other = copy(self)
        other._patience = patience
        return other

    def within(self, turn: Turn) -> "Database":
        """The same database, whose writing transactions wait no longer than `turn` says."""
        other = copy(self)
        other._turn = turn
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

        Raises Busy, with nothing done, if somebody else writes for too long, or if the turn was given up meanwhile.
        `pipelined`: on a PostgreSQL from 17 on, a `Statement` is not waited for until its rows are read (see
        `Pipeline`); the transaction may take 3 s then.
        """
        with self._begun_on_sqlite() if self._lock is not None else self._begun_on_postgresql(pipelined) as db:
            allow = self._fence(db) if self._fence is not None else None
            yield db
            if allow is not None:
                allow()
            if announce:
                self.tell_others(db)
            if self._turn is not None and self._turn.given_up:
                raise Busy("nobody waits for this any more")
        if announce:
            self.announce()

    @property
    def _left(self) -> float:
        """Seconds that may be waited for others who write."""
        return self._patience if self._turn is None else self._turn.left

    @contextmanager
    def _begun_on_sqlite(self) -> Generator[Connection]:
        """A transaction that no other one writes beside, in this process or another one."""
        assert self._lock is not None
        if not self._lock.acquire(timeout=self._left):
            raise Busy("another writer is at work")
        try:
            if not self._held:
                self._held.append(self.writer.connect())
            db = self._held[0]
            _wait_at_most(db, ceil(self._left))
            try:
                transaction = db.begin()
            except Exception as error:
                if is_locked(error):
                    raise Busy("another process has locked the database") from None
                raise
            with transaction:
                yield db
        except BaseException:
            while self._held:
                self._held.pop().close()  # whatever state it is in, the next one begins anew
            raise
        finally:
            self._lock.release()

    @contextmanager
    def _begun_on_postgresql(self, pipelined: bool) -> Generator[Connection]:
        """A transaction that no other one writes beside, on this server or another one."""
        try:
            with self.writer.connect() as db:
                driver: Any = db.connection.driver_connection
                _forget_old_plans(db)
                piped = pipelined and driver.info.server_version >= _HAS_TRANSACTION_TIMEOUT
                with Pipeline(db) if piped else nullcontext(), db.begin():
                    wait = str(max(1, int(self._left * 1_000)))
                    if piped:
                        _lock_out_others_for(db, milliseconds=wait, longest=_LONGEST)
                    else:
                        _lock_out_others(db, milliseconds=wait)
                    yield db
        except Exception as error:
            first = first_failure(error)
            original = first.orig if isinstance(first, DBAPIError) else first
            if getattr(original, "sqlstate", None) == _LOCK_TIMEOUT:
                raise Busy("another server is writing") from None
            if first is not error:
                raise first from None
            raise

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
        """Give the connections back; one that somebody still writes with is left to its writer."""
        if self._lock is not None and self._lock.acquire(timeout=_CLOSING):
            while self._held:
                self._held.pop().close()
            self._lock.release()
        self.writer.dispose()
        self.reader.dispose()


def _forget_old_plans(db: Connection) -> None:
    """Let PostgreSQL plan this connection's statements anew now and then: tables grow, and it keeps its plans."""
    now = monotonic()
    if now >= db.info.setdefault("plans_until", now + _PLANS_LAST):
        driver: Any = db.connection.driver_connection
        driver.execute("DISCARD PLANS")
        driver.rollback()  # psycopg has begun a transaction for it
        db.info["plans_until"] = now + _PLANS_LAST


def _wait_at_most(db: Connection, seconds: int) -> None:
    """How long this connection waits for other processes on an SQLite; whole seconds, because they seldom change."""
    if db.info.get("patience") != seconds:
        driver: Any = db.connection.driver_connection
        driver.execute(f"PRAGMA busy_timeout = {seconds * 1_000}")
        db.info["patience"] = seconds


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
            connect_args={"options": f"-c idle_in_transaction_session_timeout={_STALLED}", **_NETWORK},
        )
        event.listen(engine, "before_cursor_execute", Pipeline.leave_for)
        return Database(engine, engine, None)
    if parsed.get_backend_name() != "sqlite":
        raise ValueError(f"database: sqlite:///FILE or postgresql://… is expected, not {parsed.drivername}")
    if sqlite3.sqlite_version_info < (3, 35):
        raise ValueError(f"SQLite 3.35 or later is needed (RETURNING); this Python has {sqlite3.sqlite_version}")
    return Database(_sqlite(url, synchronous, 1), _sqlite(url, synchronous, _READERS, reader=True), threading.Lock())


def open_existing(url: str, flag: str = "--data") -> Database:
    """The same, for a database that must be there: SQLite would make an empty file. Raises ValueError.

    The error names the `flag` by which the user said where it is.
    """
    path = make_url(url).database
    if make_url(url).get_backend_name() == "sqlite" and not (path and Path(path).exists()):
        said = "name the server's --data directory" if flag == "--data" else f"that is what {flag} names"
        raise ValueError(f"there is no database {path}: {said}")
    return open_database(url)


def _sqlite(url: str, synchronous: str, connections: int, *, reader: bool = False) -> Engine:
    engine = create_engine(
        url,
        poolclass=QueuePool,
        pool_size=connections,
        max_overflow=connections if reader else 0,
        pool_reset_on_return=None,  # every transaction has ended by then
        connect_args={"check_same_thread": False, "cached_statements": 512},
    )

    def connected(connection: sqlite3.Connection, _record: Any) -> None:
        connection.isolation_level = None  # we say BEGIN ourselves
        pragmas = [
            f"busy_timeout = {int(_PATIENCE * 1_000)}",
            "journal_mode = WAL",
            f"synchronous = {synchronous}",
            "foreign_keys = ON",
            "wal_autocheckpoint = 8000",  # pages: what is planned at once is written once, not with each commit
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
