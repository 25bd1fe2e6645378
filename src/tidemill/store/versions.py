"""Definitions at a version: immutable rows, so what was loaded once is kept."""

import json
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, Engine, String, select

from tidemill.domain.definitions import Task, TaskAt, Workflow, WorkflowAt
from tidemill.store.statements import BigInteger, Statement, as_rows, bindparam, given
from tidemill.store.tables import task_version, workflow_version

w = workflow_version.c
v = task_version.c
_KEPT = 64  # workflow versions in memory


_workflow = Statement(
    select(w.definition, w.tasks).where(
        w.workflow_id == bindparam("id"), w.env == bindparam("env"), w.version == bindparam("version")
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


def workflow_at(db: Connection, id: int, env: str, version: int) -> WorkflowAt | None:
    """The workflow at a committed version; None if it never was."""
    kept = _kept.setdefault(db.engine, {})
    key = (id, env, version)
    if key not in kept:
        row = _workflow(db, id=id, env=env, version=version).one_or_none()
        if row is None:
            return None
        if len(kept) >= _KEPT:
            kept.pop(next(iter(kept)))
        definition, tasks = row
        kept[key] = WorkflowAt(id, env, version, Workflow.model_validate_json(definition), _load(db, env, tasks))
    return kept[key]


def _load(db: Connection, env: str, listed: str) -> tuple[TaskAt, ...]:
    order: list[list[int]] = json.loads(listed)
    rows = _tasks(db, rows=as_rows((id, env, version) for id, version in order))
    found = {id: TaskAt(id, version, Task.model_validate_json(text)) for id, version, text in rows}
    return tuple(found[id] for id, _ in order)
