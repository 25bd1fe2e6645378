"""Workflow and task instances, read."""

from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from tidemill.actions.context import Context
from tidemill.actions.instance_models import (
    CreationResult,
    GetCreateWorkflowInstancesResultRequest,
    GetCreateWorkflowInstancesResultResponse,
    GetTaskInstanceLogRequest,
    GetTaskInstanceLogResponse,
    GetTaskInstanceRequest,
    GetTaskInstanceResponse,
    GetWorkflowInstanceRequest,
    GetWorkflowInstanceResponse,
    ListTaskInstancesRequest,
    ListTaskInstancesResponse,
    ListWorkflowInstancesRequest,
    ListWorkflowInstancesResponse,
    Runtime,
    TaskInstanceListed,
    TaskInstancePage,
    TaskInstanceView,
    WorkflowInstancePage,
    WorkflowInstanceView,
)
from tidemill.actions.workflows import DEFAULT_ENV, authors, sort_page
from tidemill.domain.business_date import bizdate_holding, bizdate_milliseconds
from tidemill.domain.definitions import DataSource, Inputs, Outputs, RuntimeResource, Script, Tag, Task
from tidemill.domain.errors import Fault, InvalidRequest, NotFound
from tidemill.domain.instance import UNCHOSEN
from tidemill.domain.parameters import Resolved
from tidemill.domain.substitution import render
from tidemill.store import instance_lists, operations
from tidemill.store.instance_lists import TaskInstanceFilter, WorkflowInstanceFilter
from tidemill.store.pages import AnyRow, tags_of

_BEGUN = ("Running", "Checking", "CheckingCondition", "Success", "Failure")
_DAY = 24 * 3_600_000


def find_operation(context: Context, id: str, kind: str) -> AnyRow:
    """The operation, in progress or ended at most `operation_days` ago. Raises NotFound."""
    row = operations.by_uuid(context.db, id)
    oldest = context.now - context.settings.operation_days * _DAY
    if row is None or row.kind != kind or (row.finished_time is not None and row.finished_time < oldest):
        raise NotFound("Operation", f"There is no operation {id}.")
    context.project(row.project_id)
    return row


def creation_result(
    context: Context, request: GetCreateWorkflowInstancesResultRequest
) -> GetCreateWorkflowInstancesResultResponse:
    """How far a creation is; its ids once it has ended."""
    row = find_operation(context, request.operation_id, operations.CREATION)
    made = instance_lists.made_by(context.db, row.id) if row.finished_time is not None else []
    result = CreationResult(
        status=row.state,
        failure_message=row.message if row.state == "CreateFailure" else None,
        workflow_instance_ids=tuple(item.id for item in made),
        workflow_task_instance_ids=tuple(item.task_instance_id for item in made),
        unified_workflow_instance_ids=tuple(item.unified_id for item in made),
    )
    return GetCreateWorkflowInstancesResultResponse(result=result)


def bizdate_of(context: Context, project_id: int, parameter: str, milliseconds: int) -> str:
    """The date, in the project's zone, of a moment that `parameter` gives."""
    try:
        return bizdate_holding(milliseconds, ZoneInfo(context.project(project_id).time_zone)).isoformat()
    except ValueError as error:
        raise InvalidRequest([Fault(parameter, str(error))]) from None


# --- workflow instances ------------------------------------------------------------------------------------------


def list_workflow_instances(context: Context, request: ListWorkflowInstancesRequest) -> ListWorkflowInstancesResponse:
    zone = context.project(request.project_id).time_zone
    env = request.env_type or DEFAULT_ENV
    day = request.filter.execution_date if request.filter else None
    wanted = WorkflowInstanceFilter(
        project_id=request.project_id,
        env=env,
        bizdate=bizdate_of(context, request.project_id, "BizDate", request.biz_date),
        ids=request.ids,
        name=request.name,
        owner=request.owner,
        tags=request.tags,
        type=request.type,
        unified_id=request.unified_workflow_instance_id,
        workflow_id=request.workflow_id,
        status=request.filter.status if request.filter else None,
        executed_on=None if day is None else (day, day + _DAY - 1),
    )
    rows, total = instance_lists.list_workflow_instances(context.db, context.now, wanted, sort_page(request))
    tags = tags_of(context.db, "WorkflowInstance", env, [row.id for row in rows])
    views = tuple(_workflow_instance(row, zone, tags.get(row.id, [])) for row in rows)
    return ListWorkflowInstancesResponse(
        paging_info=WorkflowInstancePage(
            page_number=request.page_number,
            page_size=request.page_size,
            total_count=total,
            workflow_instances=views,
        )
    )


def get_workflow_instance(context: Context, request: GetWorkflowInstanceRequest) -> GetWorkflowInstanceResponse:
    row = instance_lists.find_workflow_instance(context.db, context.now, request.id)
    if row is None:
        raise NotFound("WorkflowInstance", f"There is no workflow instance {request.id}.")
    zone = context.project(row.project_id).time_zone
    tags = tags_of(context.db, "WorkflowInstance", row.env, [row.id])
    view = _workflow_instance(row, zone, tags.get(row.id, []))
    return GetWorkflowInstanceResponse(workflow_instance=view)


def _workflow_instance(row: AnyRow, zone: str, tags: list[tuple[str, str]]) -> WorkflowInstanceView:
    return WorkflowInstanceView(
        id=row.id,
        name=row.name,
        type=row.type,
        status=row.status,
        owner=row.owner,
        env_type=row.env,
        project_id=row.project_id,
        workflow_id=row.workflow_id,
        workflow_task_instance_id=row.task_instance_id,
        unified_workflow_instance_id=row.unified_id,
        workflow_parameters=row.parameters,
        biz_date=bizdate_milliseconds(date.fromisoformat(row.bizdate), ZoneInfo(zone)),
        tags=tuple(Tag(key=key, value=value) for key, value in tags),
        started_time=row.started_time,
        finished_time=row.finished_time,
        **authors(row),
    )


# --- task instances ----------------------------------------------------------------------------------------------


def list_task_instances(context: Context, request: ListTaskInstancesRequest) -> ListTaskInstancesResponse:
    """Task instances of a business date; asked by the single Id, one row for each run of that instance."""
    zone = context.project(request.project_id).time_zone
    times = request.filter
    wanted = TaskInstanceFilter(
        project_id=request.project_id,
        env=request.project_env or DEFAULT_ENV,
        bizdate=bizdate_of(context, request.project_id, "Bizdate", request.bizdate),
        ids=(*request.ids, *(() if request.id is None else (request.id,))),
        task_ids=(*request.task_ids, *(() if request.task_id is None else (request.task_id,))),
        task_name=request.task_name,
        task_type=request.task_type,
        owner=request.owner,
        resource_group_id=request.runtime_resource,
        status=request.status,
        trigger_type=request.trigger_type,
        recurrence=request.trigger_recurrence,
        workflow_id=request.workflow_id,
        workflow_instance_id=request.workflow_instance_id,
        workflow_instance_type=request.workflow_instance_type,
        unified_workflow_instance_id=request.unified_workflow_instance_id,
        times=()
        if times is None
        else (
            ("started_time", times.started_time_start, times.started_time_end),
            ("finished_time", times.finished_time_start, times.finished_time_end),
            ("create_time", times.create_time_start, times.create_time_end),
        ),
    )
    order = sort_page(request)
    rows, total = instance_lists.list_task_instances(context.db, context.now, wanted, order)
    items = [_listed(row, zone) for row in rows]
    if request.id is not None and rows:
        items = _runs(context, rows[0], items[0])
        total = len(items)
        items = items[:: -1 if order.descending else 1][(order.number - 1) * order.size :][: order.size]
    return ListTaskInstancesResponse(
        paging_info=TaskInstancePage(
            page_number=request.page_number,
            page_size=request.page_size,
            total_count=total,
            task_instances=tuple(items),
        )
    )


def _runs(context: Context, row: AnyRow, current: TaskInstanceListed) -> list[TaskInstanceListed]:
    """One row a run, in run order: earlier ones as they ended, the last as the instance stands.

    An instance between two runs has one row more, for the run to come.
    """
    found = instance_lists.runs_of(context.db, row.id)
    earlier = [
        current.model_copy(
            update={
                "run_number": run.run_number,
                "status": run.status or "Running",
                "waiting_trigger_time": run.wait_trigger_time,
                "waiting_resource_time": run.wait_resource_time,
                "started_time": run.started_time,
                "finished_time": run.finished_time,
                "runtime": Runtime(gateway=run.runner or None, process_id=str(run.process_id or "") or None),
            }
        )
        for run in found
        if run.run_number < row.run_number or current.status not in _BEGUN
    ]
    begun = current.status in _BEGUN
    return [*earlier, current if begun else current.model_copy(update={"run_number": row.run_number + 1})]


def get_task_instance(context: Context, request: GetTaskInstanceRequest) -> GetTaskInstanceResponse:
    row = find_task_instance(context, request.id)
    zone = context.project(row.project_id).time_zone
    definition = Task.model_validate_json(row.definition)
    values = Resolved.from_json(row.parameters)
    content = None if row.script is None else render(row.script, values.values)
    view = TaskInstanceView(
        **shown(row, zone, definition),
        script=None if content is None and not values.text else Script(content=content, parameters=values.text or None),
        inputs=definition.inputs or Inputs(),
        outputs=definition.outputs or Outputs(),
        tags=definition.tags,
    )
    return GetTaskInstanceResponse(task_instance=view)


def find_task_instance(context: Context, id: int) -> AnyRow:
    row = instance_lists.find_task_instance(context.db, context.now, id)
    if row is None:
        raise NotFound("TaskInstance", f"There is no task instance {id}.")
    return row


def _listed(row: AnyRow, zone: str) -> TaskInstanceListed:
    values = Resolved.from_json(row.parameters)
    definition = Task.model_validate_json(row.definition)
    return TaskInstanceListed(**shown(row, zone, definition), script_parameters=values.text or None)


def shown(row: AnyRow, zone: str, definition: Task) -> dict[str, Any]:
    begun = row.status in _BEGUN
    manual = row.workflow_instance_type in ("ManualWorkflow", "Manual")
    resource = definition.runtime_resource.model_copy(update={"resource_group_id": row.resource_group_id})
    return {
        "id": row.id,
        "task_id": row.task_id,
        "task_name": row.task_name,
        "task_type": row.task_type,
        "description": definition.description,
        "owner": row.owner,
        "project_env": row.env,
        "project_id": row.project_id,
        "workflow_id": row.workflow_id,
        "workflow_name": row.workflow_name,
        "workflow_instance_id": row.workflow_instance_id,
        "workflow_instance_type": row.workflow_instance_type,
        "unified_workflow_instance_id": row.unified_workflow_instance_id,
        "bizdate": bizdate_milliseconds(date.fromisoformat(row.bizdate), ZoneInfo(zone)),
        "period_number": row.period_number,
        "priority": row.priority,
        "baseline_id": definition.base_line_id,
        "rerun_mode": row.rerun_mode,
        "run_number": max(1, row.run_number),
        "status": row.status,
        "timeout": row.timeout,
        "trigger_type": "Manual" if manual else "Scheduler",
        "trigger_time": row.trigger_time,
        "trigger_recurrence": "Pause" if row.frozen else "ConditionUnchoose" if row.unchosen else row.recurrence,
        "operation_type": row.operation_type,
        "runtime": Runtime(gateway=row.gateway or None, process_id=str(row.process_id or "") or None)
        if begun
        else None,
        "runtime_resource": RuntimeResource.model_validate(resource),
        "data_source": DataSource(name=row.data_source) if row.data_source else None,
        "waiting_trigger_time": row.upstreams_done_time,
        "waiting_resource_time": row.wait_resource_time,
        "started_time": row.started_time if begun else None,
        "finished_time": row.finished_time,
        **authors(row),
    }


def get_task_instance_log(context: Context, request: GetTaskInstanceLogRequest) -> GetTaskInstanceLogResponse:
    """The log of a run, the latest unless RunNumber says otherwise; that of a dry run is empty.

    A run without a process, that of a branch for example, has its message.
    """
    row = find_task_instance(context, request.id)
    context.project(row.project_id)
    wanted = request.run_number or max(1, row.run_number)
    if wanted > max(1, row.run_number):
        raise InvalidRequest([Fault("RunNumber", f"the instance has had {row.run_number} runs")])
    found = next((run for run in instance_lists.runs_of(context.db, row.id) if run.run_number == wanted), None)
    if found is None:
        text = UNCHOSEN if row.unchosen else ""
    else:
        text = context.logs.read(context.db, found.runner, found.log) if found.log else found.message or ""
    return GetTaskInstanceLogResponse(task_instance_log=text)
