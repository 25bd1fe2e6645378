"""Inserting drafted instances with their edges: nothing on conflict, so that a repeated unit changes nothing (P1)."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, select, text

from tidemill.store.statements import Statement, among, as_ids, bindparam, insert_many
from tidemill.store.tables import instance_edge, tag, task_instance, workflow_instance

t = task_instance.c
w = workflow_instance.c

_states = Statement(select(t.id, t.status).where(among(t.id)))
_cycles = Statement(
    select(w.workflow_id, w.trigger_time).where(
        w.env == bindparam("env"),
        among(w.workflow_id),
        w.origin == 0,
        w.bizdate == bindparam("bizdate"),
    )
)
_made_on = Statement(
    select(t.task_id, t.trigger_time, t.id)
    .where(
        t.workflow_instance_id.in_(
            select(w.id).where(w.origin == bindparam("origin"), w.origin > text("0"), w.bizdate == bindparam("bizdate"))
        ),
        t.kind == "Task",
    )
    .order_by(t.trigger_time)
)
_representative = Statement(
    select(w.task_instance_id).where(
        w.origin == bindparam("origin"), w.origin > text("0"), w.bizdate == bindparam("bizdate")
    )
)


def add_workflow_instance(
    db: Connection, workflow: Mapping[str, Any], tasks: Sequence[Mapping[str, Any]], tags: Iterable[tuple[str, str]]
) -> None:
    """A workflow instance with its task instances, its representative among them."""
    insert_many(db, workflow_instance, [workflow], keep=True)
    insert_many(db, task_instance, tasks, keep=True)
    insert_many(
        db,
        tag,
        [
            {
                "object_kind": "WorkflowInstance",
                "object_id": workflow["id"],
                "env": workflow["env"],
                "key": k,
                "value": v,
            }
            for k, v in tags
        ],
        keep=True,
    )


def add(
    db: Connection,
    workflows: Sequence[Mapping[str, Any]],
    tasks: Sequence[Mapping[str, Any]],
    edges: Sequence[Mapping[str, Any]],
) -> None:
    """Workflow instances, their task instances, and the edges inside them."""
    insert_many(db, workflow_instance, workflows, keep=True)
    insert_many(db, task_instance, tasks, keep=True)
    insert_many(db, instance_edge, edges, keep=True)


def cycles(db: Connection, env: str, workflow_ids: Iterable[int], bizdate: str) -> set[tuple[int, int]]:
    """(workflow, trigger time) of the periodic workflow instances that a business date has already."""
    return {(row[0], row[1]) for row in _cycles(db, env=env, ids=as_ids(workflow_ids), bizdate=bizdate)}


def add_edges(db: Connection, edges: Sequence[Mapping[str, Any]]) -> None:
    insert_many(db, instance_edge, edges, keep=True)


def succeeded(db: Connection, ids: Iterable[int]) -> set[int]:
    """Those of these instances that are Success now: an edge from them is satisfied when it is made."""
    return {row[0] for row in _states(db, ids=as_ids(ids)) if row[1] == "Success"}


def made_on(db: Connection, origin: int, bizdate: str) -> list[tuple[int, int, int]]:
    """(task, trigger time, id) of the instances that an operation made for a business date."""
    return [(row[0], row[1], row[2]) for row in _made_on(db, origin=origin, bizdate=bizdate)]


def representative_of(db: Connection, origin: int, bizdate: str) -> int | None:
    return _representative(db, origin=origin, bizdate=bizdate).scalar()
