"""What CreateWorkflowInstances asks for, checked against the workflow it names: every fault at once."""

import json
from collections.abc import Collection, Iterator
from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from tidemill.actions.choosing import HERE, choose
from tidemill.actions.context import Context
from tidemill.actions.instance_models import CreateWorkflowInstancesRequest, DefaultRunProperties, Periods
from tidemill.domain.creation import Creation
from tidemill.domain.definitions import Tag, WorkflowAt
from tidemill.domain.errors import Fault, InvalidRequest
from tidemill.domain.moments import wall_clock
from tidemill.domain.parameters import validate
from tidemill.domain.selection import groups
from tidemill.domain.windows import Window
from tidemill.store.members import Project
from tidemill.store.pages import AnyRow
from tidemill.store.versions import workflow_at

_MAX_DATES = 3_660


def creation_of(
    context: Context, request: CreateWorkflowInstancesRequest, row: AnyRow | None, env: str, project: Project
) -> Creation:
    """The operation's request with everything it pins; `row` is None for workflow 1. Raises InvalidRequest."""
    workflow = workflow_at(context.db, row.id, row.env, row.version) if row is not None else None
    properties = request.default_run_properties or DefaultRunProperties()
    zone = (row.time_zone if row is not None else None) or project.time_zone
    bizdates, faults = _bizdates(request, zone, context.now)
    choice, choice_faults = choose(context, request, env)
    ids = choice.run | choice.dry if choice else None
    faults = [*faults, *choice_faults, *_policy_faults(request, properties), *_parameter_faults(request, ids)]
    if faults or choice is None:
        raise InvalidRequest(faults)
    if properties.order == "Desc":
        bizdates.reverse()
    single = request.type in ("ManualWorkflow", "Manual", "TriggerWorkflow")
    return Creation(
        type=request.type,
        project_id=project.id,
        project_name=project.name,
        time_zone=zone,
        workflow_id=request.workflow_id,
        env=env,
        workflow_version=row.version if row is not None else 0,
        name=request.name,
        owner=row.owner if row is not None else context.caller.account_id,
        user=context.caller.account_id,
        bizdates=tuple(bizdates),
        groups=tuple(len(group) for group in groups(len(bizdates), properties.parallelism or 1)),
        members=choice.members,
        run=tuple(sorted(choice.run)),
        dry=tuple(sorted(choice.dry)),
        cycles_from=(request.periods.start_time if request.periods else None) or "00:00:00",
        cycles_to=(request.periods.end_time if request.periods else None) or "23:59:59",
        trigger_time=context.now // 1000 * 1000 if request.type == "TriggerWorkflow" else None,
        trigger_message=request.trigger_message,
        auto_start=request.auto_start_enabled is not False,
        immediately=bool(properties.run_policy and properties.run_policy.immediately),
        window=_window(properties, zone),
        task_parameters=_task_parameters(request),
        workflow_parameters=request.workflow_parameters,
        resource_group_id=properties.runtime_resource,
        data_sources=properties.data_source_name_mappings or {},
        priority=properties.priority if single else None,
        weighted=properties.priority_weight_strategy == "Upstream" and single,
        tags=_tags(request, workflow),
    )


def _window(properties: DefaultRunProperties, zone: str) -> Window | None:
    policy = properties.run_policy
    if policy is None or policy.start_time is None or policy.end_time is None:
        return None
    if policy.type != "Weekend" and (policy.start_time, policy.end_time) == ("00:00:00", "23:59:59"):
        return None
    return Window(policy.type or "Daily", policy.start_time, policy.end_time, zone)


def _bizdates(request: CreateWorkflowInstancesRequest, zone: str, now: int) -> tuple[list[str], list[Fault]]:
    """The business dates asked for, ascending and once each; yesterday for a manual run that names none."""
    periods = request.periods
    if request.type == "TriggerWorkflow":
        if periods is not None:
            return [], [Fault("Periods", "none is expected: a triggered run's date is that of its moment")]
        return [_yesterday(zone, now)], []
    if periods is None:
        if request.type == "SupplementData":
            return [], [Fault("Periods", "a backfill names its business dates in Periods.BizDates", True)]
        return [_yesterday(zone, now)], []
    faults = list(_hour_faults(periods))
    chosen: set[date] = set()
    for index, item in enumerate(periods.biz_dates):
        first, last = date.fromisoformat(item.start_biz_date), date.fromisoformat(item.end_biz_date)
        path = f"Periods.BizDates[{index}].EndBizDate"
        if last < first:
            faults.append(Fault(path, "not before StartBizDate"))
        elif (last - first).days >= _MAX_DATES or last.year > 9990:
            faults.append(Fault(path, f"at most {_MAX_DATES} business dates, up to the year 9990"))
        else:
            chosen.update(first + timedelta(days=offset) for offset in range((last - first).days + 1))
    if len(chosen) > _MAX_DATES:
        faults.append(Fault("Periods.BizDates", f"at most {_MAX_DATES} business dates in all"))
    return [day.isoformat() for day in sorted(chosen)], faults


def _yesterday(zone: str, now: int) -> str:
    return (wall_clock(now, ZoneInfo(zone)).date() - timedelta(days=1)).isoformat()


def _hour_faults(periods: Periods) -> Iterator[Fault]:
    if (periods.start_time is None) != (periods.end_time is None):
        absent = "StartTime" if periods.start_time is None else "EndTime"
        yield Fault(f"Periods.{absent}", "StartTime and EndTime go together", True)
    elif periods.start_time and periods.end_time and periods.end_time < periods.start_time:
        yield Fault("Periods.EndTime", "not before StartTime")


def _policy_faults(request: CreateWorkflowInstancesRequest, properties: DefaultRunProperties) -> Iterator[Fault]:
    policy = properties.run_policy
    if policy is not None and (policy.type or policy.start_time or policy.end_time):
        for name, value in (("Type", policy.type), ("StartTime", policy.start_time), ("EndTime", policy.end_time)):
            if value is None:
                yield Fault(f"{HERE}.RunPolicy.{name}", "Type, StartTime and EndTime go together", True)
    if request.trigger_message is not None and request.type != "TriggerWorkflow":
        yield Fault("TriggerMessage", "none is expected unless Type is TriggerWorkflow")
    if request.type == "SupplementData" and properties.priority is not None:
        yield Fault(f"{HERE}.Priority", "only a manual run has a priority of its own")


def _task_parameters(request: CreateWorkflowInstancesRequest) -> dict[int, str]:
    given: dict[str, str] = json.loads(request.task_parameters) if request.task_parameters else {}
    return {int(id): text for id, text in given.items()}


def _parameter_faults(request: CreateWorkflowInstancesRequest, ids: Collection[int] | None) -> Iterator[Fault]:
    """`ids` are the tasks of the run; None where they are not known for other faults."""
    given = _json_object(request.task_parameters)
    if given is None or not all(isinstance(text, str) for text in given.values()):
        yield Fault("TaskParameters", 'a JSON object like {"<task id>": "k1=v1 k2=v2"} is expected')
    else:
        for id, text in given.items():
            if ids is not None and not (id.isdecimal() and int(id) in ids):
                yield Fault("TaskParameters", f"{id} is not a task of this run")
            else:
                yield from _text_faults("TaskParameters", text)
    if request.type in ("ManualWorkflow", "Manual"):
        if _json_object(request.workflow_parameters) is None:
            yield Fault("WorkflowParameters", 'a JSON object like {"k1": "v1"} is expected for a manual workflow')
    elif request.workflow_parameters:
        yield from _text_faults("WorkflowParameters", request.workflow_parameters)


def _json_object(text: str | None) -> dict[str, Any] | None:
    """The object that a JSON text holds; {} for no text, None for anything else."""
    if not text:
        return {}
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None  # pyright: ignore[reportUnknownVariableType]


def _text_faults(parameter: str, text: str) -> Iterator[Fault]:
    try:
        validate(text)
    except ValueError as error:
        yield Fault(parameter, str(error))


def _tags(request: CreateWorkflowInstancesRequest, workflow: WorkflowAt | None) -> tuple[Tag, ...]:
    """The workflow's tags with the run's own on top, or the run's own alone."""
    kept = workflow.definition.tags if workflow is not None and request.tag_creation_policy != "Overwrite" else ()
    own = {tag.key: tag for tag in kept}
    return tuple((own | {tag.key: tag for tag in request.tags}).values())
