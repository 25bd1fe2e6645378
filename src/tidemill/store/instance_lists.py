"""Task and workflow instances as the API lists them."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, case, func, not_, or_, select, text

from tidemill.store.instances import visible
from tidemill.store.pages import AnyRow, Page, contains, page, tagged
from tidemill.store.tables import (
    event,
    run,
    task_instance,
    task_version,
    workflow,
    workflow_instance,
    workflow_version,
)

t = task_instance.c
w = workflow_instance.c
v = task_version.c
r = run.c

_entry = task_instance.alias("entry")
_entry_pending = select(_entry.c.pending_upstreams).where(_entry.c.id == t.representative_id).scalar_subquery()


def wire_status(now: int) -> ColumnElement[str]:
    """The status as the API shows it: WaitTime is derived (engine 8)."""
    return case((_waits_for_time(now), "WaitTime"), else_=t.status)


def _waits_for_time(now: int) -> ColumnElement[bool]:
    """Nothing but the time is waited for, be it through the entry of the workflow instance."""
    through_entry = and_(t.pending_upstreams == 1, t.waits_entry == 1, _entry_pending == 0)
    return and_(t.status == "NotRun", t.frozen == 0, t.due_time > now, or_(t.pending_upstreams == 0, through_entry))


_recurrence = case((t.frozen == 1, "Pause"), (t.unchosen == 1, "ConditionUnchoose"), else_=t.recurrence)


def has_status(status: str, now: int) -> ColumnElement[bool]:
    if status == "WaitTime":
        return _waits_for_time(now)
    if status == "NotRun":
        return and_(t.status == "NotRun", not_(_waits_for_time(now)))
    return t.status == status


@dataclass(frozen=True, slots=True)
class TaskInstanceFilter:
    """What ListTaskInstances filters by; None and empty mean any. Times are epoch milliseconds, ranges closed."""

    project_id: int
    env: str
    bizdate: str | None = None
    ids: Collection[int] = ()
    task_ids: Collection[int] = ()
    task_name: str | None = None
    task_type: str | None = None
    owner: str | None = None
    resource_group_id: str | None = None
    status: str | None = None
    trigger_type: str | None = None
    recurrence: str | None = None
    workflow_id: int | None = None
    workflow_instance_id: int | None = None
    workflow_instance_type: str | None = None
    unified_workflow_instance_id: int | None = None
    times: Sequence[tuple[str, int | None, int | None]] = ()  # (column, from, to)


def task_instances(now: int) -> Select[*tuple[Any, ...]]:
    """Task instances joined with the definition that each was made from."""
    return (
        select(
            *(column for column in t if column.name != "status"),
            wire_status(now).label("status"),
            v.name.label("task_name"),
            v.type.label("task_type"),
            v.owner.label("owner"),
            v.definition.label("definition"),
            v.script.label("script"),
            w.type.label("workflow_instance_type"),
            w.unified_id.label("unified_workflow_instance_id"),
            func.coalesce(workflow_version.c.name, workflow.c.name).label("workflow_name"),
            r.runner.label("gateway"),
            r.process_id.label("process_id"),
            r.log.label("log"),
        )
        .select_from(
            task_instance.join(workflow_instance, w.id == t.workflow_instance_id)
            .join(task_version, (v.task_id == t.task_id) & (v.env == t.env) & (v.version == t.task_version))
            .outerjoin(
                workflow_version,
                (workflow_version.c.workflow_id == w.workflow_id)
                & (workflow_version.c.env == w.env)
                & (workflow_version.c.version == w.workflow_version),
            )
            .outerjoin(workflow, (workflow.c.id == t.workflow_id) & (workflow.c.env == t.env))
            .outerjoin(run, (r.instance_id == t.id) & (r.run_number == t.run_number))
        )
        .where(t.kind == "Task", visible)
    )


def list_task_instances(db: Connection, now: int, wanted: TaskInstanceFilter, order: Page) -> tuple[list[AnyRow], int]:
    return page(db, task_instances(now).where(*_conditions(wanted, now)), order)


def find_task_instance(db: Connection, now: int, id: int) -> AnyRow | None:
    return db.execute(task_instances(now).where(t.id == id)).one_or_none()


def runs_of(db: Connection, id: int) -> list[AnyRow]:
    """Every run of an instance that has a row, in the order of run numbers."""
    return list(db.execute(select(run).where(r.instance_id == id).order_by(r.run_number)))


def _conditions(wanted: TaskInstanceFilter, now: int) -> list[ColumnElement[bool]]:
    manual = w.type.in_(("ManualWorkflow", "Manual"))
    asked: list[tuple[Any, ColumnElement[bool] | None]] = [
        (True, t.project_id == wanted.project_id),
        (True, t.env == wanted.env),
        (wanted.bizdate, t.bizdate == wanted.bizdate),
        (wanted.ids, t.id.in_(list(wanted.ids))),
        (wanted.task_ids, t.task_id.in_(list(wanted.task_ids))),
        (wanted.task_name, contains(v.name, wanted.task_name or "")),
        (wanted.task_type, v.type == wanted.task_type),
        (wanted.owner, v.owner == wanted.owner),
        (wanted.resource_group_id, t.resource_group_id == wanted.resource_group_id),
        (wanted.status, has_status(wanted.status or "", now)),
        (wanted.trigger_type, manual if wanted.trigger_type == "Manual" else not_(manual)),
        (wanted.recurrence, _recurrence == wanted.recurrence),
        (wanted.workflow_id, t.workflow_id == wanted.workflow_id),
        (wanted.workflow_instance_id, t.workflow_instance_id == wanted.workflow_instance_id),
        (wanted.workflow_instance_type, w.type == wanted.workflow_instance_type),
        (wanted.unified_workflow_instance_id, w.unified_id == wanted.unified_workflow_instance_id),
    ]
    conditions = [condition for given, condition in asked if given and condition is not None]
    for name, start, end in wanted.times:
        conditions += [t[name] >= start] if start is not None else []
        conditions += [t[name] <= end] if end is not None else []
    return conditions


@dataclass(frozen=True, slots=True)
class WorkflowInstanceFilter:
    """What ListWorkflowInstances filters by; None and empty mean any."""

    project_id: int
    env: str
    bizdate: str | None = None
    ids: Collection[int] = ()
    name: str | None = None
    owner: str | None = None
    tags: tuple[str, ...] = ()
    type: str | None = None
    unified_id: int | None = None
    workflow_id: int | None = None
    status: str | None = None
    executed_on: tuple[int, int] | None = None  # started within [from, to)


def workflow_instances(now: int) -> Select[*tuple[Any, ...]]:
    """Workflow instances with the status and times of the task instance that represents each."""
    return (
        select(
            *(column for column in w),
            wire_status(now).label("status"),
            t.started_time,
            t.finished_time,
        )
        .select_from(workflow_instance.join(task_instance, t.id == w.task_instance_id))
        .where(visible)
    )


def list_workflow_instances(
    db: Connection, now: int, wanted: WorkflowInstanceFilter, order: Page
) -> tuple[list[AnyRow], int]:
    asked: list[tuple[Any, ColumnElement[bool] | None]] = [
        (True, w.project_id == wanted.project_id),
        (True, w.env == wanted.env),
        (wanted.bizdate, w.bizdate == wanted.bizdate),
        (wanted.ids, w.id.in_(list(wanted.ids))),
        (wanted.name, contains(w.name, wanted.name or "")),
        (wanted.owner, w.owner == wanted.owner),
        (wanted.tags, tagged("WorkflowInstance", w.id, w.env, wanted.tags) if wanted.tags else None),
        (wanted.type, w.type == wanted.type),
        (wanted.unified_id, w.unified_id == wanted.unified_id),
        (wanted.workflow_id, w.workflow_id == wanted.workflow_id),
        (wanted.status, has_status(wanted.status or "", now)),
        (wanted.executed_on, t.started_time.between(*(wanted.executed_on or (0, 0)))),
    ]
    conditions = [condition for given, condition in asked if given and condition is not None]
    return page(db, workflow_instances(now).where(*conditions), order)


def find_workflow_instance(db: Connection, now: int, id: int) -> AnyRow | None:
    return db.execute(workflow_instances(now).where(w.id == id)).one_or_none()


def deeds_on(db: Connection, id: int, first: int, end: int, order: Page) -> tuple[list[AnyRow], int]:
    """What people did to an instance from `first` until before `end` (epoch milliseconds)."""
    c = event.c
    return page(db, select(event).where(c.instance_id == id, c.user.is_not(None), c.time >= first, c.time < end), order)


def made_by(db: Connection, operation_id: int) -> list[AnyRow]:
    """The workflow instances that an operation made, in the order of their making."""
    return list(
        db.execute(
            select(w.id, w.task_instance_id, w.unified_id)
            .where(w.origin == operation_id, w.origin > text("0"))
            .order_by(w.id)
        )
    )


def projects_of(db: Connection, ids: Collection[int], *, workflows: bool) -> dict[int, int]:
    """id: project, of those of these instances that exist."""
    if workflows:
        chosen = select(w.id, w.project_id).where(w.id.in_(list(ids)))
    else:
        chosen = select(t.id, t.project_id).where(t.id.in_(list(ids)), visible)
    return {row[0]: row[1] for row in db.execute(chosen)}
