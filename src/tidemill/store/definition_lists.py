"""Workflows and tasks as the API lists them."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, bindparam, select

from tidemill.domain.definitions import Task
from tidemill.store.pages import AnyRow, Page, contains, page, tagged
from tidemill.store.tables import task, task_version, workflow

w = workflow.c
k = task.c
v = task_version.c


@dataclass(frozen=True, slots=True)
class TaskRow:
    """A task's row with its current definition; `row` has the script's content and its workflow's trigger too."""

    row: AnyRow
    definition: Task


@dataclass(frozen=True, slots=True)
class WorkflowFilter:
    """What ListWorkflows filters by; None and empty mean any."""

    project_id: int
    env: str
    ids: Collection[int] = ()
    name: str | None = None
    owner: str | None = None
    tags: tuple[str, ...] = ()
    trigger_type: str | None = None


@dataclass(frozen=True, slots=True)
class TaskFilter:
    """What ListTasks filters by; None and empty mean any."""

    project_id: int
    env: str
    ids: Collection[int] = ()
    name: str | None = None
    owner: str | None = None
    resource_group_id: str | None = None
    type: str | None = None
    trigger_type: str | None = None
    recurrence: str | None = None
    workflow_id: int | None = None


def given(asked: Iterable[tuple[Any, ColumnElement[bool] | None]]) -> list[ColumnElement[bool]]:
    """The conditions whose value was given."""
    return [condition for value, condition in asked if value and condition is not None]


def list_workflows(db: Connection, wanted: WorkflowFilter, order: Page) -> tuple[list[AnyRow], int]:
    conditions = given(
        [
            (True, w.project_id == wanted.project_id),
            (True, w.env == wanted.env),
            (wanted.ids, w.id.in_(list(wanted.ids))),
            (wanted.name, contains(w.name, wanted.name or "")),
            (wanted.owner, w.owner == wanted.owner),
            (wanted.tags, tagged("Workflow", w.id, w.env, wanted.tags) if wanted.tags else None),
            (wanted.trigger_type, w.trigger_type == wanted.trigger_type),
        ]
    )
    return page(db, select(*w).where(*conditions), order)


_tasks = select(*k, v.definition, v.script, w.cron, w.start_time, w.end_time, w.instance_mode).select_from(
    task.join(task_version, (v.task_id == k.id) & (v.env == k.env) & (v.version == k.version)).outerjoin(
        workflow, (w.id == k.workflow_id) & (w.env == k.env)
    )
)
_find_task = _tasks.where(k.id == bindparam("id"), k.env == bindparam("env"))
_tasks_of = _tasks.where(k.workflow_id == bindparam("id"), k.env == bindparam("env")).order_by(k.id)


def _row(row: AnyRow) -> TaskRow:
    return TaskRow(row, Task.model_validate_json(row.definition))


def list_tasks(db: Connection, wanted: TaskFilter, order: Page) -> tuple[list[TaskRow], int]:
    conditions = given(
        [
            (True, k.project_id == wanted.project_id),
            (True, k.env == wanted.env),
            (wanted.ids, k.id.in_(list(wanted.ids))),
            (wanted.name, contains(k.name, wanted.name or "")),
            (wanted.owner, k.owner == wanted.owner),
            (wanted.resource_group_id, k.resource_group_id == wanted.resource_group_id),
            (wanted.type, k.type == wanted.type),
            (wanted.trigger_type, k.trigger_type == wanted.trigger_type),
            (wanted.recurrence, k.recurrence == wanted.recurrence),
            (wanted.workflow_id, k.workflow_id == wanted.workflow_id),
        ]
    )
    rows, total = page(db, _tasks.where(*conditions), order)
    return [_row(row) for row in rows], total


def find_task(db: Connection, id: int, env: str) -> TaskRow | None:
    row = db.execute(_find_task, {"id": id, "env": env}).one_or_none()
    return None if row is None else _row(row)


def task_envs(db: Connection, id: int) -> list[str]:
    """The environments in which a task of this id exists."""
    return list(db.execute(select(k.env).where(k.id == id).order_by(k.env)).scalars())


def tasks_of(db: Connection, workflow_id: int, env: str) -> list[TaskRow]:
    """The tasks of a workflow, in id order."""
    return [_row(row) for row in db.execute(_tasks_of, {"id": workflow_id, "env": env})]
