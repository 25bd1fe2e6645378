"""How a database says that its disk is full."""

import sqlite3

from sqlalchemy.exc import DBAPIError

# The second is what SQLite says when it cannot lengthen the index of its write-ahead log.
_SQLITE = ("SQLITE_FULL", "SQLITE_IOERR_SHMSIZE")
_POSTGRESQL = "53100"


def is_full(error: BaseException) -> bool:
    """Whether an error of a statement will pass when somebody makes room on the database's disk."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    if isinstance(cause, sqlite3.Error):
        return getattr(cause, "sqlite_errorname", "") in _SQLITE
    return getattr(cause, "sqlstate", None) == _POSTGRESQL
