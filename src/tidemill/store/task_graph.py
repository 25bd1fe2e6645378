"""Tasks with their same-cycle dependencies, for a run that chooses among those of one workflow, or among all."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import Connection, select

from tidemill.store.statements import BigInteger, Statement, String, among, as_ids, bindparam
from tidemill.store.tables import dependency, project, task, workflow

_env = bindparam("env", type_=String)
_tasks = Statement(select(task.c.id, task.c.workflow_id).where(task.c.env == _env).order_by(task.c.id))
_tasks_of = Statement(
    select(task.c.id, task.c.workflow_id)
    .where(task.c.env == _env, task.c.workflow_id == bindparam("workflow_id", type_=BigInteger))
    .order_by(task.c.id)
)
_all_links = select(dependency.c.downstream_id, dependency.c.upstream_id).where(
    dependency.c.env == _env, dependency.c.type == "Normal", dependency.c.upstream_id.is_not(None)
)
_links = Statement(_all_links)
_links_of = Statement(_all_links.where(among(dependency.c.downstream_id)))
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


def tasks(db: Connection, env: str, workflow_id: int | None = None) -> dict[int, int]:
    """Task: its workflow; of one workflow, if that is named."""
    rows = _tasks(db, env=env) if workflow_id is None else _tasks_of(db, env=env, workflow_id=workflow_id)
    return {row[0]: row[1] for row in rows}


def links(db: Connection, env: str, downstream_ids: Collection[int] | None = None) -> list[tuple[int, int]]:
    """(downstream, upstream) of the same-cycle dependencies, all or of these; each may be a workflow as a whole."""
    rows = _links(db, env=env) if downstream_ids is None else _links_of(db, env=env, ids=as_ids(downstream_ids))
    return [(row[0], row[1]) for row in rows]


def owners(db: Connection, env: str, workflow_ids: Collection[int]) -> dict[int, Owner]:
    rows = _owners(db, env=env, ids=as_ids(workflow_ids))
    return {row[0]: Owner(*row[:4], time_zone=row[5] or row[4], trigger_type=row[6]) for row in rows}
