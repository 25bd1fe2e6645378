"""Workflows: put in place, read, listed, deleted."""

from typing import Any

from tidemill.actions.context import Context
from tidemill.actions.deploying import Deployed, Target, delete_workflow, deploy
from tidemill.actions.shared_models import SuccessResponse
from tidemill.actions.workflow_models import (
    CreateWorkflowRequest,
    CreateWorkflowResponse,
    DeleteWorkflowRequest,
    GetWorkflowRequest,
    GetWorkflowResponse,
    ListWorkflowsRequest,
    ListWorkflowsResponse,
    TaskSummary,
    UpdateWorkflowRequest,
    WorkflowPage,
    WorkflowSummary,
    WorkflowTriggerView,
    WorkflowView,
)
from tidemill.domain.definitions import Tag, TaskOutputs, Workflow
from tidemill.domain.errors import Fault, InvalidRequest, NotFound
from tidemill.store import definition_lists, definitions
from tidemill.store.pages import AnyRow, Page, tags_of
from tidemill.store.versions import workflow_at

DEFAULT_ENV = "Prod"


def sort_page(request: Any) -> Page:
    """The page that a list request asks for."""
    return Page(request.page_number, request.page_size, request.sort_by.column, request.sort_by.descending)


def create(context: Context, request: CreateWorkflowRequest) -> CreateWorkflowResponse:
    """Make a workflow; a repeated ClientUniqueCode answers the first result (decision 10)."""
    project = context.project(request.project_id)
    env = request.env_type or DEFAULT_ENV
    if request.client_unique_code is not None:
        known = definitions.workflow_by_code(context.db, request.client_unique_code, env)
        if known is not None:
            if known.project_id != request.project_id:
                fault = Fault("ClientUniqueCode", "already that of a workflow in another project")
                raise InvalidRequest([fault])
            tasks = definitions.tasks_of(context.db, known.id, env)
            return _created(Deployed(known.id, known.client_unique_code, {task.name: task.id for task in tasks}))
    target = Target(context.db, context.now, context.caller.account_id, context.settings, env, project, None)
    return _created(deploy(target, Workflow.model_validate(request.model_dump(exclude={"project_id"}))))


def _created(deployed: Deployed) -> CreateWorkflowResponse:
    return CreateWorkflowResponse(
        id=deployed.id, client_unique_code=deployed.client_unique_code, task_ids=deployed.task_ids
    )


def update(context: Context, request: UpdateWorkflowRequest) -> SuccessResponse:
    """Replace a workflow's definition in full, in one transaction (decisions 1 to 9)."""
    env = request.env_type or DEFAULT_ENV
    current = find(context, request.id, env)
    project = context.project(current.project_id)
    deploy(Target(context.db, context.now, context.caller.account_id, context.settings, env, project, current), request)
    return SuccessResponse()


def find(context: Context, id: int, env: str) -> AnyRow:
    """The workflow's row. Raises NotFound, naming the environment where there is one of that id."""
    row = definitions.find_workflow(context.db, id, env)
    if row is None:
        elsewhere = [other for other in definitions.workflow_envs(context.db, id) if other != env]
        hint = f"; it exists in {elsewhere[0]}" if elsewhere else ""
        raise NotFound("Workflow", f"There is no workflow {id} in {env}{hint}.")
    return row


def delete(context: Context, request: DeleteWorkflowRequest) -> SuccessResponse:
    """Delete a workflow with its tasks; their past instances stay (decision 5, engine 19)."""
    env = request.env_type or DEFAULT_ENV
    current = find(context, request.id, env)
    project = context.project(current.project_id)
    if request.client_unique_code not in (None, current.client_unique_code):
        raise InvalidRequest([Fault("ClientUniqueCode", "not the code with which the workflow was created")])
    delete_workflow(Target(context.db, context.now, context.caller.account_id, context.settings, env, project, current))
    return SuccessResponse()


def get(context: Context, request: GetWorkflowRequest) -> GetWorkflowResponse:
    row = find(context, request.id, request.env_type or DEFAULT_ENV)
    context.project(row.project_id)
    at = workflow_at(context.db, row.id, row.env, row.version)
    assert at is not None
    tags = tuple(Tag(key=tag.key, value=tag.value) for tag in at.definition.tags)
    view = WorkflowView(
        **_summary(row, tags),
        dependencies=at.definition.dependencies,
        outputs=at.definition.outputs or TaskOutputs(),
        tasks=tuple(_task(item) for item in definition_lists.tasks_of(context.db, row.id, row.env)),
    )
    return GetWorkflowResponse(workflow=view)


def _summary(row: AnyRow, tags: tuple[Tag, ...]) -> dict[str, Any]:
    return {
        "id": row.id,
        "name": row.name,
        "owner": row.owner,
        "description": row.description,
        "env_type": row.env,
        "project_id": row.project_id,
        "client_unique_code": row.client_unique_code,
        "parameters": row.parameters,
        "trigger": trigger_view(row),
        "tags": tags,
        **authors(row),
    }


def authors(row: AnyRow) -> dict[str, Any]:
    return {name: getattr(row, name) for name in ("create_time", "create_user", "modify_time", "modify_user")}


def trigger_view(row: AnyRow) -> WorkflowTriggerView:
    """A workflow's trigger; of a manual one only the type means anything."""
    return WorkflowTriggerView(
        type=row.trigger_type,
        cron=row.cron,
        start_time=row.start_time,
        end_time=row.end_time,
        time_zone=row.time_zone,
        recurrence=row.recurrence if row.trigger_type == "Scheduler" else None,
        calendar_id=row.calendar_id,
    )


def _task(item: definition_lists.TaskRow) -> TaskSummary:
    row, definition = item.row, item.definition
    return TaskSummary(
        id=row.id,
        name=row.name,
        description=definition.description,
        type=row.type,
        owner=row.owner,
        env_type=row.env,
        project_id=row.project_id,
        workflow_id=row.workflow_id,
        client_unique_code=row.client_unique_code,
        baseline_id=definition.base_line_id,
        priority=row.priority,
        timeout=definition.timeout,
        rerun_mode=definition.rerun_mode,
        rerun_times=definition.rerun_times,
        rerun_interval=definition.rerun_interval,
        runtime_resource=definition.runtime_resource,
        data_source=definition.data_source,
        trigger_recurrence=row.recurrence,
        **authors(row),
    )


def list_(context: Context, request: ListWorkflowsRequest) -> ListWorkflowsResponse:
    context.project(request.project_id)
    env = request.env_type or DEFAULT_ENV
    wanted = definition_lists.WorkflowFilter(
        project_id=request.project_id,
        env=env,
        ids=request.ids,
        name=request.name,
        owner=request.owner,
        tags=request.tags,
        trigger_type=request.trigger_type,
    )
    rows, total = definition_lists.list_workflows(context.db, wanted, sort_page(request))
    tags = tags_of(context.db, "Workflow", env, [row.id for row in rows])
    shown = [
        WorkflowSummary(**_summary(row, tuple(Tag(key=key, value=value) for key, value in tags.get(row.id, ()))))
        for row in rows
    ]
    return ListWorkflowsResponse(
        paging_info=WorkflowPage(
            page_number=request.page_number, page_size=request.page_size, total_count=total, workflows=tuple(shown)
        )
    )
