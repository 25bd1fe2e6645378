"""UseLatestConfig: instances that take their tasks as they are defined now (engine 3)."""

from collections.abc import Collection
from dataclasses import replace
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, bindparam, func, select, update

from tidemill.domain.control.kinds import control_of
from tidemill.domain.definitions import Task
from tidemill.domain.drafts import DRY_RUNS
from tidemill.domain.expressions import Base
from tidemill.domain.instance import SCHEDULER_TRIGGER
from tidemill.domain.parameters import NO_WORKSPACE, Levels, Resolved, Workspace, declare, resolve_levels
from tidemill.store import parameters
from tidemill.store.tables import project, task, task_instance, task_version, workflow

t = task_instance.c
k = task.c


def repin(db: Connection, ids: Collection[int]) -> None:
    """Pin the current version of their tasks to these instances and resolve their parameters anew.

    What a run was given as TaskParameters stays: it wins over every level.
    """
    rows = db.execute(
        select(
            t.id, t.env, t.project_id, t.task_id, t.workflow_id, t.trigger_time, t.bizdate, t.parameters, t.recurrence,
            func.coalesce(workflow.c.time_zone, project.c.time_zone).label("time_zone"),
            k.version, k.type, task_version.c.definition,
        )
        .join_from(task_instance, task, (k.id == t.task_id) & (k.env == t.env))
        .join(task_version, (task_version.c.task_id == k.id) & (task_version.c.env == k.env)
              & (task_version.c.version == k.version))
        .join(project, project.c.id == t.project_id)
        .outerjoin(workflow, (workflow.c.id == t.workflow_id) & (workflow.c.env == t.env))
        .where(t.id.in_(list(ids)))
    ).all()  # fmt: skip
    if rows:
        known = {
            env: parameters.workspaces(db, {row.project_id for row in rows}, env) for env in {row.env for row in rows}
        }
        changed = [_values(row, known[row.env].get(row.project_id, NO_WORKSPACE)) for row in rows]
        db.execute(update(task_instance).where(t.id == bindparam("b_id")), changed)


def _values(row: Any, workspace: Workspace) -> dict[str, Any]:
    definition = Task.model_validate_json(row.definition)
    day, zone = date.fromisoformat(row.bizdate), ZoneInfo(row.time_zone)
    base = Base(row.trigger_time, day, zone, row.workflow_id, row.task_id, row.id)
    script = definition.script
    fresh = resolve_levels(Levels(declare(script.parameters if script else None), workspace=workspace), base)
    stored = Resolved.from_json(row.parameters)
    own = stored.task if stored.overridden else fresh.task
    values = replace(stored, task=own, workspace=fresh.workspace, secrets=fresh.secrets)
    return {
        "b_id": row.id,
        "task_version": row.version,
        "immediate": int(row.recurrence in DRY_RUNS or row.type == "VIRTUAL"),
        "rerun_mode": definition.rerun_mode,
        "rerun_times": definition.rerun_times or 0,
        "rerun_interval": definition.rerun_interval or 0,
        "timeout": definition.timeout or 0,
        "resource_group_id": definition.runtime_resource.resource_group_id,
        "max_parallel": definition.max_parallel_instances or 0,
        "signalled_time": 0 if row.type == SCHEDULER_TRIGGER else None,
        "parameters": values.to_json(),
        "data_source": definition.data_source.name if definition.data_source else None,
        "control": control_of(definition),
    }
