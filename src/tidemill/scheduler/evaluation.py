"""When the instances of a business date trigger, and what their parameters are: fixed when they are made."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, time
from zoneinfo import ZoneInfo

from tidemill.domain.business_date import run_date_of
from tidemill.domain.control.trigger_message import MESSAGE
from tidemill.domain.creation import Creation
from tidemill.domain.cron import Cron, CycleClass
from tidemill.domain.definitions import WorkflowAt
from tidemill.domain.drafts import Draft, Scheduled, inner_upstreams
from tidemill.domain.expressions import Base
from tidemill.domain.moments import midnight, wall_clock
from tidemill.domain.parameters import Levels, Workspace, any_has_ids, declare, resolve_levels
from tidemill.domain.schedule import Cycle, expand_day, parse_validity

Values = dict[int, str]


def scheduled_on(workflow: WorkflowAt, asked: Creation, project_name: str, zone: str, bizdate: date) -> Scheduled:
    """A workflow of the run with its cycles of the run date after `bizdate`."""
    cron = workflow.definition.trigger.cron
    cycle_class = CycleClass.DAY if asked.manual or cron is None else Cron.parse(cron).cycle_class
    cycles = _cycles(workflow, asked, ZoneInfo(zone), bizdate)
    return Scheduled(workflow, cycles, cycle_class, inner_upstreams(workflow, project_name))


def _cycles(workflow: WorkflowAt, asked: Creation, zone: ZoneInfo, bizdate: date) -> Sequence[Cycle]:
    """Those within the hours asked for; a manual run has one at 00:00, a triggered one at the moment of the trigger."""
    run_date = run_date_of(bizdate)
    trigger = workflow.definition.trigger
    if asked.trigger_time is not None:
        return [Cycle(asked.trigger_time, 1, dry_run=False)]
    if asked.manual or trigger.cron is None:
        return [Cycle(midnight(run_date, zone), 1, dry_run=False)]
    validity = parse_validity(trigger.start_time, trigger.end_time)
    first, last = time.fromisoformat(asked.cycles_from), time.fromisoformat(asked.cycles_to)
    cycles = expand_day(Cron.parse(trigger.cron), run_date, zone, validity)
    chosen = [cycle for cycle in cycles if first <= wall_clock(cycle.trigger_time, zone).time() <= last]
    return [cycle._replace(dry_run=False) for cycle in chosen[:1]] if asked.type == "SmokeTest" else chosen


def values_of(
    asked: Creation, bizdate: str, drafts: Sequence[Draft], workspaces: Mapping[int, tuple[str, Workspace]]
) -> Values:
    """Instance: its resolved parameters as JSON (`domain.parameters.Resolved`).

    `workspaces` are by workflow: its time zone, and its project's parameters.
    """
    day = date.fromisoformat(bizdate)
    workflows = {item.workflow.id: item.workflow for item in drafts}
    resolving = {id: _Resolving(workflow, asked, day, *workspaces[id]) for id, workflow in workflows.items()}
    return {item.id: resolving[item.workflow.id].value_of(item) for item in drafts}


class _Resolving:
    """Resolves the parameters of a workflow's instances, once for those that must get the same."""

    def __init__(self, workflow: WorkflowAt, asked: Creation, day: date, zone: str, workspace: Workspace) -> None:
        self._asked = asked
        self._day = day
        self._zone = ZoneInfo(zone)
        self._common = _common_levels(workflow, asked, workspace)
        self._has_ids = any_has_ids((*self._common.workflow, *workspace.variables))
        self._known: dict[tuple[int, bool, str | None], str] = {}

    def value_of(self, item: Draft) -> str:
        override = self._asked.task_parameters.get(item.task.id)
        script = item.task.definition.script
        declared = script.parameters if override is None and script else override
        if self._has_ids or any_has_ids(declare(declared)):
            return self._resolved(item, override, declared)
        key = (item.cycle.trigger_time, override is None, declared)
        if key not in self._known:
            self._known[key] = self._resolved(item, override, declared)
        return self._known[key]

    def _resolved(self, item: Draft, override: str | None, declared: str | None) -> str:
        """With the parameters of the run on top (scheduling-semantics 4.6)."""
        own = declare(declared)
        levels = replace(self._common, task=own) if override is None else replace(self._common, override=own)
        base = Base(item.cycle.trigger_time, self._day, self._zone, item.workflow.id, item.task.id, item.id)
        return resolve_levels(levels, base).to_json()


def _common_levels(workflow: WorkflowAt, asked: Creation, workspace: Workspace) -> Levels:
    """What all tasks of a workflow see."""
    declared = {item.name: item for item in declare(workflow.definition.parameters)}
    by_hand = asked.type in ("ManualWorkflow", "Manual")
    if asked.workflow_parameters and not by_hand:
        declared |= {item.name: item for item in declare(asked.workflow_parameters)}
    given = dict(_given(asked.workflow_parameters)) if by_hand else {}
    if asked.trigger_message is not None:
        given[MESSAGE] = asked.trigger_message
    return Levels(
        task=(),
        workflow=tuple(declared.values()),
        workspace=workspace,
        manual=by_hand,
        given=given,
    )


def _given(text: str | None) -> Mapping[str, str]:
    """The workflow parameters of a manual run: a JSON object."""
    given: dict[str, object] = json.loads(text) if text else {}
    return {name: value if isinstance(value, str) else json.dumps(value) for name, value in given.items()}
