"""Workflows and tasks as defined now: their rows, outputs, dependencies and tags.

`dependency.upstream_id` always holds what a Normal dependency leads to, also when it is addressed by output: whoever
moves an output to another owner moves these ids with it.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, String, delete, insert, select, union_all, update

from tidemill.store.statements import BigInteger, Statement, among, as_ids, as_rows, bindparam, given, insert_many
from tidemill.store.tables import (
    dependency,
    project,
    tag,
    task,
    task_output,
    task_version,
    workflow,
    workflow_version,
)

w = workflow.c
k = task.c
v = task_version.c
d = dependency.c

AnyRow = Row[*tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class StoredTask:
    """A task of a workflow as it stands; `definition` is JSON without the script's content."""

    id: int
    version: int
    name: str
    client_unique_code: str
    definition: str
    script: str | None
    create_time: int
    create_user: str | None


@dataclass(frozen=True, slots=True)
class Dependant:
    """Something that waits for something else."""

    downstream_kind: str
    downstream_id: int
    upstream_id: int
    upstream_output: str | None


_find_workflow = select(workflow).where(w.id == bindparam("id"), w.env == bindparam("env"))
_names = given("rows", ("text", String))
_owned = Statement(
    select(task_output.c.output, task_output.c.owner_kind, task_output.c.owner_id).where(
        task_output.c.env == bindparam("env"), task_output.c.output.in_(select(_names.c.text))
    )
)
_tasks = Statement(
    select(k.id, k.version, k.name, k.client_unique_code, v.definition, v.script, k.create_time, k.create_user)
    .join_from(task, task_version, (v.task_id == k.id) & (v.env == k.env) & (v.version == k.version))
    .where(k.workflow_id == bindparam("workflow_id"), k.env == bindparam("env"))
    .order_by(k.id)
)
_triggers = Statement(
    union_all(
        select(k.id, k.trigger_type, k.workflow_id).where(k.env == bindparam("env"), among(k.id)),
        select(w.id, w.trigger_type, w.id).where(w.env == bindparam("env"), among(w.id)),
    )
)
_named = Statement(
    union_all(
        select(project.c.name, k.name, k.id)
        .join_from(task, project, project.c.id == k.project_id)
        .where(k.env == bindparam("env"), k.name.in_(select(_names.c.text))),
        select(project.c.name, w.name, w.id)
        .join_from(workflow, project, project.c.id == w.project_id)
        .where(w.env == bindparam("env"), w.name.in_(select(_names.c.text))),
    )
)
_dependants = Statement(
    select(d.downstream_kind, d.downstream_id, d.upstream_id, d.upstream_output)
    .where(d.env == bindparam("env"), among(d.upstream_id))
    .order_by(d.downstream_id)
)
_upstream = Statement(
    select(d.downstream_id, d.upstream_id).where(d.env == bindparam("env"), d.type == "Normal", among(d.downstream_id))
)
_inner = Statement(select(k.workflow_id, k.id).where(k.env == bindparam("env"), among(k.workflow_id)))
_codes = Statement(
    select(k.client_unique_code, k.id, k.workflow_id).where(
        k.env == bindparam("env"), k.client_unique_code.in_(select(_names.c.text))
    )
)
_moved = given("rows", ("output", String), ("owner_id", BigInteger))
_outputs = given("same", ("output", String))
_move_outputs = Statement(
    update(dependency)
    .where(  # the IN makes SQLite look the outputs up instead of reading every dependency
        d.env == bindparam("env"),
        d.upstream_output.in_(select(_outputs.c.output)),
        d.upstream_output == _moved.c.output,
        d.type == "Normal",
    )
    .values(upstream_id=_moved.c.owner_id)
)


_rewrite_task = Statement(
    update(task)
    .where(k.id == bindparam("b_id"), k.env == bindparam("b_env"))
    .values({column.name: bindparam(column.name) for column in task.c if column.name not in ("id", "env")})
)


def find_workflow(db: Connection, id: int, env: str) -> AnyRow | None:
    return db.execute(_find_workflow, {"id": id, "env": env}).one_or_none()


def workflow_envs(db: Connection, id: int) -> list[str]:
    """The environments in which a workflow of this id exists."""
    return list(db.execute(select(w.env).where(w.id == id).order_by(w.env)).scalars())


def workflow_by_code(db: Connection, code: str, env: str) -> AnyRow | None:
    return db.execute(select(workflow).where(w.client_unique_code == code, w.env == env)).one_or_none()


def tasks_of(db: Connection, workflow_id: int, env: str) -> list[StoredTask]:
    """The tasks of a workflow, in id order."""
    return [StoredTask(*row) for row in _tasks(db, workflow_id=workflow_id, env=env)]


def tasks_by_code(db: Connection, env: str, codes: Iterable[str]) -> dict[str, tuple[int, int]]:
    """client unique code: (task id, workflow id)."""
    return {row[0]: (row[1], row[2]) for row in _codes(db, env=env, rows=as_rows([code] for code in codes))}


def output_owners(db: Connection, env: str, outputs: Iterable[str]) -> dict[str, int]:
    """Who declares these outputs now."""
    return {row[0]: row[2] for row in _owned(db, env=env, rows=as_rows([output] for output in outputs))}


def outputs_of(db: Connection, env: str, ids: Iterable[int]) -> dict[str, int]:
    """The declared outputs of these tasks and workflows, with their owners."""
    o = task_output.c
    rows = db.execute(select(o.output, o.owner_id).where(o.env == env, o.owner_id.in_(list(ids))))
    return {row[0]: row[1] for row in rows}


def triggers(db: Connection, env: str, ids: Iterable[int]) -> dict[int, tuple[str, int]]:
    """id: (trigger type, workflow id) of those of these ids that are a task or a workflow."""
    return {row[0]: (row[1], row[2]) for row in _triggers(db, env=env, ids=as_ids(ids))}


def by_name(db: Connection, env: str, names: Iterable[str]) -> dict[tuple[str, str], list[int]]:
    """(project name, name): the ids of the tasks and workflows so called."""
    found: dict[tuple[str, str], list[int]] = {}
    for project_name, name, id in _named(db, env=env, rows=as_rows([name] for name in names)):
        found.setdefault((project_name, name), []).append(id)
    return found


def dependants(db: Connection, env: str, ids: Iterable[int]) -> list[Dependant]:
    """All that depends on these tasks or workflows, in any way."""
    return [Dependant(*row) for row in _dependants(db, env=env, ids=as_ids(ids))]


def same_cycle_upstreams(db: Connection, env: str, ids: Collection[int]) -> list[tuple[int, int]]:
    """(downstream, upstream) of the Normal dependencies of these ids."""
    return [(row[0], row[1]) for row in _upstream(db, env=env, ids=as_ids(ids)) if row[1] is not None]


def inner_tasks(db: Connection, env: str, workflow_ids: Collection[int]) -> list[tuple[int, int]]:
    """(workflow, task) of the tasks inside these workflows."""
    return [(row[0], row[1]) for row in _inner(db, env=env, ids=as_ids(workflow_ids))] if workflow_ids else []


def clear(db: Connection, env: str, ids: Collection[int]) -> None:
    """Take away outputs, dependencies and tags of these tasks and workflows, before what replaces them comes."""
    chosen = list(ids)
    db.execute(delete(task_output).where(task_output.c.env == env, task_output.c.owner_id.in_(chosen)))
    db.execute(delete(dependency).where(d.env == env, d.downstream_id.in_(chosen)))
    db.execute(
        delete(tag).where(tag.c.env == env, tag.c.object_id.in_(chosen), tag.c.object_kind.in_(("Task", "Workflow")))
    )


def delete_tasks(db: Connection, env: str, ids: Collection[int]) -> None:
    """Take away tasks; their versions stay, for the instances made from them."""
    clear(db, env, ids)
    db.execute(delete(task).where(k.env == env, k.id.in_(list(ids))))


def delete_workflow(db: Connection, env: str, id: int) -> None:
    clear(db, env, [id])
    db.execute(delete(workflow).where(w.env == env, w.id == id))


def move_outputs(db: Connection, env: str, owners: Mapping[str, int]) -> None:
    """Point the dependencies on these outputs at their new owners."""
    if owners:
        rows = as_rows(owners.items())
        _move_outputs(db, env=env, rows=rows, same=rows)


def put_workflow(db: Connection, values: Mapping[str, Any], *, new: bool) -> None:
    if new:
        db.execute(insert(workflow).values(**values))
    else:
        db.execute(update(workflow).where(w.id == values["id"], w.env == values["env"]).values(**values))


def put_tasks(db: Connection, rows: Sequence[Mapping[str, Any]], existing: Collection[int]) -> None:
    """Insert the new tasks and rewrite the existing ones; versions are added by the caller."""
    insert_many(db, task, [row for row in rows if row["id"] not in existing])
    changed = [{"b_id": row["id"], "b_env": row["env"], **row} for row in rows if row["id"] in existing]
    if changed:
        _rewrite_task.many(db, changed)


def add_workflow_version(db: Connection, **values: Any) -> None:
    db.execute(insert(workflow_version).values(**values))


def is_version(db: Connection, id: int, env: str, version: int, definition: str, tasks: str) -> bool:
    """Whether a workflow's version says exactly this."""
    wv = workflow_version.c
    row = db.execute(
        select(wv.definition, wv.tasks).where(wv.workflow_id == id, wv.env == env, wv.version == version)
    ).one()
    return tuple(row) == (definition, tasks)
