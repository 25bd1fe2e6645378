"""Instances to be, as rows: a workflow instance, the task instance that represents it, and those of its tasks."""

from dataclasses import dataclass
from typing import Any

from tidemill.domain.control.kinds import control_of
from tidemill.domain.definitions import TaskAt
from tidemill.domain.instance import SCHEDULER_TRIGGER
from tidemill.domain.schedule import Cycle

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Container:
    """A workflow instance to be. `origin` is 0 for a periodic one, `planning_id` the operation that makes it."""

    id: int
    representative_id: int
    project_id: int
    env: str
    workflow_id: int
    workflow_version: int
    name: str
    owner: str
    type: str
    bizdate: str
    trigger_time: int
    due_time: int
    origin: int
    planning_id: int
    unified_id: int
    user: str | None
    now: int
    parameters: str | None = None

    def _authors(self) -> Row:
        return {
            "create_time": self.now,
            "create_user": self.user,
            "modify_time": self.now,
            "modify_user": self.user,
        }

    def row(self) -> Row:
        return {
            "id": self.id,
            "env": self.env,
            "project_id": self.project_id,
            "workflow_id": self.workflow_id,
            "workflow_version": self.workflow_version,
            "name": self.name,
            "type": self.type,
            "owner": self.owner,
            "bizdate": self.bizdate,
            "trigger_time": self.trigger_time,
            "origin": self.origin,
            "unified_id": self.unified_id,
            "task_instance_id": self.representative_id,
            "parameters": self.parameters,
            **self._authors(),
        }

    def shared(self) -> Row:
        """What all its task instances have in common."""
        return {
            "env": self.env,
            "project_id": self.project_id,
            "workflow_id": self.workflow_id,
            "workflow_instance_id": self.id,
            "representative_id": self.representative_id,
            "origin": self.origin,
            "planning_id": self.planning_id,
            "bizdate": self.bizdate,
            "status": "NotRun",
            **self._authors(),
        }

    def representative(self, *, inner: int, waiting: int = 0, held: bool = False) -> Row:
        """The task instance that stands for all of it; `inner` is how many it has, `waiting` its upstreams."""
        return {
            **self.shared(),
            "id": self.representative_id,
            "kind": "Workflow",
            "task_id": self.workflow_id,
            "task_version": self.workflow_version,
            "trigger_time": self.trigger_time,
            "due_time": self.due_time,
            "period_number": 1,
            "recurrence": "Normal",
            "immediate": 1,
            "pending_upstreams": waiting + int(held),
            "waits_entry": 0,
            "held": int(held),
            "unfinished": inner,
            "rerun_mode": "AllAllowed",
            "rerun_times": 0,
            "rerun_interval": 0,
            "timeout": 0,
            "resource_group_id": "",
            "priority": 1,
            "late": 0,
            "weight": 0,
            "max_parallel": 0,
            "signalled_time": None,
            "parameters": "{}",
            "data_source": None,
            "control": None,
            "run_window": None,
        }


def pinned(task: TaskAt) -> Row:
    """What an instance takes from its task's version."""
    definition = task.definition
    return {
        "task_version": task.version,
        "rerun_mode": definition.rerun_mode,
        "rerun_times": definition.rerun_times or 0,
        "rerun_interval": definition.rerun_interval or 0,
        "timeout": definition.timeout or 0,
        "resource_group_id": definition.runtime_resource.resource_group_id,
        "priority": 1,
        "max_parallel": definition.max_parallel_instances or 0,
        "signalled_time": 0 if definition.type == SCHEDULER_TRIGGER else None,
        "data_source": definition.data_source.name if definition.data_source else None,
        "control": control_of(definition),
    }


def task_row(
    shared: Row,
    fixed: Row,
    id: int,
    task_id: int,
    cycle: Cycle,
    *,
    recurrence: str,
    immediate: bool,
    inner: int,
    opened: bool = False,
    parameters: str,
    due_time: int,
    late: bool = False,
    weight: int = 0,
    run_window: str | None = None,
) -> Row:
    """One task instance; `inner` is how many upstreams inside its workflow instance it waits for.

    One without any waits for the entry of its workflow instance, unless that has `opened`.
    """
    waits_entry = int(not inner and not opened)
    return {
        **shared,
        **fixed,
        "id": id,
        "kind": "Task",
        "task_id": task_id,
        "trigger_time": cycle.trigger_time,
        "due_time": due_time,
        "period_number": cycle.number,
        "recurrence": recurrence,
        "immediate": int(immediate),
        "pending_upstreams": inner + waits_entry,
        "waits_entry": waits_entry,
        "held": 0,
        "unfinished": 0,
        "late": int(late),
        "weight": weight,
        "parameters": parameters,
        "run_window": run_window,
    }
