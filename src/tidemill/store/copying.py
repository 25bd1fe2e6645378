"""Definitions copied into another, empty database, as if they had always been there: a simulation starts from them."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Select, func, insert, select, update

from tidemill.store.statements import Statement, among, as_ids
from tidemill.store.tables import (
    calendar,
    calendar_project,
    calendar_version,
    dependency,
    id_allocator,
    parameter,
    parameter_version,
    project,
    resource_group,
    run,
    task,
    task_instance,
    task_output,
    task_version,
    workflow,
    workflow_version,
)

_WHOLE = (project, resource_group, workflow, task, task_output, dependency, calendar, calendar_project, parameter)
_ROWS = 5_000
_tasks = Statement(select(task_instance.c.id, task_instance.c.task_id).where(among(task_instance.c.id)))


def copy_definitions(source: Connection, target: Connection) -> None:
    """Copy projects, workflows, tasks, calendars and parameters at their current versions."""
    for table in _WHOLE:
        _copy(source, target, table, select(table))
    w, v = workflow, workflow_version
    current = (v.c.workflow_id == w.c.id) & (v.c.env == w.c.env) & (v.c.version == w.c.version)
    _copy(source, target, v, select(v).join(w, current))
    k, kv = task, task_version
    current = (kv.c.task_id == k.c.id) & (kv.c.env == k.c.env) & (kv.c.version == k.c.version)
    _copy(source, target, kv, select(kv).join(k, current))
    c, cv = calendar, calendar_version
    _copy(source, target, cv, select(cv).join(c, (cv.c.calendar_id == c.c.id) & (cv.c.version == c.c.version)))
    p, pv = parameter, parameter_version
    _copy(source, target, pv, select(pv).join(p, (pv.c.parameter_id == p.c.id) & (pv.c.version == p.c.version)))
    for table in (workflow_version, calendar_version):
        target.execute(update(table).values(create_time=0))
    target.execute(update(id_allocator).values(next=source.execute(select(id_allocator.c.next)).scalar_one()))


def _copy(source: Connection, target: Connection, table: Any, rows: "Select[*tuple[Any, ...]]") -> None:
    target.execute(table.delete())
    for part in source.execute(rows).mappings().partitions(_ROWS):
        target.execute(insert(table), [dict(row) for row in part])


def recorded_durations(db: Connection) -> dict[int, int]:
    """Task: the mean length of its successful runs, in milliseconds."""
    statement = (
        select(task_instance.c.task_id, func.avg(run.c.finished_time - run.c.started_time))
        .join_from(run, task_instance, task_instance.c.id == run.c.instance_id)
        .where(run.c.status == "Success", run.c.outcome == "exited", run.c.finished_time.is_not(None))
        .group_by(task_instance.c.task_id)
    )
    return {row[0]: int(row[1]) for row in db.execute(statement)}


def tasks_of_instances(db: Connection, ids: Sequence[int]) -> dict[int, int]:
    """Instance: its task."""
    return {row[0]: row[1] for row in _tasks(db, ids=as_ids(ids))}
