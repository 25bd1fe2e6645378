"""One business date of a creation: from what was asked to rows and edges.

A date that differs from the one before in ids and times only is copied from it by the database: making a thousand
dates is seldom more than making three.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property, lru_cache
from typing import NamedTuple

from sqlalchemy import Connection

from tidemill.domain.business_date import run_date_of
from tidemill.domain.calendar import Calendar, recurrence_on
from tidemill.domain.creation import Creation, Member
from tidemill.domain.definitions import WorkflowAt
from tidemill.domain.drafts import Draft, Scheduled, draft, edges_of, weights
from tidemill.domain.instance_edges import Edge, Link
from tidemill.domain.parameters import NO_WORKSPACE, Workspace
from tidemill.domain.selection import Selection
from tidemill.scheduler.evaluation import Values, scheduled_on, values_of
from tidemill.scheduler.links import links_of
from tidemill.scheduler.planning import calendars_of, linked_at
from tidemill.scheduler.rows import Container, Row, pinned, task_row
from tidemill.store import making, parameters, repeating
from tidemill.store.ids import allocate
from tidemill.store.operations import Operation
from tidemill.store.versions import outline, workflow_at

_DAY = 24 * 3_600_000
_NEVER = 2**60
_COPIED = 4  # as many instances that the database copies are made as quickly as one that is not
_BESIDES = 10  # as many are made in the time that a date takes besides
_BESIDES_EACH = 2  # and each workflow of it


@dataclass(frozen=True)
class Creating:
    """A creation under way: what its dates have in common."""

    db: Connection
    operation: Operation
    asked: Creation
    now: int

    @cached_property
    def members(self) -> dict[int, Member]:
        return {item.workflow_id: item for item in self.asked.workflows()}

    @cached_property
    def workflows(self) -> list[WorkflowAt]:
        """The workflows of the run at their pinned versions."""
        return [self._workflow(member) for member in self.members.values()]

    def _workflow(self, member: Member) -> WorkflowAt:
        workflow = workflow_at(self.db, member.workflow_id, self.asked.env, member.version)
        if workflow is None:
            raise LookupError(f"workflow {member.workflow_id} has no version {member.version}")
        return workflow

    @cached_property
    def selection(self) -> Selection:
        run = self.tasks if self.asked.run is None else self.asked.run
        return Selection(frozenset(run), frozenset(self.asked.dry))

    @cached_property
    def tasks(self) -> set[int]:
        return {task.id for workflow in self.workflows for task in workflow.tasks}

    @cached_property
    def calendars(self) -> dict[int, Calendar]:
        return calendars_of(self.db, self.workflows, self.operation.create_time + 1)

    def recurrence(self, workflow: WorkflowAt, declared: str, bizdate: date) -> str:
        """A test runs the real code whatever the schedule says, unless the task is frozen (scheduling-semantics 8)."""
        if self.asked.type == "SmokeTest":
            return "Pause" if declared == "Pause" else "Normal"
        if self.asked.manual:
            return "Manual"
        return recurrence_on(self.calendars.get(workflow.id), run_date_of(bizdate), declared)

    @cached_property
    def links(self) -> list[Link]:
        """The dependencies inside the run."""
        if self.asked.type == "SmokeTest":
            return []  # a test waits for nobody
        nodes = self.tasks | self.members.keys()
        declared = linked_at(self.db, self.asked.env, list(map(outline, self.workflows)))
        links = links_of(self.db, self.asked.env, declared)
        return [link for link in links if link.downstream in nodes and link.upstream in nodes]

    @cached_property
    def workspaces(self) -> dict[int, tuple[str, Workspace]]:
        """Workflow: its time zone and its project's parameters."""
        projects = {member.project_id for member in self.members.values()}
        found = parameters.workspaces(self.db, projects, self.asked.env)
        return {
            id: (member.time_zone, found.get(member.project_id, NO_WORKSPACE)) for id, member in self.members.items()
        }

    @cached_property
    def weights(self) -> dict[int, int]:
        """Task: its weight in dispatching; none unless asked for."""
        if not self.asked.weighted:
            return {}
        upstreams = {task: needs for item in _Date(self, 0).scheduled for task, needs in item.upstreams.items()}
        return weights(upstreams, dict.fromkeys(upstreams, self.asked.priority or 1))

    def due(self, trigger_time: int) -> int:
        return self.now if self.asked.immediately else trigger_time

    @property
    def late_beyond(self) -> int:
        """Milliseconds from now, earlier or later, beyond which an instance is of another day and ranked after all."""
        return _NEVER if self.asked.manual else _DAY


def make(creating: Creating, unit: int) -> int:
    """Make unit `unit` of a creation, a business date; returns how much work that was, in instances."""
    return _Date(creating, unit).make()


class _Date:
    """The workflow instance of one business date, with all it holds."""

    def __init__(self, creating: Creating, unit: int) -> None:
        self._creating = creating
        self._db = creating.db
        self._asked = asked = creating.asked
        self._unit = unit
        self.bizdate = asked.bizdates[unit]
        self._day = date.fromisoformat(self.bizdate)
        self._before = asked.predecessor(unit)
        self.scheduled = [self._schedule(workflow) for workflow in creating.workflows]

    def _schedule(self, workflow: WorkflowAt) -> Scheduled:
        member = self._creating.members[workflow.id]
        return scheduled_on(workflow, self._asked, member.project_name, member.time_zone, self._day)

    def make(self) -> int:
        number = sum(len(item.cycles) * len(item.workflow.tasks) for item in self.scheduled)
        ids = allocate(self._db, 3 + number)
        drafts = draft(self.scheduled, self._creating.selection, iter(ids[3:]), self._recurrence)
        container = self._container(ids, drafts)
        model = self._model(len(drafts))
        if model is not None:
            self._repeat(model, container, drafts)
        else:
            self._store(container, drafts, self._edges(drafts))
        work = len(drafts) if model is None else len(drafts) // _COPIED
        return work + _BESIDES + _BESIDES_EACH * len(self.scheduled)

    def _recurrence(self, workflow: WorkflowAt, declared: str) -> str:
        return self._creating.recurrence(workflow, declared, self._day)

    def _container(self, ids: Sequence[int], drafts: Sequence[Draft]) -> Container:
        asked, operation = self._asked, self._creating.operation
        first = min((item.cycle.trigger_time for item in drafts), default=self._creating.now)
        return Container(
            id=ids[0],
            representative_id=ids[1],
            unified_id=ids[2],
            project_id=asked.project_id,
            env=asked.env,
            workflow_id=asked.workflow_id,
            workflow_version=asked.workflow_version,
            name=asked.name,
            owner=asked.owner,
            type=asked.type,
            bizdate=self.bizdate,
            trigger_time=first,
            due_time=self._creating.due(first),
            origin=operation.id,
            planning_id=operation.id,
            user=asked.user,
            now=self._creating.now,
            parameters=asked.workflow_parameters,
        )

    # --- as a copy ------------------------------------------------------------------------------------------------

    def _model(self, tasks: int) -> "_Model | None":
        """The date before, where this one, of so many task instances, differs from it in ids and times only.

        Where edges lead to the date before, that has to be like the one before it as well.
        """
        follows = self._asked.follows_on(self._unit)
        if self._unit == 0 or follows != self._asked.follows_on(self._unit - 1):
            return None
        earlier = [_Date(self._creating, self._unit - days) for days in ((1, 2) if follows else (1,))]
        form = self._form()
        if any(other._form() != form for other in earlier):
            return None
        dates = [other.bizdate for other in earlier]
        there = repeating.made(self._db, self._creating.operation.id, dates[0], dates[-1])
        if any(day not in there or there[day].tasks != tasks for day in dates):
            return None  # one could not be made
        return _Model(dates[0], there[dates[0]].first_id, there[dates[-1]].first_id)

    def _form(self) -> list[tuple[object, ...]]:
        """All that its instances and their edges depend on, but for what all dates have in common."""
        midnight = _midnight(self.bizdate)
        return [
            (
                [(cycle.trigger_time - midnight, cycle.number, cycle.dry_run) for cycle in item.cycles],
                [self._recurrence(item.workflow, declared) for declared in _declared(item.workflow)],
            )
            for item in self.scheduled
        ]

    def _repeat(self, model: "_Model", container: Container, drafts: Sequence[Draft]) -> None:
        gate = self._gate(container)
        self._add(container, [self._representative(container, drafts, len(gate))])
        shift = container.id - model.first_id
        repeating.repeat_instances(
            self._db,
            _ranges(self._values(drafts)),
            shift=shift,
            bizdate=self.bizdate,
            later=_midnight(self.bizdate) - _midnight(model.bizdate),
            due_time=self._creating.now if self._asked.immediately else None,
            now=self._creating.now,
            late_beyond=self._creating.late_beyond,
        )
        first, last = drafts[0].id - shift, drafts[-1].id - shift
        earlier_shift = model.first_id - model.earlier_first_id
        repeating.repeat_edges(self._db, first, last, shift=shift, earlier_shift=earlier_shift)
        making.add_edges(self._db, [{**edge._asdict(), "satisfied": 0} for edge in gate])

    # --- from scratch ---------------------------------------------------------------------------------------------

    def _edges(self, drafts: Sequence[Draft]) -> list[Edge]:
        today = [(item.task.id, item.cycle.trigger_time, item.id) for item in drafts]
        follows = self._asked.follows_on(self._unit)
        before = making.made_on(self._db, self._creating.operation.id, self._before or "") if follows else []
        return edges_of(self.scheduled, self._creating.links, today, before)

    def _store(self, container: Container, drafts: Sequence[Draft], edges: list[Edge]) -> None:
        edges += self._gate(container)
        done = making.succeeded(self._db, {edge.upstream_id for edge in edges} - {item.id for item in drafts})
        waiting: dict[int, int] = {}
        for edge in edges:
            waiting[edge.downstream_id] = waiting.get(edge.downstream_id, 0) + (edge.upstream_id not in done)
        representative = self._representative(container, drafts, waiting.get(container.representative_id, 0))
        self._add(container, [representative, *self._task_rows(container, drafts, edges, waiting)])
        making.add_edges(self._db, [{**edge._asdict(), "satisfied": int(edge.upstream_id in done)} for edge in edges])

    def _task_rows(
        self, container: Container, drafts: Sequence[Draft], edges: Iterable[Edge], waiting: dict[int, int]
    ) -> list[Row]:
        inside = {item.id for item in drafts}
        preceded = {edge.downstream_id for edge in edges if edge.type == "Normal" and edge.upstream_id in inside}
        values = self._values(drafts)
        fixed = {item.task.id: self._fixed(item) for item in drafts}
        rows: list[Row] = []
        for item in drafts:
            entry = int(item.id not in preceded)
            row = task_row(
                container.shared(),
                fixed[item.task.id],
                item.id,
                item.task.id,
                item.cycle,
                recurrence=item.recurrence,
                immediate=item.immediate,
                inner=0,
                parameters=values[item.id],
                due_time=self._creating.due(item.cycle.trigger_time),
                late=abs(item.cycle.trigger_time - self._creating.now) > self._creating.late_beyond,
                weight=self._creating.weights.get(item.task.id, 0),
                run_window=self._asked.window.text() if self._asked.window else None,
            )
            rows.append(row | {
                "workflow_id": item.workflow.id,
                "project_id": self._creating.members[item.workflow.id].project_id,
                "waits_entry": entry,
                "pending_upstreams": waiting.get(item.id, 0) + entry,
            })  # fmt: skip
        return rows

    def _fixed(self, item: Draft) -> Row:
        """What the version says, with what the run says instead."""
        fixed, asked = pinned(item.task), self._asked
        source = fixed["data_source"]
        return fixed | {
            "resource_group_id": asked.resource_group_id or fixed["resource_group_id"],
            "priority": asked.priority or fixed["priority"],
            "data_source": asked.data_sources.get(source, source),
        }

    # --- either way -----------------------------------------------------------------------------------------------

    def _values(self, drafts: Sequence[Draft]) -> Values:
        return values_of(self._asked, self.bizdate, drafts, self._creating.workspaces)

    def _gate(self, container: Container) -> list[Edge]:
        """From a date of a serial run to the one that it comes after."""
        operation = self._creating.operation.id
        gate = making.representative_of(self._db, operation, self._before) if self._before else None
        return [] if gate is None else [Edge(container.representative_id, gate, "Gate")]

    def _representative(self, container: Container, drafts: Sequence[Draft], waiting: int) -> Row:
        return container.representative(inner=len(drafts), waiting=waiting, held=not self._asked.auto_start)

    def _add(self, container: Container, rows: Sequence[Row]) -> None:
        tags = [(tag.key, tag.value or "") for tag in self._asked.tags]
        making.add_workflow_instance(self._db, container.row(), rows, tags)


class _Model(NamedTuple):
    """A date that is copied, with the first of its ids, and that of the date its instances may wait for."""

    bizdate: str
    first_id: int
    earlier_first_id: int


@lru_cache(maxsize=64)
def _declared(workflow: WorkflowAt) -> tuple[str, ...]:
    """The recurrences that its tasks declare, each once."""
    return tuple({task.definition.trigger.recurrence for task in workflow.tasks})


def _midnight(bizdate: str) -> int:
    """Epoch milliseconds of a date's 00:00 UTC."""
    return (date.fromisoformat(bizdate) - date(1970, 1, 1)).days * _DAY


def _ranges(values: Values) -> Iterator[tuple[int, int, str]]:
    """(first, last, value) for ids in a row that have the same value; the ids ascend."""
    first = last = -1
    value = ""
    for id, own in values.items():
        if id == last + 1 and own == value:
            last = id
            continue
        if last >= 0:
            yield first, last, value
        first, last, value = id, id, own
    if last >= 0:
        yield first, last, value
