"""When the instances of a business date trigger, and what their parameters are: fixed when they are made."""

import json
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from tidemill.domain.creation import Creation
from tidemill.domain.cron import expand_day
from tidemill.domain.definitions import WorkflowAt
from tidemill.domain.drafts import Cycle, Draft
from tidemill.domain.expressions import Moment
from tidemill.domain.parameters import Resolved, resolve

Values = dict[int, str]


def cycles_of(workflow: WorkflowAt, asked: Creation, bizdate: date) -> list[Cycle]:
    """The cycles of the run date after `bizdate` within the hours asked for; a manual run has one, at 00:00."""
    run_date = bizdate + timedelta(days=1)
    zone = ZoneInfo(asked.time_zone)
    trigger = workflow.definition.trigger
    if asked.manual or trigger.cron is None:
        midnight = datetime.combine(run_date, time(), zone)
        return [Cycle(int(midnight.timestamp() * 1000), 1)]
    cycles = expand_day(trigger.cron, run_date, asked.time_zone, trigger.start_time, trigger.end_time)
    first, last = time.fromisoformat(asked.cycles_from), time.fromisoformat(asked.cycles_to)

    def within(cycle: Cycle) -> bool:
        return first <= datetime.fromtimestamp(cycle.trigger_time / 1000, zone).time() <= last

    return [cycle for cycle in cycles if within(cycle)]


def values_of(workflow: WorkflowAt, asked: Creation, bizdate: str, drafts: Sequence[Draft]) -> Values:
    """Instance: its resolved parameters as JSON (`domain.parameters.Resolved`)."""
    day = date.fromisoformat(bizdate)
    return {item.id: _resolved(workflow, asked, day, item).model_dump_json(exclude_defaults=True) for item in drafts}


def _resolved(workflow: WorkflowAt, asked: Creation, day: date, item: Draft) -> Resolved:
    moment = Moment(item.cycle.trigger_time, day, asked.time_zone, asked.workflow_id, item.task.id, item.id)
    script = item.task.definition.script
    text = asked.task_parameters.get(item.task.id, script.parameters if script else None)
    return Resolved(
        task=tuple(resolve(text, moment)),
        workflow=_workflow_values(workflow.definition.parameters, asked, moment),
        workflow_first=asked.manual and item.task.id not in asked.task_parameters,
        bizdate=f"{day:%Y%m%d}",
        cyctime=f"{moment.local:%Y%m%d%H%M%S}",
    )


def _workflow_values(declared: str | None, asked: Creation, moment: Moment) -> dict[str, str]:
    """The workflow's values, with those of the run on top: JSON for manual workflows, else `k=v` text (4.6)."""
    values = dict(resolve(declared, moment))
    if asked.workflow_parameters:
        if asked.manual:
            given: dict[str, object] = json.loads(asked.workflow_parameters)
            values |= {name: value if isinstance(value, str) else json.dumps(value) for name, value in given.items()}
        else:
            values |= dict(resolve(asked.workflow_parameters, moment))
    return values
