"""Variables that instances handed out, and what it takes to compute others: definitions and direct upstreams."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, delete, func, select

from tidemill.domain.definitions import Outputs, Task
from tidemill.domain.drafts import default_outputs
from tidemill.domain.variables import Value, from_json, to_json
from tidemill.store.statements import Statement, among, as_ids, insert_many
from tidemill.store.tables import instance_edge, instance_variable, project, run, task_instance, task_version, workflow

t = task_instance.c
e = instance_edge.c
v = task_version.c
i = instance_variable.c
r = run.c

_version = (v.task_id == t.task_id) & (v.env == t.env) & (v.version == t.task_version)
_subjects = Statement(
    select(
        t.id, t.task_id, t.workflow_id, t.bizdate, t.trigger_time, t.parameters, v.definition,
        func.coalesce(v.script, ""), func.coalesce(workflow.c.time_zone, project.c.time_zone), r.log,
    )
    .join_from(task_instance, task_version, _version)
    .join(project, project.c.id == t.project_id)
    .outerjoin(workflow, (workflow.c.id == t.workflow_id) & (workflow.c.env == t.env))
    .outerjoin(run, (r.instance_id == t.id) & (r.run_number == t.run_number))
    .where(among(t.id))
)  # fmt: skip
_upstreams = Statement(
    select(e.downstream_id, t.id, t.status, t.unchosen, t.task_id, project.c.name, v.name, v.definition)
    .join_from(instance_edge, task_instance, t.id == e.upstream_id)
    .join(task_version, _version)
    .join(project, project.c.id == t.project_id)
    .where(e.type == "Normal", among(e.downstream_id))
    .order_by(t.trigger_time, t.id)
)
_values = Statement(select(i.instance_id, i.name, i.value).where(among(i.instance_id)))
_forget = Statement(delete(instance_variable).where(among(i.instance_id)))


@dataclass(frozen=True, slots=True)
class Subject:
    """An instance with all that its variables depend on; `log` is that of its latest run."""

    id: int
    task_id: int
    workflow_id: int
    bizdate: str
    trigger_time: int
    parameters: str
    task: Task
    script: str
    time_zone: str
    log: str | None


@dataclass(frozen=True, slots=True)
class Upstream:
    """A direct same-cycle upstream of an instance, with all outputs that its task answers to."""

    id: int
    status: str
    unchosen: bool
    outputs: frozenset[str]


def subjects(db: Connection, ids: Iterable[int]) -> dict[int, Subject]:
    return {row[0]: _subject(row) for row in _subjects(db, ids=as_ids(ids))}


def _subject(row: tuple[Any, ...]) -> Subject:
    task = Task.model_validate_json(row[6])
    return Subject(*row[:6], task=task, script=row[7], time_zone=row[8], log=row[9])


def upstreams(db: Connection, ids: Iterable[int]) -> dict[int, list[Upstream]]:
    """Instance: its direct same-cycle upstreams, in the order of their trigger times."""
    found: dict[int, list[Upstream]] = {}
    for downstream_id, id, status, unchosen, task_id, project_name, name, definition in _upstreams(db, ids=as_ids(ids)):
        declared = Outputs.model_validate(json.loads(definition).get("Outputs") or {}).task_outputs
        outputs = {*default_outputs(project_name, task_id, name), *(item.output for item in declared)}
        found.setdefault(downstream_id, []).append(Upstream(id, status, bool(unchosen), frozenset(outputs)))
    return found


def values(db: Connection, ids: Iterable[int]) -> dict[tuple[int, str], Value]:
    """(instance, variable): what the instance's latest success handed out."""
    return {(row[0], row[1]): from_json(row[2]) for row in _values(db, ids=as_ids(ids))}


def replace(db: Connection, ids: Iterable[int], rows: Sequence[tuple[int, str, Value]]) -> None:
    """Let these instances hand out exactly these (instance, variable, value)."""
    _forget(db, ids=as_ids(ids))
    insert_many(
        db, instance_variable, [{"instance_id": id, "name": name, "value": to_json(value)} for id, name, value in rows]
    )
