"""Making instances run, and operating on them."""

from collections.abc import Callable, Collection, Sequence
from uuid import uuid4

from sqlalchemy import Connection

from tidemill.actions.asked import creation_of
from tidemill.actions.context import Context
from tidemill.actions.instance_models import (
    CreateWorkflowInstancesRequest,
    CreateWorkflowInstancesResponse,
    InstanceIdsRequest,
    RerunTaskInstancesRequest,
)
from tidemill.actions.shared_models import SuccessInfoResponse
from tidemill.actions.workflows import DEFAULT_ENV, find
from tidemill.domain.creation import OUTSIDE_WORKFLOW
from tidemill.domain.errors import Fault, InvalidRequest
from tidemill.scheduler import operate
from tidemill.scheduler.operate import Operator
from tidemill.scheduler.repin import repin
from tidemill.store import instance_lists, operations
from tidemill.store.ids import allocate


def create(context: Context, request: CreateWorkflowInstancesRequest) -> CreateWorkflowInstancesResponse:
    """Check what is asked and queue its making; a repeated ClientToken answers the first OperationId."""
    project = context.project(request.project_id)
    env = request.env_type or DEFAULT_ENV
    if request.client_token is not None:
        known = operations.by_client_token(context.db, request.client_token)
        if known is not None:
            return CreateWorkflowInstancesResponse(operation_id=known.uuid)
    workflow = find(context, request.workflow_id, env) if request.workflow_id != OUTSIDE_WORKFLOW else None
    if workflow is not None and workflow.project_id != request.project_id:
        raise InvalidRequest([Fault("ProjectId", f"workflow {request.workflow_id} is not in this project")])
    asked = creation_of(context, request, workflow, env, project)
    uuid = str(uuid4())
    operations.add(
        context.db,
        id=allocate(context.db, 1)[0],
        uuid=uuid,
        kind=operations.CREATION,
        state="Creating",
        env=env,
        project_id=request.project_id,
        workflow_id=request.workflow_id,
        client_token=request.client_token,
        request=asked.model_dump_json(),
        cursor=0,
        create_time=context.now,
        create_user=context.caller.account_id,
    )
    return CreateWorkflowInstancesResponse(operation_id=uuid)


Deed = Callable[[Connection, Operator, Sequence[int]], dict[int, str]]


def _do(context: Context, request: InstanceIdsRequest, deed: Deed, *, workflows: bool = False) -> SuccessInfoResponse:
    """Do a deed to the instances asked for, in their projects; too many at once are an error (decision 21)."""
    limit = context.settings.max_batch
    if len(request.ids) > limit:
        raise InvalidRequest([Fault("Ids", f"at most {limit} ids, not {len(request.ids)}")])
    _authorise(context, request.ids, workflows=workflows)
    return SuccessInfoResponse.of(deed(context.db, Operator(context.caller.account_id, context.now), request.ids))


def _authorise(context: Context, ids: Collection[int], *, workflows: bool) -> None:
    for project_id in set(instance_lists.projects_of(context.db, ids, workflows=workflows).values()):
        context.project(project_id)


def start_workflows(context: Context, request: InstanceIdsRequest) -> SuccessInfoResponse:
    return _do(context, request, operate.start_workflows, workflows=True)


def stop_workflows(context: Context, request: InstanceIdsRequest) -> SuccessInfoResponse:
    return _do(context, request, operate.stop_workflows, workflows=True)


def stop(context: Context, request: InstanceIdsRequest) -> SuccessInfoResponse:
    return _do(context, request, operate.stop)


def set_success(context: Context, request: InstanceIdsRequest) -> SuccessInfoResponse:
    return _do(context, request, operate.set_success)


def suspend(context: Context, request: InstanceIdsRequest) -> SuccessInfoResponse:
    return _do(context, request, operate.suspend)


def resume(context: Context, request: InstanceIdsRequest) -> SuccessInfoResponse:
    return _do(context, request, operate.resume)


def rerun(context: Context, request: RerunTaskInstancesRequest) -> SuccessInfoResponse:
    """Run ended instances again; UseLatestConfig takes their tasks as they are defined now (engine 3)."""

    def deed(db: Connection, by: Operator, ids: Sequence[int]) -> dict[int, str]:
        answers = operate.rerun(db, by, ids)
        if request.use_latest_config:
            repin(db, [id for id, refusal in answers.items() if not refusal])
        return answers

    return _do(context, request, deed)
