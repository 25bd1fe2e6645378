"""The task instances that represent workflow instances: what their counters say, and whether anything can go on."""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Connection, exists, select

from tidemill.store.statements import Statement, as_ids, given_ids
from tidemill.store.tables import instance_edge, task_instance

t = task_instance.c
_inner = task_instance.alias("inner_instance")
_upstream = task_instance.alias("upstream_instance")


@dataclass(frozen=True, slots=True)
class Counters:
    """`unfinished` inner instances are not Success, `failed` ones are Failure or frozen."""

    id: int
    unfinished: int
    failed: int


_counters = Statement(select(t.id, t.unfinished, t.failed).where(t.id.in_(given_ids())))

_blocked = exists(
    select(1)
    .select_from(instance_edge.join(_upstream, _upstream.c.id == instance_edge.c.upstream_id))
    .where(
        instance_edge.c.downstream_id == _inner.c.id,
        instance_edge.c.satisfied == 0,
        _upstream.c.representative_id == _inner.c.representative_id,
    )
)
# What can proceed waits for nothing inside: it runs, or waits for its time, a slot, or something outside.
_proceeding = Statement(
    select(_inner.c.representative_id)
    .where(
        _inner.c.workflow_instance_id.in_(select(t.workflow_instance_id).where(t.id.in_(given_ids()))),
        _inner.c.kind == "Task",
        _inner.c.finished_time.is_(None),
        _inner.c.frozen == 0,
        ~_blocked,
    )
    .distinct()
)


def counters(db: Connection, ids: Iterable[int]) -> dict[int, Counters]:
    return {row[0]: Counters(*row) for row in _counters(db, ids=as_ids(ids))}


def proceeding(db: Connection, ids: Iterable[int]) -> set[int]:
    """Those of these workflow instances in which something can still go on without a person."""
    return {row[0] for row in _proceeding(db, ids=as_ids(ids))}
