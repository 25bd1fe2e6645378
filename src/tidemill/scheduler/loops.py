"""for-each, do-while and SUB_PROCESS: a loop runs as long as its turns, which are workflow instances of its body.

The body is a workflow of its own, whose id and version are those of the loop's task; a SUB_PROCESS has one turn, of the
workflow that it references at the version in place when it starts. A loop has neither process nor
slot; it moves on whenever a turn ends. What it does next is decided in domain/control/loops.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from tidemill.domain.control.kinds import LOOPS, MARKERS, SUB_PROCESS, TRAVERSE
from tidemill.domain.control.loops import (
    LOOP_DATA,
    Limits,
    Step,
    check_elements,
    elements_of,
    goes_on,
    next_of_cycle,
    next_of_traverse,
    read_limits,
)
from tidemill.domain.control.sub_process import read_sub_process
from tidemill.domain.definitions import TaskAt, WorkflowAt
from tidemill.domain.drafts import DRY_RUNS, VIRTUAL, inner_upstreams
from tidemill.domain.errors import Malformed
from tidemill.domain.expressions import Base
from tidemill.domain.instance import Change, Instance, end
from tidemill.domain.parameters import Levels, Resolved, declare, resolve, resolve_levels
from tidemill.domain.schedule import Cycle
from tidemill.domain.status import FINAL, Status
from tidemill.domain.variables import Row as Element
from tidemill.domain.variables import Value
from tidemill.runners.contract import Result
from tidemill.scheduler.rows import Container, Row, pinned, task_row
from tidemill.store import instances, loops, making, planning, runs
from tidemill.store.ids import allocate
from tidemill.store.loops import Loop, Turn
from tidemill.store.versions import Key, workflows_at

Elements = Sequence[str | Element]


@dataclass(frozen=True, slots=True)
class _State:
    """A running loop: its body and the turns of its current series of runs (a manual rerun begins another)."""

    loop: Loop
    body: WorkflowAt
    turns: Sequence[Turn]
    said: dict[int, str]


def begin(
    db: Connection, now: int, started: Sequence[Instance], inputs: Mapping[int, Mapping[str, Value]]
) -> list[Change]:
    """The first turns of loops that have just started, not saved yet; the changes of those that are over already."""
    if not started:
        return []
    found = loops.find(db, [item.id for item in started])
    return _go_on(db, now, started, [replace(loop, inputs=inputs.get(loop.id, {})) for loop in found.values()])


def advance(
    db: Connection, now: int, moved: Sequence[Instance], changes: Sequence[Change]
) -> tuple[list[Instance], list[Change]]:
    """Move on the loops of which turns have ended."""
    turns = {item.id for item in moved if item.kind == "Workflow" and item.control in LOOPS}
    ended = [change.id for change in changes if change.id in turns and change.to_status in FINAL]
    if not ended:
        return [], []
    running = [item for item in instances.load(db, loops.loops_of(db, ended)) if item.status == Status.RUNNING]
    changed = _go_on(db, now, running, loops.find(db, [item.id for item in running]).values())
    ids = {change.id for change in changed}
    return [item for item in running if item.id in ids], changed


def _go_on(db: Connection, now: int, running: Sequence[Instance], listed: Iterable[Loop]) -> list[Change]:
    ids = [item.id for item in running]
    found = {loop.id: loop for loop in listed}
    begun, said = loops.turns(db, ids), loops.said(db, ids)
    controls = {item.id: item.control for item in running}
    keys = {id: _body_of(db, loop, controls[id]) for id, loop in found.items()}
    bodies = {(body.id, body.env, body.version): body for body in workflows_at(db, sorted(set(keys.values())))}
    changes: list[Change] = []
    results: list[tuple[Result, str]] = []
    for instance in running:
        loop = found[instance.id]
        series = [turn for turn in begun.get(instance.id, ()) if turn.run_number >= first_of_series(instance)]
        try:
            body = bodies.get(keys[instance.id])
            if body is None:
                nothing = "the workflow that it references is gone"
                raise Malformed(nothing if instance.control == SUB_PROCESS else "the loop has no SubTasks")
            step, elements = _next(instance, _State(loop, body, series, said))
            _start(db, now, instance, loop, body, step, elements)
            over, message = step.over, _summary(series, failed=step.failed)
            exit_code = int(step.failed)
        except Malformed as error:
            over, exit_code, message = True, 1, str(error)
        if over:
            changes.append(end(instance, "exited", exit_code, now, message))
            result = Result(instance.id, instance.run_number, "exited", exit_code, now, now, message=message)
            results.append((result, Status.FAILURE if exit_code else Status.SUCCESS))
    runs.finish(db, results)
    return changes


def _body_of(db: Connection, loop: Loop, control: str | None) -> Key:
    if control != SUB_PROCESS:
        return loop.task_id, loop.env, loop.task_version
    try:
        id = read_sub_process(loop.script)
    except Malformed:
        return 0, loop.env, 0
    return id, loop.env, planning.current_versions(db, loop.env, [id]).get(id, 0)


def first_of_series(instance: Instance) -> int:
    """The run with which the automatic reruns began that the current one goes on with (K27)."""
    return instance.run_number - instance.retries_used


def _summary(turns: Sequence[Turn], *, failed: bool) -> str:
    good = len({turn.turn for turn in turns if turn.status == Status.SUCCESS})
    bad = sorted({turn.turn + 1 for turn in turns if turn.status == Status.FAILURE})
    return f"iteration {', '.join(map(str, bad))} failed, {good} succeeded" if failed else f"{good} iterations"


def _next(instance: Instance, state: _State) -> tuple[Step, Elements]:
    """What comes next, and what a for-each goes over. Raises Malformed where the loop fails."""
    if instance.control == SUB_PROCESS:
        return _next_of_sub_process(instance, state), ()
    limits = read_limits(state.loop.script)
    if instance.stop_requested is not None:
        return Step(over=all(turn.status in FINAL for turn in state.turns)), ()
    if instance.control == TRAVERSE:
        if LOOP_DATA not in state.loop.inputs:
            raise Malformed(f"an input variable {LOOP_DATA} is expected: what the loop goes over")
        elements = elements_of(state.loop.inputs[LOOP_DATA])
        check_elements(elements, limits)
        ended = {
            turn.turn: turn.status == Status.SUCCESS
            for turn in state.turns
            if turn.status == Status.SUCCESS or (turn.run_number == instance.run_number and turn.status in FINAL)
        }
        active = frozenset(turn.turn for turn in state.turns if turn.status not in FINAL)
        return next_of_traverse(len(elements), limits, ended, active), elements
    return _next_of_cycle(instance, state, limits), ()


def _next_of_sub_process(instance: Instance, state: _State) -> Step:
    latest = state.turns[-1] if state.turns else None
    if instance.stop_requested is not None:
        return Step(over=all(turn.status in FINAL for turn in state.turns))
    if latest is None or latest.run_number < instance.run_number:
        return Step(start=(0,))
    return Step(over=latest.status in FINAL, failed=latest.status == Status.FAILURE)


def _next_of_cycle(instance: Instance, state: _State, limits: Limits) -> Step:
    latest = state.turns[-1] if state.turns else None
    if latest is None:
        return Step(start=(0,))
    if latest.status == Status.SUCCESS:
        return next_of_cycle(latest.turn + 1, limits, more=goes_on(state.said.get(latest.representative_id, "")))
    if latest.run_number < instance.run_number:
        return Step(start=(latest.turn,))
    return Step(over=latest.status == Status.FAILURE, failed=latest.status == Status.FAILURE)


def _start(
    db: Connection, now: int, instance: Instance, loop: Loop, body: WorkflowAt, step: Step, elements: Elements
) -> None:
    """Make the instances of these turns; they are due at once."""
    if not step.start:
        return
    per_turn = 2 + len(body.tasks)
    ids = allocate(db, per_turn * len(step.start))
    containers: list[Row] = []
    tasks: list[Row] = []
    edges: list[Row] = []
    rows: list[tuple[int, int, int, int, str | Element | None]] = []
    for number, turn in enumerate(step.start):
        own = ids[number * per_turn : (number + 1) * per_turn]
        maker = _Maker(loop, body, now, own)
        containers.append(maker.container.row())
        tasks += [maker.representative(instance.control), *maker.tasks()]
        edges += maker.edges()
        rows.append((loop.id, instance.run_number, turn, own[1], elements[turn] if elements else None))
    making.add(db, containers, tasks, edges)
    loops.add(db, rows)


class _Maker:
    """The rows of one turn. Its `origin` is its own: the body's tasks have one instance a turn at one trigger time."""

    def __init__(self, loop: Loop, body: WorkflowAt, now: int, ids: Sequence[int]) -> None:
        self._loop = loop
        self._body = body
        self._now = now
        self._made = dict(zip((task.id for task in body.tasks), ids[2:], strict=True))
        self._upstreams = inner_upstreams(body, loop.project_name)
        self.container = Container(
            id=ids[0],
            representative_id=ids[1],
            project_id=loop.project_id,
            env=body.env,
            workflow_id=body.id,
            workflow_version=body.version,
            name=body.definition.name,
            owner=loop.owner,
            type=loop.type,
            bizdate=loop.bizdate,
            trigger_time=loop.trigger_time,
            due_time=now,
            origin=ids[1],
            planning_id=loop.planning_id,
            unified_id=loop.unified_id,
            user=None,
            now=now,
        )

    def representative(self, control: str | None) -> Row:
        return {**self.container.representative(inner=len(self._made)), "control": control}

    def tasks(self) -> list[Row]:
        cycle = Cycle(self._loop.trigger_time, self._loop.period_number, dry_run=False)
        shared = self.container.shared()
        return [
            task_row(
                shared,
                {**pinned(task), "control": task.definition.type},
                self._made[task.id],
                task.id,
                cycle,
                recurrence=task.definition.trigger.recurrence,
                immediate=task.definition.trigger.recurrence in DRY_RUNS or task.definition.type in {VIRTUAL, *MARKERS},
                inner=len(self._upstreams[task.id]),
                parameters=self._parameters(task),
                due_time=self._now,
            )
            for task in self._body.tasks
        ]

    def edges(self) -> list[Row]:
        return [
            {"downstream_id": self._made[task], "upstream_id": self._made[id], "type": "Normal", "satisfied": 0}
            for task, upstreams in self._upstreams.items()
            for id in upstreams
        ]

    def _parameters(self, task: TaskAt) -> str:
        """Those of the loop, with the task's own in place of the loop's own."""
        loop = self._loop
        base = Base(
            loop.trigger_time,
            date.fromisoformat(loop.bizdate),
            ZoneInfo(loop.time_zone),
            self._body.id,
            task.id,
            self._made[task.id],
        )
        script = task.definition.script
        own = resolve(declare(script.parameters if script else None), base)
        values = replace(Resolved.from_json(loop.parameters), task=own)
        if self._body.id != loop.task_id:  # a referenced workflow has parameters of its own
            whole = resolve_levels(Levels(workflow=declare(self._body.definition.parameters)), base)
            values = replace(values, workflow=whole.workflow)
        return values.to_json()
