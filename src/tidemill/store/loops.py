"""Loops and their turns: each turn is a workflow instance of the loop's body."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, func, select

from tidemill.domain.control.kinds import CYCLE_END
from tidemill.domain.control.loops import Iteration
from tidemill.domain.variables import OUTPUTS_NAME, Row, Value, from_json, inputs_from_json, render, to_json
from tidemill.store.statements import Statement, among, as_ids, insert_many
from tidemill.store.tables import (
    instance_variable,
    iteration,
    project,
    run,
    task_instance,
    task_version,
    workflow,
    workflow_instance,
)

i = iteration.c
t = task_instance.c
w = workflow_instance.c
r = run.c
v = task_version.c

_loops_of = Statement(select(i.instance_id).where(among(i.representative_id)).distinct())
_turns = Statement(
    select(i.instance_id, i.run_number, i.turn, i.representative_id, t.status)
    .join_from(iteration, task_instance, t.id == i.representative_id)
    .where(among(i.instance_id))
    .order_by(i.run_number, i.turn)
)
_seen = Statement(
    select(t.id, i.turn, i.current, r.inputs)
    .join_from(task_instance, iteration, i.representative_id == t.representative_id)
    .join(run, (r.instance_id == i.instance_id) & (r.run_number == i.run_number))
    .where(among(t.id))
)
_loops = Statement(
    select(
        t.id, t.env, t.project_id, project.c.name, func.coalesce(workflow.c.time_zone, project.c.time_zone), t.task_id,
        t.task_version, t.bizdate, t.trigger_time, t.period_number, t.planning_id, t.parameters, w.type, w.owner,
        w.unified_id, func.coalesce(v.script, ""), r.inputs,
    )
    .join_from(task_instance, workflow_instance, w.id == t.workflow_instance_id)
    .join(task_version, (v.task_id == t.task_id) & (v.env == t.env) & (v.version == t.task_version))
    .join(project, project.c.id == t.project_id)
    .outerjoin(workflow, (workflow.c.id == t.workflow_id) & (workflow.c.env == t.env))
    .outerjoin(run, (r.instance_id == t.id) & (r.run_number == t.run_number))
    .where(among(t.id))
)  # fmt: skip
_said = Statement(
    select(t.representative_id, instance_variable.c.value)
    .join_from(task_instance, instance_variable, instance_variable.c.instance_id == t.id)
    .join(iteration, i.representative_id == t.representative_id)
    .where(among(i.instance_id), t.control == CYCLE_END, instance_variable.c.name == OUTPUTS_NAME)
)
_open = Statement(
    select(t.workflow_instance_id)
    .join_from(iteration, task_instance, t.id == i.representative_id)
    .where(among(i.instance_id), t.finished_time.is_(None))
)


@dataclass(frozen=True, slots=True)
class Loop:
    """An instance of a loop, with all that its turns take from it; `inputs` are those of its current run."""

    id: int
    env: str
    project_id: int
    project_name: str
    time_zone: str
    task_id: int
    task_version: int
    bizdate: str
    trigger_time: int
    period_number: int
    planning_id: int
    parameters: str
    type: str
    owner: str
    unified_id: int
    script: str
    inputs: Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class Turn:
    """A turn that was begun in a run of its loop; `status` is that of its workflow instance."""

    run_number: int
    turn: int
    representative_id: int
    status: str


def loops_of(db: Connection, representative_ids: Iterable[int]) -> list[int]:
    """The loops of which these workflow instances are turns."""
    return [row[0] for row in _loops_of(db, ids=as_ids(representative_ids))]


def find(db: Connection, ids: Iterable[int]) -> dict[int, Loop]:
    return {row[0]: Loop(*row[:16], inputs=_inputs(row[16])) for row in _loops(db, ids=as_ids(ids))}


def _inputs(text: str | None) -> dict[str, Value]:
    return inputs_from_json(text) if text else {}


def turns(db: Connection, ids: Iterable[int]) -> dict[int, list[Turn]]:
    """Loop: the turns of all its runs, in their order."""
    found: dict[int, list[Turn]] = {}
    for row in _turns(db, ids=as_ids(ids)):
        found.setdefault(row[0], []).append(Turn(*row[1:]))
    return found


def add(db: Connection, rows: Sequence[tuple[int, int, int, int, str | Row | None]]) -> None:
    """(loop, run number, turn, representative, current element)."""
    listed: list[dict[str, Any]] = [
        {
            "instance_id": row[0],
            "run_number": row[1],
            "turn": row[2],
            "representative_id": row[3],
            "current": None if row[4] is None else to_json(row[4]),
        }
        for row in rows
    ]
    insert_many(db, iteration, listed)


def turns_of(db: Connection, ids: Collection[int]) -> dict[int, Iteration]:
    """Instance: what it sees of the loop in which it is, of those in one."""
    found: dict[int, Iteration] = {}
    for id, turn, current, inputs in _seen(db, ids=as_ids(ids)):
        element: Any = None if current is None else from_json(current)
        found[id] = Iteration(turn, _inputs(inputs), element)
    return found


def said(db: Connection, ids: Iterable[int]) -> dict[int, str]:
    """Representative of a turn: what the end task of a do-while printed there."""
    return {row[0]: render(from_json(row[1])) for row in _said(db, ids=as_ids(ids))}


def unfinished(db: Connection, ids: Iterable[int]) -> list[int]:
    """The workflow instances of the turns of these loops that have not ended."""
    return [row[0] for row in _open(db, ids=as_ids(ids))]
