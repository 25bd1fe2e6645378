"""The parameters that instances keep: resolved when they are made, once for all instances that must get the same."""

from datetime import date
from functools import lru_cache
from zoneinfo import ZoneInfo

from tidemill.domain.definitions import TaskAt, WorkflowAt
from tidemill.domain.expressions import Base
from tidemill.domain.parameters import Levels, Parameter, Workspace, any_has_ids, declare, resolve_levels


class Values:
    """Resolves the parameters of one workflow's tasks for one business date."""

    def __init__(self, workflow: WorkflowAt, zone: str, bizdate: str, workspace: Workspace) -> None:
        self._workflow_id = workflow.id
        self._zone = ZoneInfo(zone)
        self._day = date.fromisoformat(bizdate)
        self._workflow = declare(workflow.definition.parameters)
        self._workspace = workspace

    def of(self, task: TaskAt, trigger_time: int, instance_id: int) -> str:
        """What the instance stores (`domain.parameters.Resolved` as JSON)."""
        script = task.definition.script
        own = declare(script.parameters if script else None)
        if any(map(any_has_ids, (own, self._workflow, self._workspace.variables))):
            base = Base(trigger_time, self._day, self._zone, self._workflow_id, task.id, instance_id)
            return resolve_levels(Levels(own, self._workflow, self._workspace), base).to_json()
        return _shared(own, self._workflow, self._workspace, trigger_time, self._day, self._zone)


@lru_cache(maxsize=65_536)
def _shared(
    own: tuple[Parameter, ...],
    workflow: tuple[Parameter, ...],
    workspace: Workspace,
    trigger_time: int,
    day: date,
    zone: ZoneInfo,
) -> str:
    base = Base(trigger_time, day, zone, workflow_id=0, task_id=0, instance_id=0)
    return resolve_levels(Levels(own, workflow, workspace), base).to_json()
