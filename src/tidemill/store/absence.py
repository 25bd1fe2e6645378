"""Whether an error says that the database is away, or taken, for a while."""

import sqlite3
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as NoConnection

from tidemill.store.fullness import is_full

_BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}

_PASSING = ("08", "57P", "53300", "55P03", "25P03")  # connections, shutdown, too many of them, locks, stalled

_ABORTED = "psycopg.errors.PipelineAborted"


class Busy(Exception):
    """Somebody else held the lock of those who write for too long; nothing was begun."""


def is_locked(error: BaseException) -> bool:
    """Whether another process has locked an SQLite."""
    original = error.orig if isinstance(error, DBAPIError) else error
    return isinstance(original, sqlite3.OperationalError) and original.sqlite_errorcode & 0xFF in _BUSY


def will_pass(error: BaseException) -> bool:
    """Whether the same call may succeed a little later."""
    if isinstance(error, Busy | NoConnection) or is_locked(error):
        return True
    if isinstance(error, DBAPIError):
        return error.connection_invalidated or _lost(error.orig)
    return _lost(error)


def ends_transaction(db: Connection, error: BaseException) -> bool:
    """Whether nothing can go on in the transaction, though only a part of it failed, which was a savepoint.

    SQLite ends the whole of it when it finds no room or no memory, or cannot read or write its file; what was written
    after that would be by itself.
    """
    if will_pass(error) or is_full(error):
        return True
    driver: Any = db.connection.driver_connection
    return db.dialect.name == "sqlite" and not driver.in_transaction


def first_failure(error: BaseException) -> BaseException:
    """What went wrong in a transaction whose end said only that statements after the first failure were not run."""
    found: BaseException | None = error
    while found is not None:
        original = found.orig if isinstance(found, DBAPIError) else found
        if original is None or _ABORTED not in _names(original):
            return found
        found = original.__context__ or found.__context__
    return error


def _names(error: BaseException) -> set[str]:
    return {f"{kind.__module__}.{kind.__name__}" for kind in type(error).__mro__}


def _lost(error: BaseException | None) -> bool:
    """Whether psycopg (which is not imported for this) had no connection, or lost it, or waited for a lock in vain.

    What a server still says has an SQLSTATE; without one, it said nothing.
    """
    names = _names(error) if error is not None else set[str]()
    if "psycopg.Error" not in names or _ABORTED in names:
        return False
    state: str | None = getattr(error, "sqlstate", None)
    if state is None:
        return "psycopg.OperationalError" in names
    return state.startswith(_PASSING)
