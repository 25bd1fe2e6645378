"""Old workflow instances, with all that belongs to them: read for an archive, then deleted (retention)."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, Connection, Integer, Table, delete, exists, func, or_, select, text

from tidemill.store.statements import Statement, among, as_ids, bindparam
from tidemill.store.tables import (
    WHOLES_ENDED,
    event,
    instance_edge,
    instance_variable,
    iteration,
    run,
    tag,
    task_instance,
    workflow_instance,
)

t = task_instance.c
e = instance_edge.c
w = workflow_instance.c
_inner = task_instance.alias("inner_instance")
_waiting = task_instance.alias("waiting")
_loop = task_instance.alias("loop")

_unfinished_inside = exists(
    select(1).where(_inner.c.workflow_instance_id == t.workflow_instance_id, _inner.c.finished_time.is_(None))
)
_before = bindparam("before", type_=BigInteger)
_needed = exists(
    select(1)
    .select_from(instance_edge.join(_inner, _inner.c.id == e.upstream_id).join(
        _waiting, _waiting.c.id == e.downstream_id))
    .where(
        _inner.c.workflow_instance_id == t.workflow_instance_id,
        or_(_waiting.c.finished_time.is_(None), _waiting.c.finished_time >= _before),
    )
)  # fmt: skip
_turn_of_what_runs = exists(
    select(1)
    .select_from(iteration.join(_loop, _loop.c.id == iteration.c.instance_id))
    .where(
        iteration.c.representative_id == t.id,
        or_(_loop.c.finished_time.is_(None), _loop.c.finished_time >= _before),
    )
)
_size = (
    select(func.count())
    .select_from(_inner)
    .where(_inner.c.workflow_instance_id == t.workflow_instance_id)
    .scalar_subquery()
)
_old = Statement(
    select(t.workflow_instance_id, _size)
    .where(text(WHOLES_ENDED), t.finished_time < _before, ~_unfinished_inside, ~_needed, ~_turn_of_what_runs)
    .order_by(t.finished_time)
    .limit(bindparam("limit", type_=Integer))
)
_members = Statement(select(t.id).where(among(t.workflow_instance_id)))
_there = Statement(select(t.id).where(among(t.id)))

# What belongs to an instance, by the column that names it; edges have two.
_OF_INSTANCES: tuple[tuple[Table, Any], ...] = (
    (instance_edge, or_(among(e.downstream_id), among(e.upstream_id, "same"))),
    (event, among(event.c.instance_id)),
    (run, among(run.c.instance_id)),
    (instance_variable, among(instance_variable.c.instance_id)),
    (iteration, or_(among(iteration.c.instance_id), among(iteration.c.representative_id, "same"))),
    (task_instance, among(t.id)),
)
_OF_WHOLES: tuple[tuple[Table, Any], ...] = (
    (tag, (tag.c.object_kind == "WorkflowInstance") & among(tag.c.object_id)),
    (workflow_instance, among(w.id)),
)
_reads = {table.name: Statement(select(table).where(which)) for table, which in (*_OF_INSTANCES, *_OF_WHOLES)}
_deletes = {table.name: Statement(delete(table).where(which)) for table, which in (*_OF_INSTANCES, *_OF_WHOLES)}


@dataclass(frozen=True, slots=True)
class Old:
    """Workflow instances that may go, with the task instances in them."""

    wholes: tuple[int, ...]
    instances: tuple[int, ...]


def oldest(db: Connection, before: int, most: int) -> Old:
    """Workflow instances that ended before that moment (epoch ms), with about `most` task instances, at least one.

    Not those on which something waits that goes on, or that anything needs which ended later: a rerun reads the
    outputs of its upstreams.
    """
    wholes: list[int] = []
    for whole, size in _old(db, before=before, limit=most):
        if wholes and size > most:
            break
        wholes.append(whole)
        most -= size
    return of(db, wholes)


def of(db: Connection, wholes: Collection[int]) -> Old:
    """These workflow instances with their task instances."""
    return Old(tuple(wholes), tuple(_members(db, ids=as_ids(wholes)).scalars()) if wholes else ())


def there(db: Connection, instances: Collection[int]) -> set[int]:
    """Those of these task instances that the database still holds."""
    return set(_there(db, ids=as_ids(instances)).scalars())


def rows(db: Connection, old: Old) -> dict[str, list[dict[str, Any]]]:
    """Everything that `remove` would delete: table, and its rows."""
    found: dict[str, list[dict[str, Any]]] = {}
    for tables, ids in ((_OF_INSTANCES, old.instances), (_OF_WHOLES, old.wholes)):
        for table, _ in tables:
            names = [column.name for column in table.columns]
            read = _reads[table.name](db, **_bound(table, ids))
            found[table.name] = [dict(zip(names, row, strict=True)) for row in read]
    return found


def remove(db: Connection, old: Old) -> None:
    for tables, ids in ((_OF_INSTANCES, old.instances), (_OF_WHOLES, old.wholes)):
        for table, _ in tables:
            _deletes[table.name](db, **_bound(table, ids))


def _bound(table: Table, ids: Collection[int] | Iterable[int]) -> dict[str, str]:
    listed = as_ids(ids)
    return {"ids": listed, "same": listed} if table in (instance_edge, iteration) else {"ids": listed}
