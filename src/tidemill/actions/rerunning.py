"""Running manual workflow instances again: asked for, and how far that is."""

from uuid import uuid4

from tidemill.actions.context import Context
from tidemill.actions.instance_views import bizdate_of, find_operation
from tidemill.actions.rerun_models import (
    GetRerunWorkflowInstancesResultRequest,
    GetRerunWorkflowInstancesResultResponse,
    RerunFilter,
    RerunResult,
    RerunWorkflowInstancesRequest,
    RerunWorkflowInstancesResponse,
)
from tidemill.actions.workflows import DEFAULT_ENV
from tidemill.domain.errors import Fault, InvalidRequest, NotFound
from tidemill.scheduler.rerunning import Rerun
from tidemill.store import operations, rerunning
from tidemill.store.ids import allocate
from tidemill.store.rerunning import RunFilter


def rerun_workflows(context: Context, request: RerunWorkflowInstancesRequest) -> RerunWorkflowInstancesResponse:
    """Choose the workflow instances and queue their rerun. Raises NotFound where nothing is chosen."""
    env = request.env_type or DEFAULT_ENV
    chosen = rerunning.runs(context.db, context.now, _runs(context, request, env))
    inside = request.filter or RerunFilter()
    asked = Rerun(
        user=context.caller.account_id,
        workflow_instance_ids=tuple(chosen),
        task_ids=inside.task_ids,
        task_name=inside.task_name,
        task_types=inside.task_types,
        statuses=inside.task_instance_statuses,
        downstream=bool(inside.rerun_downstream_enabled),
    )
    if not chosen:
        said = f"No manual instance of workflow {request.workflow_id} in {env} is as the request says."
        raise NotFound("WorkflowInstance", said)
    if not rerunning.any_matching(context.db, context.now, chosen, asked.inner_filter()):
        raise NotFound("TaskInstance", "No task instance in these workflow instances is as the Filter says.")
    uuid = str(uuid4())
    operations.add(
        context.db,
        id=allocate(context.db, 1)[0],
        uuid=uuid,
        kind=operations.RERUN,
        state="NotRun",
        env=env,
        project_id=request.project_id,
        workflow_id=request.workflow_id,
        request=asked.model_dump_json(),
        cursor=0,
        create_time=context.now,
        create_user=context.caller.account_id,
    )
    return RerunWorkflowInstancesResponse(operation_id=uuid)


def _runs(context: Context, request: RerunWorkflowInstancesRequest, env: str) -> RunFilter:
    start, end = request.start_trigger_time, request.end_trigger_time
    if (start is None) != (end is None):
        missing = "StartTriggerTime" if start is None else "EndTriggerTime"
        raise InvalidRequest([Fault(missing, "StartTriggerTime and EndTriggerTime are given together", True)])
    if start is not None and end is not None and start > end:
        raise InvalidRequest([Fault("EndTriggerTime", "a moment not before StartTriggerTime is expected")])
    day = request.bizdate
    return RunFilter(
        project_id=request.project_id,
        env=env,
        workflow_id=request.workflow_id,
        ids=request.ids,
        name=request.name,
        status=request.status,
        bizdate=None if day is None else bizdate_of(context, request.project_id, "Bizdate", day),
        created=None if start is None or end is None else (start, end),
    )


def rerun_result(
    context: Context, request: GetRerunWorkflowInstancesResultRequest
) -> GetRerunWorkflowInstancesResultResponse:
    """How far a rerun is: NotRun until every workflow instance has had its turn."""
    row = find_operation(context, request.operation_id, operations.RERUN)
    message = row.message if row.state == "Failure" else None
    return GetRerunWorkflowInstancesResultResponse(result=RerunResult(status=row.state, failure_message=message))
