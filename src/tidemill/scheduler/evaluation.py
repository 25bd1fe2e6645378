"""When the instances of a business date trigger, and what their parameters are: fixed when they are made."""

import json
from collections.abc import Mapping, Sequence
from datetime import date, time
from zoneinfo import ZoneInfo

from tidemill.domain.business_date import run_date_of
from tidemill.domain.creation import Creation
from tidemill.domain.cron import Cron
from tidemill.domain.definitions import WorkflowAt
from tidemill.domain.drafts import Draft
from tidemill.domain.expressions import Base
from tidemill.domain.moments import midnight, wall_clock
from tidemill.domain.parameters import Levels, declare, resolve_levels
from tidemill.domain.schedule import Cycle, expand_day, parse_validity

Values = dict[int, str]


def cycles_of(workflow: WorkflowAt, asked: Creation, bizdate: date) -> list[Cycle]:
    """The cycles of the run date after `bizdate` within the hours asked for; a manual run has one, at 00:00."""
    run_date = run_date_of(bizdate)
    zone = ZoneInfo(asked.time_zone)
    trigger = workflow.definition.trigger
    if asked.manual or trigger.cron is None:
        return [Cycle(midnight(run_date, zone), 1, dry_run=False)]
    validity = parse_validity(trigger.start_time, trigger.end_time)
    first, last = time.fromisoformat(asked.cycles_from), time.fromisoformat(asked.cycles_to)
    cycles = expand_day(Cron.parse(trigger.cron), run_date, zone, validity)
    return [cycle for cycle in cycles if first <= wall_clock(cycle.trigger_time, zone).time() <= last]


def values_of(workflow: WorkflowAt, asked: Creation, bizdate: str, drafts: Sequence[Draft]) -> Values:
    """Instance: its resolved parameters as JSON (`domain.parameters.Resolved`)."""
    day, zone = date.fromisoformat(bizdate), ZoneInfo(asked.time_zone)
    levels = {task.id: levels_of(workflow, asked, task.id) for task in workflow.tasks}
    return {
        item.id: resolve_levels(
            levels[item.task.id],
            Base(item.cycle.trigger_time, day, zone, asked.workflow_id, item.task.id, item.id),
        ).to_json()
        for item in drafts
    }


def levels_of(workflow: WorkflowAt, asked: Creation, task_id: int) -> Levels:
    """The parameters that a task of this creation sees, with those of the run on top (scheduling-semantics 4.6)."""
    script = next(task.definition.script for task in workflow.tasks if task.id == task_id)
    override = asked.task_parameters.get(task_id)
    declared = {item.name: item for item in declare(workflow.definition.parameters)}
    if asked.workflow_parameters and not asked.manual:
        declared |= {item.name: item for item in declare(asked.workflow_parameters)}
    return Levels(
        task=declare(script.parameters if script else None),
        workflow=tuple(declared.values()),
        override=None if override is None else declare(override),
        manual=asked.manual,
        given=_given(asked.workflow_parameters) if asked.manual else {},
    )


def _given(text: str | None) -> Mapping[str, str]:
    """The workflow parameters of a manual run: a JSON object."""
    given: dict[str, object] = json.loads(text) if text else {}
    return {name: value if isinstance(value, str) else json.dumps(value) for name, value in given.items()}
