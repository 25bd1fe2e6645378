"""Nonces of writing actions, kept in the database so that a restart forgets none."""

from sqlalchemy import Connection, delete, insert, select

from tidemill.store.statements import Statement, bindparam
from tidemill.store.tables import nonce

n = nonce.c
_add = Statement(
    insert(nonce).values(access_key_id=bindparam("access_key_id"), nonce=bindparam("nonce"), time=bindparam("time"))
)


def add(db: Connection, access_key_id: str, value: str, time: int) -> None:
    _add(db, access_key_id=access_key_id, nonce=value, time=time)


def since(db: Connection, time: int) -> list[tuple[str, str, int]]:
    """(key, nonce, time) of those not older than `time`."""
    rows = db.execute(select(n.access_key_id, n.nonce, n.time).where(n.time >= time))
    return [(row[0], row[1], row[2]) for row in rows]


def purge(db: Connection, before: int) -> None:
    db.execute(delete(nonce).where(n.time < before))
