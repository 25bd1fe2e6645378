"""Tasks: read and listed. They are written with their workflow."""

from typing import Any

from tidemill.actions.context import Context
from tidemill.actions.task_models import (
    DependencyView,
    GetTaskRequest,
    GetTaskResponse,
    ListTasksRequest,
    ListTasksResponse,
    TaskListed,
    TaskPage,
    TaskView,
)
from tidemill.actions.workflow_models import TriggerView
from tidemill.actions.workflows import DEFAULT_ENV, authors, sort_page
from tidemill.domain.definitions import Inputs, Outputs, Script
from tidemill.domain.errors import NotFound
from tidemill.store import definition_lists
from tidemill.store.definition_lists import TaskRow


def get(context: Context, request: GetTaskRequest) -> GetTaskResponse:
    env = request.project_env or DEFAULT_ENV
    item = definition_lists.find_task(context.db, request.id, env)
    if item is None:
        elsewhere = [other for other in definition_lists.task_envs(context.db, request.id) if other != env]
        hint = f"; it exists in {elsewhere[0]}" if elsewhere else ""
        raise NotFound("Task", f"There is no task {request.id} in {env}{hint}.")
    context.project(item.row.project_id)
    definition = item.definition
    script = Script(content=item.row.script, parameters=definition.script.parameters if definition.script else None)
    view = TaskView(
        **_shared(item),
        env_type=item.row.env,
        script=None if script == Script() else script,
        inputs=definition.inputs or Inputs(),
        outputs=definition.outputs or Outputs(),
        dependencies=tuple(
            DependencyView(
                type=dependency.type,
                upstream_output=dependency.upstream_output,
                upstream_task_id=None if dependency.upstream_task_id is None else str(dependency.upstream_task_id),
            )
            for dependency in definition.dependencies
        ),
        tags=definition.tags,
    )
    return GetTaskResponse(task=view)


def _shared(item: TaskRow) -> dict[str, Any]:
    row, definition = item.row, item.definition
    scheduled = row.trigger_type == "Scheduler"
    return {
        "id": row.id,
        "name": row.name,
        "description": definition.description,
        "type": row.type,
        "owner": row.owner,
        "project_env": row.env,
        "project_id": row.project_id,
        "workflow_id": row.workflow_id,
        "baseline_id": definition.base_line_id,
        "priority": row.priority,
        "instance_mode": row.instance_mode or "T+1",
        "timeout": definition.timeout,
        "rerun_mode": definition.rerun_mode,
        "rerun_times": definition.rerun_times,
        "rerun_interval": definition.rerun_interval,
        "max_parallel_instances": definition.max_parallel_instances,
        "runtime_resource": definition.runtime_resource,
        "data_source": definition.data_source,
        "trigger": TriggerView(
            type=row.trigger_type,
            cron=row.cron if scheduled else None,
            start_time=row.start_time if scheduled else None,
            end_time=row.end_time if scheduled else None,
            recurrence=row.recurrence,
        ),
        **authors(row),
    }


def list_(context: Context, request: ListTasksRequest) -> ListTasksResponse:
    context.project(request.project_id)
    wanted = definition_lists.TaskFilter(
        project_id=request.project_id,
        env=request.project_env or DEFAULT_ENV,
        ids=request.ids,
        name=request.name,
        owner=request.owner,
        resource_group_id=request.runtime_resource,
        type=request.task_type,
        trigger_type=request.trigger_type,
        recurrence=request.trigger_recurrence,
        workflow_id=request.workflow_id,
    )
    items, total = definition_lists.list_tasks(context.db, wanted, sort_page(request))
    shown = tuple(
        TaskListed(
            **_shared(item),
            script_parameters=item.definition.script.parameters if item.definition.script else None,
        )
        for item in items
    )
    return ListTasksResponse(
        paging_info=TaskPage(
            page_number=request.page_number, page_size=request.page_size, total_count=total, tasks=shown
        )
    )
