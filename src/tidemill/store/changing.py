"""What operators change of an instance, and where triggers find theirs."""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Connection, String, func, select, update

from tidemill.store.instances import visible
from tidemill.store.statements import BigInteger, Statement, as_rows, bindparam, given, is_of
from tidemill.store.tables import task_instance, task_version

t = task_instance.c
v = task_version.c


@dataclass(frozen=True, slots=True)
class Values:
    """What an instance is to have instead; None leaves a value as it is."""

    id: int
    priority: int | None = None
    resource_group_id: str | None = None
    data_source: str | None = None


_rows = given("rows", ("id", BigInteger), ("priority", BigInteger), ("resource_group_id", String),
              ("data_source", String))  # fmt: skip
_change = Statement(
    update(task_instance)
    .where(t.id == _rows.c.id, is_of(t.id))
    .values({name: func.coalesce(_rows.c[name], t[name]) for name in ("priority", "resource_group_id", "data_source")})
)
_waiting = Statement(
    select(t.id, t.project_id, t.status, t.signalled_time, v.type)
    .join_from(task_instance, task_version, (v.task_id == t.task_id) & (v.env == t.env) & (v.version == t.task_version))
    .where(
        t.env == bindparam("env", type_=String),
        t.task_id == bindparam("task_id", type_=BigInteger),
        t.trigger_time == bindparam("trigger_time", type_=BigInteger),
        t.kind == "Task",
        visible,
    )
    .order_by(t.origin)
)


@dataclass(frozen=True, slots=True)
class Triggered:
    """An instance at a trigger time; `signalled_time` is None for a task that waits for no trigger."""

    id: int
    project_id: int
    status: str
    signalled_time: int | None
    task_type: str


def change(db: Connection, values: Iterable[Values]) -> None:
    rows = [(item.id, item.priority, item.resource_group_id, item.data_source) for item in values]
    if rows:
        _change(db, rows=as_rows(rows))


def at_trigger_time(db: Connection, env: str, task_id: int, trigger_time: int) -> list[Triggered]:
    """A task's instances of one trigger time (epoch milliseconds), the periodic one first."""
    return [Triggered(*row) for row in _waiting(db, env=env, task_id=task_id, trigger_time=trigger_time)]
