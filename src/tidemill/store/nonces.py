"""Nonces of writing actions, kept in the database so that a restart forgets none."""

from sqlalchemy import Connection, delete, insert, select

from tidemill.store.statements import Statement, bindparam
from tidemill.store.tables import nonce

n = nonce.c
_add = Statement(
    insert(nonce).values(access_key_id=bindparam("access_key_id"), nonce=bindparam("nonce"), time=bindparam("time"))
)


_purge = Statement(delete(nonce).where(n.time < bindparam("before")))


def add(db: Connection, access_key_id: str, value: str, time: int, kept_for: int) -> None:
    """Keep a nonce for `kept_for` milliseconds; older ones go."""
    _purge(db, before=time - kept_for)
    _add(db, access_key_id=access_key_id, nonce=value, time=time)


def since(db: Connection, time: int) -> list[tuple[str, str, int]]:
    """(key, nonce, time) of those not older than `time`."""
    rows = db.execute(select(n.access_key_id, n.nonce, n.time).where(n.time >= time))
    return [(row[0], row[1], row[2]) for row in rows]
