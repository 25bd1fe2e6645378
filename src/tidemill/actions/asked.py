"""What CreateWorkflowInstances asks for, checked against the workflow it names: every fault at once."""

import json
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from tidemill.actions.context import Context
from tidemill.actions.instance_models import CreateWorkflowInstancesRequest, DefaultRunProperties, Periods
from tidemill.domain.creation import Creation
from tidemill.domain.definitions import Tag, WorkflowAt
from tidemill.domain.drafts import inner_upstreams, previous_cycle_upstreams
from tidemill.domain.errors import Fault, InvalidRequest
from tidemill.domain.parameters import validate
from tidemill.domain.selection import groups, select
from tidemill.store.members import Project
from tidemill.store.pages import AnyRow
from tidemill.store.versions import workflow_at

_MAX_DATES = 3_660
_SERVED = ("SupplementData", "ManualWorkflow")
_ANY_HOUR = ((None, None), ("00:00:00", "23:59:59"))


def creation_of(context: Context, request: CreateWorkflowInstancesRequest, row: AnyRow, project: Project) -> Creation:
    """The operation's request with everything it pins. Raises InvalidRequest."""
    workflow = workflow_at(context.db, row.id, row.env, row.version)
    assert workflow is not None
    properties = request.default_run_properties or DefaultRunProperties()
    bizdates, faults = _bizdates(request, project.time_zone, context.now)
    faults = [
        *_type_faults(request, row),
        *faults,
        *_property_faults(properties, workflow, project.name, request),
        *_parameter_faults(request, workflow),
    ]
    if faults:
        raise InvalidRequest(faults)
    if properties.order == "Desc":
        bizdates.reverse()
    parallelism = properties.parallelism or 1
    policy = properties.run_policy
    return Creation(
        type=request.type,
        project_id=project.id,
        project_name=project.name,
        time_zone=project.time_zone,
        workflow_id=row.id,
        env=row.env,
        workflow_version=row.version,
        name=request.name,
        owner=row.owner,
        user=context.caller.account_id,
        bizdates=tuple(bizdates),
        groups=tuple(len(group) for group in groups(len(bizdates), parallelism)),
        cycles_from=(request.periods.start_time if request.periods else None) or "00:00:00",
        cycles_to=(request.periods.end_time if request.periods else None) or "23:59:59",
        mode=properties.mode or "ManualSelection",
        roots=properties.root_task_ids,
        include=properties.include_task_ids,
        exclude=properties.exclude_task_ids,
        auto_start=request.auto_start_enabled is not False,
        immediately=bool(policy and policy.immediately),
        task_parameters=_task_parameters(request),
        workflow_parameters=request.workflow_parameters,
        resource_group_id=properties.runtime_resource,
        priority=properties.priority if request.type == "ManualWorkflow" else None,
        weighted=properties.priority_weight_strategy == "Upstream" and request.type == "ManualWorkflow",
        tags=_tags(request, workflow),
    )


def _type_faults(request: CreateWorkflowInstancesRequest, row: AnyRow) -> Iterator[Fault]:
    if request.type not in _SERVED:
        yield Fault("Type", f"{' or '.join(_SERVED)} is expected: {request.type} is not served yet")
    elif request.type == "ManualWorkflow" and row.trigger_type != "Manual":
        yield Fault("Type", "the workflow has a Scheduler trigger: SupplementData runs it for chosen business dates")
    elif request.type == "SupplementData" and row.trigger_type == "Manual":
        yield Fault("Type", "the workflow has a Manual trigger: ManualWorkflow runs it")


def _bizdates(request: CreateWorkflowInstancesRequest, zone: str, now: int) -> tuple[list[str], list[Fault]]:
    """The business dates asked for, ascending and once each; yesterday for a manual run that names none."""
    periods = request.periods
    if periods is None:
        if request.type == "SupplementData":
            return [], [Fault("Periods", "a backfill names its business dates in Periods.BizDates", True)]
        today = datetime.fromtimestamp(now / 1000, ZoneInfo(zone)).date()
        return [(today - timedelta(days=1)).isoformat()], []
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


def _hour_faults(periods: Periods) -> Iterator[Fault]:
    if (periods.start_time is None) != (periods.end_time is None):
        absent = "StartTime" if periods.start_time is None else "EndTime"
        yield Fault(f"Periods.{absent}", "StartTime and EndTime go together", True)
    elif periods.start_time and periods.end_time and periods.end_time < periods.start_time:
        yield Fault("Periods.EndTime", "not before StartTime")


def _property_faults(
    properties: DefaultRunProperties, workflow: WorkflowAt, project: str, request: CreateWorkflowInstancesRequest
) -> Iterator[Fault]:
    here = "DefaultRunProperties"
    ids = {task.id for task in workflow.tasks}
    chosen = {
        "RootTaskIds": properties.root_task_ids,
        "IncludeTaskIds": properties.include_task_ids,
        "ExcludeTaskIds": properties.exclude_task_ids,
    }
    for name, listed in chosen.items():
        unknown = sorted(set(listed) - ids)
        if unknown:
            yield Fault(f"{here}.{name}", f"{unknown[0]} is not a task of workflow {workflow.id}")
    yield from _mode_faults(properties)
    policy = properties.run_policy
    if policy is not None and (policy.start_time, policy.end_time) not in _ANY_HOUR:
        yield Fault(f"{here}.RunPolicy", "a window of hours is not served yet: 00:00:00 to 23:59:59 is expected")
    if properties.order == "Desc" and not any(set(listed) - ids for listed in chosen.values()):
        upstreams = inner_upstreams(workflow, project)
        crossing = previous_cycle_upstreams(workflow, upstreams)
        if _selected(properties, upstreams) & set(crossing):
            yield Fault(f"{here}.Order", "Asc is expected: the tasks depend on their previous cycles")
    if request.type == "SupplementData" and properties.priority is not None:
        yield Fault(f"{here}.Priority", "only a manual run has a priority of its own")


def _selected(properties: DefaultRunProperties, upstreams: dict[int, list[int]]) -> frozenset[int]:
    if list(_mode_faults(properties)):
        return frozenset()
    return select(
        properties.mode or "ManualSelection",
        upstreams,
        properties.root_task_ids,
        properties.include_task_ids,
        properties.exclude_task_ids,
    ).run


def _mode_faults(properties: DefaultRunProperties) -> Iterator[Fault]:
    here = "DefaultRunProperties"
    roots, include = len(properties.root_task_ids), len(properties.include_task_ids)
    match properties.mode:
        case "Chain":
            if roots:
                yield Fault(f"{here}.RootTaskIds", "empty in mode Chain")
            if include != 2:
                yield Fault(f"{here}.IncludeTaskIds", "the start and the end task, in mode Chain")
        case "General" | "AllDownstream" as mode:
            if roots > 1 or (roots == 0 and (include or mode == "AllDownstream")):
                yield Fault(f"{here}.RootTaskIds", f"exactly one task in mode {mode}", missing=roots == 0)
        case _:
            pass


def _task_parameters(request: CreateWorkflowInstancesRequest) -> dict[int, str]:
    given: dict[str, str] = json.loads(request.task_parameters) if request.task_parameters else {}
    return {int(id): text for id, text in given.items()}


def _parameter_faults(request: CreateWorkflowInstancesRequest, workflow: WorkflowAt) -> Iterator[Fault]:
    ids = {str(task.id) for task in workflow.tasks}
    given = _json_object(request.task_parameters)
    if given is None or not all(isinstance(text, str) for text in given.values()):
        yield Fault("TaskParameters", 'a JSON object like {"<task id>": "k1=v1 k2=v2"} is expected')
    else:
        for id, text in given.items():
            if id not in ids:
                yield Fault("TaskParameters", f"{id} is not a task of workflow {workflow.id}")
            else:
                yield from _text_faults("TaskParameters", text)
    if request.type == "ManualWorkflow":
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


def _tags(request: CreateWorkflowInstancesRequest, workflow: WorkflowAt) -> tuple[Tag, ...]:
    """The workflow's tags with the run's own on top, or the run's own alone."""
    own = {} if request.tag_creation_policy == "Overwrite" else {tag.key: tag for tag in workflow.definition.tags}
    return tuple((own | {tag.key: tag for tag in request.tags}).values())
