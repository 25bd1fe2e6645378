"""Requests and answers about tasks."""

from typing import Annotated, Literal

from tidemill.actions.shared_models import Ids, OptionalInteger, OptionalText, Paged, PagingInfo, sorts
from tidemill.actions.workflow_models import TriggerView
from tidemill.domain.definitions import (
    DataSource,
    EnvType,
    Inputs,
    Integer,
    OrNone,
    Outputs,
    Recurrence,
    RuntimeResource,
    Script,
    Tag,
    Wire,
)


class GetTaskRequest(Wire):
    id: Integer
    project_env: Annotated[EnvType | None, OrNone] = None


class ListTasksRequest(Paged):
    project_id: Integer
    project_env: Annotated[EnvType | None, OrNone] = None
    ids: Ids = ()
    name: OptionalText = None
    owner: OptionalText = None
    runtime_resource: OptionalText = None
    task_type: OptionalText = None
    trigger_type: Annotated[Literal["Scheduler", "Manual"] | None, OrNone] = None
    trigger_recurrence: Annotated[Recurrence | None, OrNone] = None
    workflow_id: OptionalInteger = None
    sort_by: Annotated[str | None, OrNone, sorts("ModifyTime", "CreateTime", "Id")] = None


class DependencyView(Wire):
    """As GetTask shows it, where the upstream's id is a text."""

    type: str
    upstream_output: str | None = None
    upstream_task_id: str | None = None


class TaskBase(Wire):
    """What GetTask and ListTasks both show. Timeout and RerunInterval are seconds."""

    id: int
    name: str
    description: str | None = None
    type: str
    owner: str
    project_env: str
    project_id: int
    workflow_id: int
    baseline_id: int | None = None
    priority: int
    instance_mode: str
    timeout: int | None = None
    rerun_mode: str
    rerun_times: int | None = None
    rerun_interval: int | None = None
    runtime_resource: RuntimeResource
    data_source: DataSource | None = None
    trigger: TriggerView
    create_time: int
    create_user: str | None = None
    modify_time: int
    modify_user: str | None = None


class TaskView(TaskBase):
    env_type: str
    script: Script | None = None
    inputs: Inputs
    outputs: Outputs
    dependencies: tuple[DependencyView, ...] = ()
    tags: tuple[Tag, ...] = ()


class TaskListed(TaskBase):
    script_parameters: str | None = None


class GetTaskResponse(Wire):
    task: TaskView


class TaskPage(PagingInfo):
    tasks: tuple[TaskListed, ...]


class ListTasksResponse(Wire):
    paging_info: TaskPage
