"""Making the instances that an operation asked for: one business date a transaction, resumed where a crash left it.

What an operation makes is invisible until the whole of it is there (engine 12). A unit that fails does not prevent the
others; the operation's message names it.
"""

import logging
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from sqlalchemy import Connection

from tidemill.domain.control.kinds import control_of
from tidemill.domain.creation import Creation
from tidemill.domain.definitions import WorkflowAt
from tidemill.domain.drafts import Cycle, Draft, Edge, count, draft, inner_upstreams, weights
from tidemill.domain.selection import Selection, select
from tidemill.scheduler.evaluation import Values, cycles_of, values_of
from tidemill.scheduler.planning import plan_unit
from tidemill.store import making, operations
from tidemill.store.engine import Database
from tidemill.store.ids import allocate
from tidemill.store.operations import Operation
from tidemill.store.versions import workflow_at

log = logging.getLogger(__name__)

_ROWS = 5_000  # about as many instances in one turn of the loop


def create(database: Database, now: int) -> bool:
    """Make the next units of the operations in progress; True when some are left."""
    made = 0
    while made < _ROWS:
        with database.write(announce=False) as db:
            due = operations.next_unfinished(db)
            if due is None:
                return False
            made += plan_unit(db, due, now) if due.kind == operations.PLANNING else _unit(db, due, now)
    return True


def _unit(db: Connection, operation: Operation, now: int) -> int:
    asked = Creation.model_validate_json(operation.request)
    message = operation.message
    rows = 1
    try:
        with db.begin_nested():
            rows = make(db, operation, asked, now)
    except Exception as error:
        bizdate = asked.bizdates[operation.cursor]
        log.exception("operation %s could not make business date %s", operation.id, bizdate)
        message = "; ".join(filter(None, [message, f"{bizdate} could not be made: {type(error).__name__}"]))
    if operation.cursor + 1 == len(asked.bizdates):
        operations.finish(db, operation.id, now, "CreateFailure" if message else "Created", message)
    else:
        operations.advance(db, operation.id, operation.cursor + 1, message)
    return rows


def make(db: Connection, operation: Operation, asked: Creation, now: int) -> int:
    """The workflow instance of one business date, with all it holds; returns how many task instances it has."""
    workflow = workflow_at(db, asked.workflow_id, asked.env, asked.workflow_version)
    if workflow is None:
        raise LookupError(f"workflow {asked.workflow_id} has no version {asked.workflow_version}")
    unit = operation.cursor
    bizdate = asked.bizdates[unit]
    upstreams = inner_upstreams(workflow, asked.project_name)
    selection = select(asked.mode, upstreams, asked.roots, asked.include, asked.exclude)  # pyright: ignore[reportArgumentType]
    cycles = cycles_of(workflow, asked, date.fromisoformat(bizdate))
    ids = allocate(db, 3 + len(cycles) * (len(selection.run) + len(selection.dry)))
    before = asked.predecessor(unit)
    drafts, edges = draft(
        workflow,
        upstreams,
        selection,
        cycles,
        iter(ids[3:]),
        manual=asked.manual,
        previous=making.last_instances(db, operation.id, before) if before else {},
    )
    maker = _Maker(operation, asked, workflow, bizdate, now, ids[0], ids[1], ids[2])
    gate = making.representative_of(db, operation.id, before) if before else None
    if gate is not None:
        edges.append(Edge(maker.representative_id, gate, "Gate"))
    maker.store(db, drafts, edges, cycles, weights(upstreams, maker.priorities()) if asked.weighted else {}, selection)
    return len(drafts) + 1


class _Maker:
    """Turns one date's drafts into rows."""

    def __init__(
        self,
        operation: Operation,
        asked: Creation,
        workflow: WorkflowAt,
        bizdate: str,
        now: int,
        instance_id: int,
        representative_id: int,
        unified_id: int,
    ) -> None:
        self.operation = operation
        self.asked = asked
        self.workflow = workflow
        self.bizdate = bizdate
        self.now = now
        self.instance_id = instance_id
        self.representative_id = representative_id
        self.unified_id = unified_id

    def priorities(self) -> dict[int, int]:
        return {task.id: self.asked.priority or 1 for task in self.workflow.tasks}

    def store(
        self,
        db: Connection,
        drafts: Sequence[Draft],
        edges: Sequence[Edge],
        cycles: Sequence[Cycle],
        weights: Mapping[int, int],
        selection: Selection,
    ) -> None:
        done = making.succeeded(db, {edge.upstream_id for edge in edges} - {item.id for item in drafts})
        waiting = count(edge for edge in edges if edge.upstream_id not in done)
        values = values_of(self.workflow, self.asked, self.bizdate, drafts)
        first = min((cycle.trigger_time for cycle in cycles), default=self.now)
        making.add_workflow_instance(
            db,
            self._workflow_row(first),
            [
                self._representative(first, waiting.get(self.representative_id, 0), len(drafts)),
                *(self._task_row(item, waiting.get(item.id, 0), values, weights) for item in drafts),
            ],
            [(tag.key, tag.value or "") for tag in self.asked.tags],
        )
        making.add_edges(
            db,
            [
                {
                    "downstream_id": edge.downstream_id,
                    "upstream_id": edge.upstream_id,
                    "type": edge.type,
                    "satisfied": int(edge.upstream_id in done),
                }
                for edge in edges
            ],
        )

    def _authors(self) -> dict[str, Any]:
        return {
            "create_time": self.now,
            "create_user": self.asked.user,
            "modify_time": self.now,
            "modify_user": self.asked.user,
        }

    def _workflow_row(self, trigger_time: int) -> dict[str, Any]:
        asked = self.asked
        return {
            "id": self.instance_id,
            "env": asked.env,
            "project_id": asked.project_id,
            "workflow_id": asked.workflow_id,
            "workflow_version": asked.workflow_version,
            "name": asked.name,
            "type": asked.type,
            "owner": asked.owner,
            "bizdate": self.bizdate,
            "trigger_time": trigger_time,
            "origin": self.operation.id,
            "unified_id": self.unified_id,
            "task_instance_id": self.representative_id,
            "parameters": asked.workflow_parameters,
            **self._authors(),
        }

    def _shared(self) -> dict[str, Any]:
        return {
            "env": self.asked.env,
            "project_id": self.asked.project_id,
            "workflow_id": self.asked.workflow_id,
            "workflow_instance_id": self.instance_id,
            "representative_id": self.representative_id,
            "origin": self.operation.id,
            "planning_id": self.operation.id,
            "bizdate": self.bizdate,
            "status": "NotRun",
            **self._authors(),
        }

    def _representative(self, trigger_time: int, waiting: int, inner: int) -> dict[str, Any]:
        held = int(not self.asked.auto_start)
        return {
            **self._shared(),
            "id": self.representative_id,
            "kind": "Workflow",
            "task_id": self.asked.workflow_id,
            "task_version": self.asked.workflow_version,
            "trigger_time": trigger_time,
            "due_time": self._due(trigger_time),
            "period_number": 1,
            "recurrence": "Normal",
            "immediate": 1,
            "pending_upstreams": waiting + held,
            "waits_entry": 0,
            "held": held,
            "unfinished": inner,
            "rerun_mode": "AllAllowed",
            "rerun_times": 0,
            "rerun_interval": 0,
            "timeout": 0,
            "resource_group_id": "",
            "priority": 1,
            "late": 0,
            "weight": 0,
            "parameters": "{}",
            "data_source": None,
            "control": None,
        }

    def _task_row(self, item: Draft, waiting: int, values: Values, weights: Mapping[int, int]) -> dict[str, Any]:
        definition = item.task.definition
        return {
            **self._shared(),
            "id": item.id,
            "kind": "Task",
            "task_id": item.task.id,
            "task_version": item.task.version,
            "trigger_time": item.cycle.trigger_time,
            "due_time": self._due(item.cycle.trigger_time),
            "period_number": item.cycle.number,
            "recurrence": item.recurrence,
            "immediate": int(item.immediate),
            "pending_upstreams": waiting + int(not item.waits),
            "waits_entry": int(not item.waits),
            "held": 0,
            "unfinished": 0,
            "rerun_mode": definition.rerun_mode,
            "rerun_times": definition.rerun_times or 0,
            "rerun_interval": definition.rerun_interval or 0,
            "timeout": definition.timeout or 0,
            "resource_group_id": self.asked.resource_group_id or definition.runtime_resource.resource_group_id,
            "priority": self.asked.priority or 1,
            "late": int(self._of_another_day(item.cycle.trigger_time)),
            "weight": weights.get(item.task.id, 0),
            "parameters": values[item.id],
            "data_source": definition.data_source.name if definition.data_source else None,
            "control": control_of(definition),
        }

    def _due(self, trigger_time: int) -> int:
        return self.now if self.asked.immediately else trigger_time

    def _of_another_day(self, trigger_time: int) -> bool:
        return not self.asked.manual and abs(trigger_time - self.now) > 24 * 3_600_000
