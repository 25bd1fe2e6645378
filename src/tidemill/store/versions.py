"""Definitions at a version: immutable rows, so what was loaded once is kept."""

import json
from collections.abc import Iterable
from typing import NamedTuple
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, Engine, String, select

from tidemill.domain.definitions import Task, TaskAt, Workflow, WorkflowAt
from tidemill.store.statements import BigInteger, Statement, as_rows, given
from tidemill.store.tables import task_version, workflow_version

w = workflow_version.c
v = task_version.c
_KEPT = 64  # workflow versions in memory


_wanted = given("rows", ("id", BigInteger), ("env", String), ("version", BigInteger))
_workflows = Statement(
    select(w.workflow_id, w.env, w.version, w.definition, w.tasks, w.links).join_from(
        _wanted,
        workflow_version,
        (w.workflow_id == _wanted.c.id) & (w.env == _wanted.c.env) & (w.version == _wanted.c.version),
    )
)
_asked = given("rows", ("task_id", BigInteger), ("env", String), ("version", BigInteger))
_tasks = Statement(
    select(v.task_id, v.version, v.definition).join_from(
        _asked,
        task_version,
        (v.task_id == _asked.c.task_id) & (v.env == _asked.c.env) & (v.version == _asked.c.version),
    )
)
_kept: WeakKeyDictionary[Engine, dict[tuple[int, str, int], WorkflowAt]] = WeakKeyDictionary()


Key = tuple[int, str, int]  # workflow id, env, version


class Outline(NamedTuple):
    """What edges need of a workflow at a version; `links` are its dependencies as they were resolved, as JSON."""

    id: int
    version: int
    task_ids: tuple[int, ...]
    links: str | None


def outlines_at(db: Connection, keys: Iterable[Key]) -> list[Outline]:
    """Workflows at committed versions, in the order of `keys`; those that never were are left out."""
    listed = list(keys)
    rows = {row[:3]: row for row in _workflows(db, rows=as_rows(listed))}
    return [
        Outline(key[0], key[2], tuple(id for id, _ in json.loads(rows[key][4])), rows[key][5])
        for key in listed
        if key in rows
    ]


def outline(workflow: WorkflowAt) -> Outline:
    return Outline(workflow.id, workflow.version, tuple(task.id for task in workflow.tasks), workflow.links)


def workflow_at(db: Connection, id: int, env: str, version: int) -> WorkflowAt | None:
    """The workflow at a committed version; None if it never was."""
    kept = _kept.setdefault(db.engine, {})
    key = (id, env, version)
    if key not in kept:
        found = workflows_at(db, [key])
        if not found:
            return None
        if len(kept) >= _KEPT:
            kept.pop(next(iter(kept)))
        kept[key] = found[0]
    return kept[key]


def workflows_at(db: Connection, keys: Iterable[Key]) -> list[WorkflowAt]:
    """Workflows at committed versions, in the order of `keys`; those that never were are left out."""
    listed = list(keys)
    rows = {row[:3]: row[3:] for row in _workflows(db, rows=as_rows(listed))}
    orders: dict[Key, list[list[int]]] = {key: json.loads(row[1]) for key, row in rows.items()}
    wanted = [(id, key[1], version) for key, order in orders.items() for id, version in order]
    tasks = {
        (id, version): TaskAt(id, version, Task.model_validate_json(text))
        for id, version, text in _tasks(db, rows=as_rows(wanted))
    }
    return [
        WorkflowAt(
            *key,
            Workflow.model_validate_json(rows[key][0]),
            tuple(tasks[id, version] for id, version in orders[key]),
            rows[key][2],
        )
        for key in listed
        if key in rows
    ]
