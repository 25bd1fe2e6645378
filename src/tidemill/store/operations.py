"""Operations: creations of instances that go on in the background, one bounded unit after the other."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from tidemill.store.statements import Integer, Statement, bindparam
from tidemill.store.tables import operation

o = operation.c


@dataclass(frozen=True, slots=True)
class Operation:
    """`cursor` units of it are made; `request` is JSON whose shape its kind names."""

    id: int
    kind: str
    request: str
    cursor: int
    message: str | None


_next = Statement(
    select(o.id, o.kind, o.request, o.cursor, o.message)
    .where(o.finished_time.is_(None))
    .order_by(o.cursor > 0, o.id)
    .limit(bindparam("limit", type_=Integer))
)


def unfinished(db: Connection, limit: int) -> list[Operation]:
    """Operations with units to make; those not begun come first, so that a long one keeps nobody waiting."""
    return [Operation(*row) for row in _next(db, limit=limit)]


def add(db: Connection, **values: Any) -> None:
    db.execute(insert(operation).values(**values))


def advance(db: Connection, id: int, cursor: int, message: str | None) -> None:
    """Say how many units are made; `message` names those that could not be."""
    db.execute(update(operation).where(o.id == id).values(cursor=cursor, message=message))


def finish(db: Connection, id: int, now: int, state: str, message: str | None = None) -> None:
    """Say how it ended; from now on what it made is visible."""
    db.execute(update(operation).where(o.id == id).values(state=state, message=message, finished_time=now))


def by_uuid(db: Connection, uuid: str) -> Row[*tuple[Any, ...]] | None:
    return db.execute(select(operation).where(o.uuid == uuid)).one_or_none()


def by_client_token(db: Connection, token: str) -> Row[*tuple[Any, ...]] | None:
    return db.execute(select(operation).where(o.client_token == token)).one_or_none()
