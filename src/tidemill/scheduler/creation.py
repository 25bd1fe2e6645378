"""Making the instances that an operation asked for: one business date a transaction, resumed where a crash left it.

What an operation makes is invisible until the whole of it is there (engine 12). A unit that fails does not prevent the
others; the operation's message names it.
"""

import logging
from collections.abc import Iterable, Sequence
from datetime import date

from sqlalchemy import Connection

from tidemill.domain.business_date import run_date_of
from tidemill.domain.calendar import recurrence_on
from tidemill.domain.creation import Creation
from tidemill.domain.definitions import WorkflowAt
from tidemill.domain.drafts import Draft, Scheduled, draft, edges_of, weights
from tidemill.domain.instance_edges import Edge, Link
from tidemill.domain.parameters import NO_WORKSPACE, Workspace
from tidemill.domain.selection import Selection
from tidemill.scheduler.evaluation import scheduled_on, values_of
from tidemill.scheduler.links import links_of
from tidemill.scheduler.planning import calendars_of, linked_at, plan_unit
from tidemill.scheduler.rerunning import rerun_unit
from tidemill.scheduler.rows import Container, Row, pinned, task_row
from tidemill.store import making, operations, parameters
from tidemill.store.absence import will_pass
from tidemill.store.engine import Database
from tidemill.store.ids import allocate
from tidemill.store.operations import Operation
from tidemill.store.versions import outline, workflow_at

log = logging.getLogger(__name__)

_ROWS = 500  # instances after which a turn of the loop goes on to dispatch; a date is made whole
_DAY = 24 * 3_600_000


def create(database: Database, now: int) -> bool:
    """Make the next units of the operations in progress; True when some are left."""
    made = 0
    while made < _ROWS:
        with database.write(announce=False) as db:
            due = operations.next_unfinished(db)
            if due is None:
                return False
            made += _UNITS.get(due.kind, _unit)(db, due, now)
    return True


def _unit(db: Connection, operation: Operation, now: int) -> int:
    asked = Creation.model_validate_json(operation.request)
    message = operation.message
    rows = 1
    try:
        with db.begin_nested():
            rows = _Date(db, operation, asked, now).make()
    except Exception as error:
        if will_pass(error):
            raise
        bizdate = asked.bizdates[operation.cursor]
        log.exception("operation %s could not make business date %s", operation.id, bizdate)
        message = "; ".join(filter(None, [message, f"{bizdate} could not be made: {type(error).__name__}"]))
    if operation.cursor + 1 == len(asked.bizdates):
        operations.finish(db, operation.id, now, "CreateFailure" if message else "Created", message)
    else:
        operations.advance(db, operation.id, operation.cursor + 1, message)
    return rows


_UNITS = {operations.PLANNING: plan_unit, operations.RERUN: rerun_unit}


class _Date:
    """The workflow instance of one business date of an operation, with all it holds."""

    def __init__(self, db: Connection, operation: Operation, asked: Creation, now: int) -> None:
        self._db = db
        self._operation = operation
        self._asked = asked
        self._now = now
        self._bizdate = asked.bizdates[operation.cursor]
        self._before = asked.predecessor(operation.cursor)
        self._projects = {item.workflow_id: item.project_id for item in asked.workflows()}
        self._scheduled = [self._schedule(*item) for item in asked.workflows()]
        self._calendars = calendars_of(db, [item.workflow for item in self._scheduled], operation.create_time + 1)

    def _schedule(self, workflow_id: int, version: int, project_id: int, project_name: str, zone: str) -> Scheduled:
        workflow = workflow_at(self._db, workflow_id, self._asked.env, version)
        if workflow is None:
            raise LookupError(f"workflow {workflow_id} has no version {version}")
        return scheduled_on(workflow, self._asked, project_name, zone, date.fromisoformat(self._bizdate))

    def make(self) -> int:
        """Make it; returns how many task instances it has."""
        asked = self._asked
        tasks = {task.id for item in self._scheduled for task in item.workflow.tasks}
        selection = Selection(frozenset(tasks if asked.run is None else asked.run), frozenset(asked.dry))
        number = sum(len(item.cycles) * len(item.workflow.tasks) for item in self._scheduled)
        ids = allocate(self._db, 3 + number)
        drafts = draft(self._scheduled, selection, iter(ids[3:]), self._recurrence)
        links = self._links(tasks)
        edges = self._edges(links, drafts)
        self._store(self._container(ids, drafts), drafts, edges)
        return len(drafts) + 1

    def _recurrence(self, workflow: WorkflowAt, declared: str) -> str:
        """A test runs the real code whatever the schedule says, unless the task is frozen (scheduling-semantics 8)."""
        if self._asked.type == "SmokeTest":
            return "Pause" if declared == "Pause" else "Normal"
        if self._asked.manual:
            return "Manual"
        return recurrence_on(self._calendars.get(workflow.id), run_date_of(date.fromisoformat(self._bizdate)), declared)

    def _links(self, tasks: set[int]) -> list[Link]:
        if self._asked.type == "SmokeTest":
            return []  # a test waits for nobody
        workflows = [item.workflow for item in self._scheduled]
        nodes = tasks | {item.id for item in workflows}
        links = links_of(self._db, self._asked.env, linked_at(self._db, self._asked.env, list(map(outline, workflows))))
        return [link for link in links if link.downstream in nodes and link.upstream in nodes]

    def _edges(self, links: Sequence[Link], drafts: Sequence[Draft]) -> list[Edge]:
        asked, unit = self._asked, self._operation.cursor
        today = [(item.task.id, item.cycle.trigger_time, item.id) for item in drafts]
        before = making.made_on(self._db, self._operation.id, self._before or "") if asked.follows_on(unit) else []
        return edges_of(self._scheduled, links, today, before)

    def _container(self, ids: Sequence[int], drafts: Sequence[Draft]) -> Container:
        asked = self._asked
        first = min((item.cycle.trigger_time for item in drafts), default=self._now)
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
            bizdate=self._bizdate,
            trigger_time=first,
            due_time=self._due(first),
            origin=self._operation.id,
            planning_id=self._operation.id,
            user=asked.user,
            now=self._now,
            parameters=asked.workflow_parameters,
        )

    def _store(self, container: Container, drafts: Sequence[Draft], edges: list[Edge]) -> None:
        gate = making.representative_of(self._db, self._operation.id, self._before) if self._before else None
        if gate is not None:
            edges.append(Edge(container.representative_id, gate, "Gate"))
        done = making.succeeded(self._db, {edge.upstream_id for edge in edges} - {item.id for item in drafts})
        waiting: dict[int, int] = {}
        for edge in edges:
            waiting[edge.downstream_id] = waiting.get(edge.downstream_id, 0) + (edge.upstream_id not in done)
        representative = container.representative(
            inner=len(drafts), waiting=waiting.get(container.representative_id, 0), held=not self._asked.auto_start
        )
        making.add_workflow_instance(
            self._db,
            container.row(),
            [representative, *self._task_rows(container, drafts, edges, waiting)],
            [(tag.key, tag.value or "") for tag in self._asked.tags],
        )
        making.add_edges(self._db, [{**edge._asdict(), "satisfied": int(edge.upstream_id in done)} for edge in edges])

    def _task_rows(
        self, container: Container, drafts: Sequence[Draft], edges: Iterable[Edge], waiting: dict[int, int]
    ) -> list[Row]:
        inside = {item.id for item in drafts}
        preceded = {edge.downstream_id for edge in edges if edge.type == "Normal" and edge.upstream_id in inside}
        values = values_of(self._asked, self._bizdate, drafts, self._workspaces())
        heavy = self._weights()
        rows: list[Row] = []
        for item in drafts:
            entry = int(item.id not in preceded)
            row = task_row(
                container.shared(),
                self._fixed(item),
                item.id,
                item.task.id,
                item.cycle,
                recurrence=item.recurrence,
                immediate=item.immediate,
                inner=0,
                parameters=values[item.id],
                due_time=self._due(item.cycle.trigger_time),
                late=self._of_another_day(item.cycle.trigger_time),
                weight=heavy.get(item.task.id, 0),
                run_window=self._asked.window.text() if self._asked.window else None,
            )
            rows.append(row | {
                "workflow_id": item.workflow.id,
                "project_id": self._projects[item.workflow.id],
                "waits_entry": entry,
                "pending_upstreams": waiting.get(item.id, 0) + entry,
            })  # fmt: skip
        return rows

    def _workspaces(self) -> dict[int, tuple[str, Workspace]]:
        """Workflow: its time zone and its project's parameters."""
        found = parameters.workspaces(self._db, set(self._projects.values()), self._asked.env)
        members = self._asked.workflows()
        return {item.workflow_id: (item.time_zone, found.get(item.project_id, NO_WORKSPACE)) for item in members}

    def _fixed(self, item: Draft) -> Row:
        """What the version says, with what the run says instead."""
        fixed, asked = pinned(item.task), self._asked
        source = fixed["data_source"]
        return fixed | {
            "resource_group_id": asked.resource_group_id or fixed["resource_group_id"],
            "priority": asked.priority or fixed["priority"],
            "data_source": asked.data_sources.get(source, source),
        }

    def _weights(self) -> dict[int, int]:
        if not self._asked.weighted:
            return {}
        upstreams = {task: needs for item in self._scheduled for task, needs in item.upstreams.items()}
        return weights(upstreams, dict.fromkeys(upstreams, self._asked.priority or 1))

    def _due(self, trigger_time: int) -> int:
        return self._now if self._asked.immediately else trigger_time

    def _of_another_day(self, trigger_time: int) -> bool:
        return not self._asked.manual and abs(trigger_time - self._now) > _DAY
