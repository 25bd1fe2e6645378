"""Deeds on single instances: other values, the signal of a trigger, fewer upstreams; and the log of all deeds."""

from datetime import timedelta
from zoneinfo import ZoneInfo

from tidemill.actions.context import Context
from tidemill.actions.deed_models import (
    ListTaskInstanceOperationLogsRequest,
    ListTaskInstanceOperationLogsResponse,
    OperationLog,
    OperationLogPage,
    RemoveTaskInstanceDependenciesRequest,
    TriggerSchedulerTaskInstanceRequest,
    UpdateTaskInstancesRequest,
)
from tidemill.actions.shared_models import SuccessInfoResponse, SuccessResponse
from tidemill.actions.workflows import DEFAULT_ENV
from tidemill.domain.errors import Fault, InvalidRequest, NotFound, StatusConflict
from tidemill.domain.instance import SCHEDULER_TRIGGER
from tidemill.domain.moments import midnight, wall_clock
from tidemill.scheduler.changing import change, fire
from tidemill.scheduler.operate import Operator, remove_dependencies
from tidemill.store import changing, instance_lists, instances
from tidemill.store.changing import Values
from tidemill.store.pages import Page

_LOGGED_DAYS = 31  # source: ListTaskInstanceOperationLogs, parameter Date


def _operator(context: Context) -> Operator:
    return Operator(context.caller.account_id, context.now)


def _project_of(context: Context, id: int) -> int:
    """The instance's project, in which the caller may do this. Raises NotFound or Forbidden."""
    project = instance_lists.projects_of(context.db, [id], workflows=False).get(id)
    if project is None:
        raise NotFound("TaskInstance", f"There is no task instance {id}.")
    context.project(project)
    return project


def update(context: Context, request: UpdateTaskInstancesRequest) -> SuccessInfoResponse:
    """Give instances that have not ended another priority, resource group or data source."""
    ids = [item.id for item in request.task_instances]
    for project in set(instance_lists.projects_of(context.db, ids, workflows=False).values()):
        context.project(project)
    values = [
        Values(item.id, item.priority, item.runtime_resource, item.data_source.name if item.data_source else None)
        for item in request.task_instances
    ]
    return SuccessInfoResponse.of(change(context.db, _operator(context), values))


def trigger(context: Context, request: TriggerSchedulerTaskInstanceRequest) -> SuccessResponse:
    """Fire a task of type SCHEDULER_TRIGGER: all its instances of this time that have not ended get the signal."""
    env = request.env_type or DEFAULT_ENV
    found = changing.at_trigger_time(context.db, env, request.task_id, request.trigger_time)
    if not found:
        raise NotFound(
            "TaskInstance", f"Task {request.task_id} has no instance at TriggerTime {request.trigger_time} in {env}."
        )
    for project in {item.project_id for item in found}:
        context.project(project)
    if all(item.signalled_time is None for item in found):
        kind = found[0].task_type
        raise InvalidRequest([Fault("TaskId", f"a task of type {SCHEDULER_TRIGGER} is expected, not {kind}")])
    answers = fire(context.db, _operator(context), [item.id for item in found])
    if all(answers.values()):
        raise StatusConflict(f"Task instance {found[0].id}: {answers[found[0].id]}.")
    return SuccessResponse()


def remove(context: Context, request: RemoveTaskInstanceDependenciesRequest) -> SuccessResponse:
    """Cut an instance that has not begun off from the upstreams named (decision 19)."""
    _project_of(context, request.id)
    upstreams = instances.upstreams_of(context.db, request.id)
    strange = [
        Fault(f"UpstreamTaskInstanceIds[{index}]", f"{id} is not an upstream of {request.id}")
        for index, id in enumerate(request.upstream_task_instance_ids)
        if id not in upstreams
    ]
    if strange:
        raise InvalidRequest(strange)
    refusal = remove_dependencies(context.db, _operator(context), request.id, request.upstream_task_instance_ids)
    if refusal:
        raise StatusConflict(f"Task instance {request.id}: {refusal}.")
    return SuccessResponse()


def list_logs(context: Context, request: ListTaskInstanceOperationLogsRequest) -> ListTaskInstanceOperationLogsResponse:
    """What people did to an instance on one day, the latest first; days are those of the project's time zone."""
    project = _project_of(context, request.id)
    first, end = _day(context, ZoneInfo(context.project(project).time_zone), request.date)
    wanted = Page(request.page_number, request.page_size)
    rows, total = instance_lists.deeds_on(context.db, request.id, first, end, wanted)
    shown = tuple(
        OperationLog(
            operation_seq=row.id,
            operation_content=row.cause if row.detail is None else f"{row.cause}: {row.detail}",
            task_instance_id=row.instance_id,
            user=row.user,
            create_time=row.time,
        )
        for row in rows
    )
    return ListTaskInstanceOperationLogsResponse(
        paging_info=OperationLogPage(
            page_number=request.page_number, page_size=request.page_size, total_count=total, operation_logs=shown
        )
    )


def _day(context: Context, zone: ZoneInfo, date: int | None) -> tuple[int, int]:
    """The day's first moment and the next day's. Raises InvalidRequest for one that is too long ago."""
    today = wall_clock(context.now, zone).date()
    try:
        day = today if date is None else wall_clock(date, zone).date()
        begins, ends = midnight(day, zone), midnight(day + timedelta(1), zone)
    except (ValueError, OverflowError, OSError):
        raise InvalidRequest([Fault("Date", "a moment in epoch milliseconds is expected")]) from None
    if (today - day).days >= _LOGGED_DAYS:
        raise InvalidRequest([Fault("Date", f"one of the last {_LOGGED_DAYS} days is expected")])
    return begins, ends
