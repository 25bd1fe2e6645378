"""All tasks of an environment with their same-cycle dependencies, for a run that chooses among all of them."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import Connection, select

from tidemill.store.statements import Statement, String, among, as_ids, bindparam
from tidemill.store.tables import dependency, project, task, workflow

_env = bindparam("env", type_=String)
_tasks = Statement(select(task.c.id, task.c.workflow_id).where(task.c.env == _env).order_by(task.c.id))
_links = Statement(
    select(dependency.c.downstream_id, dependency.c.upstream_id).where(
        dependency.c.env == _env, dependency.c.type == "Normal", dependency.c.upstream_id.is_not(None)
    )
)
_owners = Statement(
    select(workflow.c.id, workflow.c.version, workflow.c.project_id, project.c.name, project.c.time_zone,
           workflow.c.time_zone, workflow.c.trigger_type)
    .join_from(workflow, project, project.c.id == workflow.c.project_id)
    .where(workflow.c.env == _env, among(workflow.c.id))
    .order_by(workflow.c.id)
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Owner:
    """A workflow as a run pins it."""

    workflow_id: int
    version: int
    project_id: int
    project_name: str
    time_zone: str
    trigger_type: str


def tasks(db: Connection, env: str) -> dict[int, int]:
    """Task: its workflow."""
    return {row[0]: row[1] for row in _tasks(db, env=env)}


def links(db: Connection, env: str) -> list[tuple[int, int]]:
    """(downstream, upstream) of every same-cycle dependency; either may be a workflow as a whole."""
    return [(row[0], row[1]) for row in _links(db, env=env)]


def owners(db: Connection, env: str, workflow_ids: Collection[int]) -> dict[int, Owner]:
    rows = _owners(db, env=env, ids=as_ids(workflow_ids))
    return {row[0]: Owner(*row[:4], time_zone=row[5] or row[4], trigger_type=row[6]) for row in rows}
