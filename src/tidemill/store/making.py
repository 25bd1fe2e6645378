"""Inserting drafted instances with their edges: nothing on conflict, so that a repeated unit changes nothing (P1)."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Insert, Table, select
from sqlalchemy.dialects import postgresql, sqlite

from tidemill.store.statements import Statement, as_ids, bindparam, given_ids
from tidemill.store.tables import instance_edge, tag, task_instance, workflow_instance

t = task_instance.c
w = workflow_instance.c

_states = Statement(select(t.id, t.status).where(t.id.in_(given_ids())))
_last = Statement(
    select(t.task_id, t.id)
    .where(t.origin == bindparam("origin"), t.bizdate == bindparam("bizdate"), t.kind == "Task")
    .order_by(t.trigger_time)
)
_representative = Statement(
    select(w.task_instance_id).where(w.origin == bindparam("origin"), w.bizdate == bindparam("bizdate"))
)


def _insert(db: Connection, table: Table) -> Insert:
    dialect: Any = sqlite if db.dialect.name == "sqlite" else postgresql
    return dialect.insert(table).on_conflict_do_nothing()


def insert_rows(db: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Add rows that are not there yet; all rows have the same columns."""
    if rows:
        db.execute(_insert(db, table), rows)


def add_workflow_instance(
    db: Connection, workflow: Mapping[str, Any], tasks: Sequence[Mapping[str, Any]], tags: Iterable[tuple[str, str]]
) -> None:
    """A workflow instance with its task instances, its representative among them."""
    insert_rows(db, workflow_instance, [workflow])
    insert_rows(db, task_instance, tasks)
    insert_rows(
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
    )


def add_edges(db: Connection, edges: Sequence[Mapping[str, Any]]) -> None:
    insert_rows(db, instance_edge, edges)


def succeeded(db: Connection, ids: Iterable[int]) -> set[int]:
    """Those of these instances that are Success now: an edge from them is satisfied when it is made."""
    return {row[0] for row in _states(db, ids=as_ids(ids)) if row[1] == "Success"}


def last_instances(db: Connection, origin: int, bizdate: str) -> dict[int, int]:
    """Each task's last instance of a business date of an operation."""
    return {row[0]: row[1] for row in _last(db, origin=origin, bizdate=bizdate)}


def representative_of(db: Connection, origin: int, bizdate: str) -> int | None:
    return _representative(db, origin=origin, bizdate=bizdate).scalar()
