"""Which manual runs, and which instances in them, a rerun is about."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, false, or_, select

from tidemill.store.instance_lists import has_status
from tidemill.store.instances import visible
from tidemill.store.pages import contains
from tidemill.store.statements import Statement, among, as_ids
from tidemill.store.tables import instance_edge, task_instance, task_version, workflow_instance

t = task_instance.c
e = instance_edge.c
w = workflow_instance.c
v = task_version.c


@dataclass(frozen=True, slots=True)
class RunFilter:
    """Manual runs of a workflow; None and empty mean any. `created` is a closed range of epoch milliseconds."""

    project_id: int
    env: str
    workflow_id: int
    ids: Collection[int] = ()
    name: str | None = None
    status: str | None = None
    bizdate: str | None = None
    created: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class InnerFilter:
    """Task instances inside the runs; None and empty mean any."""

    task_ids: Collection[int] = ()
    task_name: str | None = None
    task_types: Collection[str] = ()
    statuses: Collection[str] = ()


_edges = Statement(
    select(e.upstream_id, e.downstream_id)
    .join_from(instance_edge, task_instance, t.id == e.downstream_id)
    .where(among(t.workflow_instance_id), t.kind == "Task")
)


def runs(db: Connection, now: int, wanted: RunFilter) -> list[int]:
    """The workflow instances of the runs, oldest first."""
    asked: list[tuple[Any, ColumnElement[bool]]] = [
        (True, w.project_id == wanted.project_id),
        (True, w.env == wanted.env),
        (True, w.workflow_id == wanted.workflow_id),
        (True, w.type == "ManualWorkflow"),
        (True, visible),
        (wanted.ids, w.id.in_(list(wanted.ids))),
        (wanted.name, contains(w.name, wanted.name or "")),
        (wanted.status, has_status(wanted.status or "", now)),
        (wanted.bizdate, w.bizdate == wanted.bizdate),
        (wanted.created, w.create_time.between(*(wanted.created or (0, 0)))),
    ]
    statement = select(w.id).join_from(workflow_instance, task_instance, t.id == w.task_instance_id).order_by(w.id)
    return list(db.execute(statement.where(*(condition for given, condition in asked if given))).scalars())


def matching(db: Connection, now: int, workflow_instance_ids: Collection[int], wanted: InnerFilter) -> list[int]:
    """The task instances in these workflow instances that the filter means."""
    return list(db.execute(_inside(now, workflow_instance_ids, wanted).order_by(t.id)).scalars())


def any_matching(db: Connection, now: int, workflow_instance_ids: Collection[int], wanted: InnerFilter) -> bool:
    return db.execute(_inside(now, workflow_instance_ids, wanted).limit(1)).first() is not None


def _inside(now: int, workflow_instance_ids: Collection[int], wanted: InnerFilter) -> Select[int]:
    asked: list[tuple[Any, ColumnElement[bool]]] = [
        (wanted.task_ids, t.task_id.in_(list(wanted.task_ids))),
        (wanted.task_name, contains(v.name, wanted.task_name or "")),
        (wanted.task_types, v.type.in_(list(wanted.task_types))),
        (wanted.statuses, or_(false(), *(has_status(status, now) for status in wanted.statuses))),
    ]
    conditions = [condition for given, condition in asked if given]
    return (
        select(t.id)
        .join_from(
            task_instance, task_version, (v.task_id == t.task_id) & (v.env == t.env) & (v.version == t.task_version)
        )
        .where(t.workflow_instance_id.in_(list(workflow_instance_ids)), t.kind == "Task", *conditions)
    )


def downstreams(db: Connection, workflow_instance_id: int) -> dict[int, list[int]]:
    """Each instance's direct downstream, of those whose downstream is in this workflow instance."""
    found: dict[int, list[int]] = {}
    for upstream, downstream in _edges(db, ids=as_ids([workflow_instance_id])):
        found.setdefault(upstream, []).append(downstream)
    return found
