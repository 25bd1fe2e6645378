"""One run date of one zone, planned: the instances of every workflow in force, then the edges between them.

The pass is an operation: bounded units, a few in a transaction, invisible until the last is done (engine 12). Its
request holds the versions in force at the planning time, so that what is deployed meanwhile changes nothing in it.
Units 0 to n-1 make the instances of the n workflows, units n to 2n-1 their edges; a restart goes on at the cursor, and
what is there already stays as it is (P1).
"""

import json
import logging
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date
from functools import lru_cache
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict
from sqlalchemy import Connection

from tidemill.domain.business_date import run_date_of
from tidemill.domain.calendar import Calendar, recurrence_on
from tidemill.domain.cron import Cron
from tidemill.domain.definitions import WorkflowAt
from tidemill.domain.drafts import DRY_RUNS, VIRTUAL, inner_upstreams
from tidemill.domain.parameters import NO_WORKSPACE
from tidemill.domain.schedule import Cycle, expand_day, parse_validity
from tidemill.scheduler.links import link
from tidemill.scheduler.rows import Container, Row, pinned, task_row
from tidemill.scheduler.values import Values
from tidemill.store import calendars, linking, making, operations, parameters, planning
from tidemill.store.absence import ends_transaction
from tidemill.store.ids import allocate
from tidemill.store.linking import Declared
from tidemill.store.operations import Operation
from tidemill.store.planning import InForce
from tidemill.store.versions import Outline, outlines_at, workflows_at

log = logging.getLogger(__name__)

_WORKFLOWS = 256  # at most so many in one transaction
_ROWS = 2_000  # about so many instances in one transaction
_NODES = 2_000  # of so many tasks edges are made in one transaction
_READ = 16  # so many workflows are read at a time


Unit = tuple[int, int, int]  # workflow, version, project


class Planning(BaseModel):
    """What a pass plans: `units` are (workflow, version, project), fixed at the planning time, `cutoff` (epoch ms).

    `made` are workflows whose instances are there already: an Immediately deployment came in between.
    """

    model_config = ConfigDict(frozen=True)

    time_zone: str
    bizdate: str
    cutoff: int
    units: tuple[Unit, ...]
    made: frozenset[int] = frozenset()

    def with_version(self, unit: Unit) -> "Planning":
        """The same pass, with the instances of this workflow made already from another version."""
        others = [item for item in self.units if item[0] != unit[0]]
        index = next((index for index, item in enumerate(self.units) if item[0] == unit[0]), len(others))
        units = (*others[:index], unit, *others[index:])
        return self.model_copy(update={"units": units, "made": self.made | {unit[0]}})

    @staticmethod
    def of(zone: str, run_date: date, cutoff: int, workflows: Iterable[InForce]) -> "Planning":
        bizdate = date.fromordinal(run_date.toordinal() - 1).isoformat()
        units = tuple((item.workflow_id, item.version, item.project_id) for item in workflows)
        return Planning(time_zone=zone, bizdate=bizdate, cutoff=cutoff, units=units)


@lru_cache(maxsize=4)
def read(request: str) -> Planning:
    """A pass as its operation keeps it."""
    return Planning.model_validate_json(request)


def plan_unit(db: Connection, operation: Operation, now: int) -> int:
    """The next bounded part of a pass; returns about how many rows it made."""
    asked = read(operation.request)
    count = len(asked.units)
    if operation.cursor >= 2 * count:
        operations.finish(db, operation.id, now, "Created", operation.message)
        return 1
    first = operation.cursor % count
    step = instances_step if operation.cursor < count else _edges
    done, rows, message = _attempt(db, operation, step(asked, operation, now), asked.units[first : first + _WORKFLOWS])
    operations.advance(db, operation.id, operation.cursor + done, message)
    return rows


Step = Callable[[Connection, Sequence[Unit]], tuple[int, int]]
"""Does the first of the units it is given; returns how many, and how many rows that were."""


def _attempt(db: Connection, operation: Operation, step: Step, units: Sequence[Unit]) -> tuple[int, int, str | None]:
    """Do several units; if that fails, the first alone, so that one bad workflow never keeps others from their day."""
    for chosen in (units, units[:1]):
        try:
            with db.begin_nested():
                done, rows = step(db, chosen)
            return done, rows, operation.message
        except Exception as error:
            if ends_transaction(db, error):
                raise
            log.exception("operation %s could not plan %s workflows from %s on", operation.id, len(chosen), chosen[0])
    problem = f"workflow {units[0][0]} could not be planned"
    return 1, 1, "; ".join(filter(None, [operation.message, problem]))


def instances_step(asked: Planning, operation: Operation, now: int) -> Step:
    """Make all instances of some workflows, with the edges inside each workflow instance."""

    def step(db: Connection, units: Sequence[Unit]) -> tuple[int, int]:
        projects = planning.projects(db)
        containers: list[Row] = []
        tasks: list[Row] = []
        edges: list[Row] = []
        there = making.cycles(db, planning.ENV, [id for id, _, _ in units], asked.bizdate)
        done = 0
        workspaces = parameters.workspaces(db, {unit[2] for unit in units}, planning.ENV)
        for unit, workflow, calendar in _loaded(db, units, asked.cutoff):
            if len(tasks) >= _ROWS:
                break
            done += 1
            if workflow is None or workflow.id in asked.made:
                continue
            planned = cycles_on(workflow, asked.time_zone, date.fromisoformat(asked.bizdate))
            cycles = [cycle for cycle in planned if (workflow.id, cycle.trigger_time) not in there]
            workspace = workspaces.get(unit[2], NO_WORKSPACE)
            values = Values(workflow, asked.time_zone, asked.bizdate, workspace)
            project = projects[unit[2]][0]
            maker = Maker(db, workflow, unit[2], project, asked.bizdate, operation.id, now, values, calendar)
            maker.make(cycles, containers, tasks, edges)
        making.add(db, containers, tasks, edges)
        return done, len(tasks) + 1

    return step


def _loaded(
    db: Connection, units: Sequence[Unit], moment: int
) -> Iterator[tuple[Unit, WorkflowAt | None, Calendar | None]]:
    """The units with their workflows and calendars, read a few at a time: who asks may stop early."""
    for part in (units[start : start + _READ] for start in range(0, len(units), _READ)):
        keys = ((id, planning.ENV, version) for id, version, _ in part)
        found = {item.id: item for item in workflows_at(db, keys)}
        marks = calendars_of(db, found.values(), moment)
        for unit in part:
            yield unit, found.get(unit[0]), marks.get(unit[0])


def calendars_of(db: Connection, workflows: Iterable[WorkflowAt | None], moment: int) -> dict[int, Calendar]:
    """Workflow: the calendar that its trigger names, as it was in force at a moment."""
    named = {item.id: item.definition.trigger.calendar_id for item in workflows if item is not None}
    found = calendars.load(db, {id for id in named.values() if id is not None}, moment)
    return {workflow: found[id] for workflow, id in named.items() if id in found}


def cycles_on(workflow: WorkflowAt, zone: str, bizdate: date) -> Sequence[Cycle]:
    """The cycles of a business date's run date; none where the workflow is started by hand."""
    trigger = workflow.definition.trigger
    if trigger.type != "Scheduler" or trigger.cron is None:
        return ()
    validity = parse_validity(trigger.start_time, trigger.end_time)
    return expand_day(Cron.parse(trigger.cron), run_date_of(bizdate), ZoneInfo(zone), validity)


class Maker:
    """Makes the rows of one workflow's periodic instances of one date."""

    def __init__(
        self,
        db: Connection,
        workflow: WorkflowAt,
        project_id: int,
        project_name: str,
        bizdate: str,
        planning_id: int,
        now: int,
        values: Values,
        calendar: Calendar | None,
    ) -> None:
        self._db = db
        self._calendar = calendar
        self._run_date = run_date_of(date.fromisoformat(bizdate))
        self._workflow = workflow
        self._project_id = project_id
        self._bizdate = bizdate
        self._planning_id = planning_id
        self._now = now
        self._values = values
        self._fixed = {task.id: pinned(task) for task in workflow.tasks}
        self._upstreams = inner_upstreams(workflow, project_name)

    def make(self, cycles: Sequence[Cycle], containers: list[Row], tasks: list[Row], edges: list[Row]) -> None:
        """Append the rows of all tasks in these cycles."""
        per_cycle = 3 + len(self._workflow.tasks)
        ids = allocate(self._db, per_cycle * len(cycles))
        for number, cycle in enumerate(cycles):
            own = ids[number * per_cycle : (number + 1) * per_cycle]
            container = self.container(cycle, own[0], own[1], own[2])
            containers.append(container.row())
            tasks.append(container.representative(inner=len(self._workflow.tasks)))
            made = dict(zip((task.id for task in self._workflow.tasks), own[3:], strict=True))
            tasks += self.task_rows(container.shared(), cycle, made)
            edges += self.inner_edges(made)

    def container(self, cycle: Cycle, id: int, representative_id: int, unified_id: int) -> Container:
        definition = self._workflow.definition
        return Container(
            id=id,
            representative_id=representative_id,
            project_id=self._project_id,
            env=self._workflow.env,
            workflow_id=self._workflow.id,
            workflow_version=self._workflow.version,
            name=definition.name,
            owner=definition.owner,
            type="Normal",
            bizdate=self._bizdate,
            trigger_time=cycle.trigger_time,
            due_time=cycle.trigger_time,
            origin=0,
            planning_id=self._planning_id,
            unified_id=unified_id,
            user=None,
            now=self._now,
        )

    def task_rows(
        self,
        shared: Row,
        cycle: Cycle,
        made: Mapping[int, int],
        *,
        beside: Collection[int] = (),
        opened: bool = False,
        expired: bool = False,
    ) -> list[Row]:
        """The rows of the tasks in `made` (task: instance).

        `beside` are tasks that the workflow instance holds already, `opened` says that its tasks may begin, and
        `expired` that these came too late and run dry.
        """
        rows: list[Row] = []
        for task in self._workflow.tasks:
            if task.id not in made:
                continue
            recurrence = self._recurrence(task.definition.trigger.recurrence, cycle, expired)
            inner = sum(id in made or id in beside for id in self._upstreams[task.id])
            rows.append(
                task_row(
                    shared,
                    self._fixed[task.id],
                    made[task.id],
                    task.id,
                    cycle,
                    recurrence=recurrence,
                    immediate=recurrence in DRY_RUNS or task.definition.type == VIRTUAL,
                    inner=inner,
                    opened=opened,
                    parameters=self._values.of(task, cycle.trigger_time, made[task.id]),
                    due_time=cycle.trigger_time,
                )
            )
        return rows

    def _recurrence(self, declared: str, cycle: Cycle, expired: bool) -> str:
        if expired:
            return "RealtimeDeprecated"
        if cycle.dry_run:
            return "SkipCycle"
        return recurrence_on(self._calendar, self._run_date, declared)

    def inner_edges(self, made: Mapping[int, int]) -> list[Row]:
        """The same-cycle edges inside one workflow instance that holds `made` (task: instance)."""
        return [
            {"downstream_id": made[task], "upstream_id": made[id], "type": "Normal", "satisfied": 0}
            for task, upstreams in self._upstreams.items()
            if task in made
            for id in upstreams
            if id in made
        ]


def _edges(asked: Planning, operation: Operation, now: int) -> Step:
    def step(db: Connection, units: Sequence[Unit]) -> tuple[int, int]:
        outlines = outlines_at(db, [(id, planning.ENV, version) for id, version, _ in units])
        chosen: list[Outline] = []
        nodes: list[int] = []
        for item in outlines:
            if nodes and len(nodes) + len(item.task_ids) > _NODES:
                break
            chosen.append(item)
            nodes += [item.id, *item.task_ids]
        done = len(units) if len(chosen) == len(outlines) else [unit[0] for unit in units].index(chosen[-1].id) + 1
        links = linked_at(db, planning.ENV, chosen)
        bizdate = date.fromisoformat(asked.bizdate)
        made = link(db, now, planning.ENV, nodes, bizdate, links, fresh=True)
        if earlier := linking.planned_apart(db, planning.ENV, nodes, asked.bizdate, operation.id):
            links = linking.declared(db, planning.ENV, earlier)
            made += link(db, now, planning.ENV, earlier, bizdate, links, fresh=False)
        return done, made + len(nodes)

    return step


def linked_at(db: Connection, env: str, workflows: Sequence[Outline]) -> list[Declared]:
    """The dependencies of these versions: as they stand now for current ones, as they were resolved for older ones."""
    current = planning.current_versions(db, env, [item.id for item in workflows])
    older = [item for item in workflows if current.get(item.id) != item.version and item.links is not None]
    known = {item.id for item in older}
    found = [Declared(*row) for item in older for row in json.loads(item.links or "[]")]
    newest = [id for item in workflows if item.id not in known for id in (item.id, *item.task_ids)]
    return found + linking.declared(db, env, newest)
