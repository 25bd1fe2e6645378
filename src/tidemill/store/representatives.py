"""The task instances that represent workflow instances: whether anything inside can go on."""

from collections.abc import Iterable

from sqlalchemy import Connection, exists, select

from tidemill.store.statements import Statement, among, as_ids
from tidemill.store.tables import instance_edge, task_instance

t = task_instance.c
_inner = task_instance.alias("inner_instance")
_upstream = task_instance.alias("upstream_instance")


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
        _inner.c.workflow_instance_id.in_(select(t.workflow_instance_id).where(among(t.id))),
        _inner.c.kind == "Task",
        _inner.c.finished_time.is_(None),
        _inner.c.frozen == 0,
        ~_blocked,
    )
    .distinct()
)


def proceeding(db: Connection, ids: Iterable[int]) -> set[int]:
    """Those of these workflow instances in which something can still go on without a person."""
    return {row[0] for row in _proceeding(db, ids=as_ids(ids))}
