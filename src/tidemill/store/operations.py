"""Operations: creations of instances that go on in the background, one bounded unit after the other."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, or_, select, update

from tidemill.store.statements import Statement, bindparam, insert_many
from tidemill.store.tables import operation

o = operation.c


@dataclass(frozen=True, slots=True)
class Operation:
    """`cursor` units of it are made; `request` is JSON whose shape its kind names; `create_time` is epoch ms."""

    id: int
    kind: str
    request: str
    cursor: int
    message: str | None
    create_time: int


PLANNING = "Planning"
RERUN = "RerunWorkflowInstances"
CREATION = "CreateWorkflowInstances"
_earlier = operation.alias("earlier")
_fields = (o.id, o.kind, o.request, o.cursor, o.message, o.create_time)
_next = Statement(
    select(*_fields)
    .where(
        o.finished_time.is_(None),
        or_(
            o.kind != PLANNING,
            ~select(1)
            .where(_earlier.c.finished_time.is_(None), _earlier.c.kind == PLANNING, _earlier.c.id < o.id)
            .exists(),
        ),
    )
    .order_by(o.cursor > 0, o.id)
    .limit(1)
)
_of_id = update(operation).where(o.id == bindparam("operation_id"))
_advance = Statement(_of_id.values(cursor=bindparam("cursor"), message=bindparam("message")))
_finish = Statement(
    _of_id.values(state=bindparam("state"), message=bindparam("message"), finished_time=bindparam("now"))
)
_plannings = Statement(select(*_fields).where(o.finished_time.is_(None), o.kind == PLANNING).order_by(o.id))


def next_unfinished(db: Connection) -> Operation | None:
    """The operation whose next unit is to be made.

    Those not begun come first, so that a long one keeps nobody waiting; but dates are planned one after the other,
    for a date's edges lead to the instances of the date before.
    """
    row = _next(db).one_or_none()
    return None if row is None else Operation(*row)


def planning_in_progress(db: Connection) -> list[Operation]:
    """The plannings that are not whole yet, oldest first."""
    return [Operation(*row) for row in _plannings(db)]


def change_request(db: Connection, id: int, request: str) -> None:
    db.execute(update(operation).where(o.id == id).values(request=request))


def add(db: Connection, **values: Any) -> None:
    insert_many(db, operation, [values])


def advance(db: Connection, id: int, cursor: int, message: str | None) -> None:
    """Say how many units are made; `message` names those that could not be."""
    _advance(db, operation_id=id, cursor=cursor, message=message)


def finish(db: Connection, id: int, now: int, state: str, message: str | None = None) -> None:
    """Say how it ended; from now on what it made is visible."""
    _finish(db, operation_id=id, state=state, message=message, now=now)


def by_uuid(db: Connection, uuid: str) -> Row[*tuple[Any, ...]] | None:
    return db.execute(select(operation).where(o.uuid == uuid)).one_or_none()


def by_client_token(db: Connection, token: str) -> Row[*tuple[Any, ...]] | None:
    return db.execute(select(operation).where(o.client_token == token)).one_or_none()
