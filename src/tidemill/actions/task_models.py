"""Requests and answers about tasks."""

from typing import Annotated, Literal

from tidemill.actions.shared_models import (
    NEWEST_FIRST,
    DefinitionSort,
    FilterIds,
    OptionalInteger,
    OptionalText,
    Paged,
    PagingInfo,
)
from tidemill.actions.workflow_models import TriggerType, TriggerView
from tidemill.domain.definitions import (
    DataSource,
    DependencyType,
    EnvType,
    Inputs,
    InstanceMode,
    Integer,
    OrNone,
    Outputs,
    Recurrence,
    RerunMode,
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
    ids: FilterIds = ()
    name: OptionalText = None
    owner: OptionalText = None
    runtime_resource: OptionalText = None
    task_type: OptionalText = None
    trigger_type: Annotated[TriggerType | None, OrNone] = None
    trigger_recurrence: Annotated[Recurrence | None, OrNone] = None
    workflow_id: OptionalInteger = None
    sort_by: DefinitionSort = NEWEST_FIRST


class DependencyView(Wire):
    """As GetTask shows it, where the upstream's id is a text."""

    type: DependencyType
    upstream_output: str | None = None
    upstream_task_id: str | None = None


class TaskBase(Wire):
    """What GetTask, its SubTasks and ListTasks all show. Timeout and RerunInterval are seconds."""

    id: int
    name: str
    description: str | None = None
    type: str
    owner: str
    project_env: EnvType
    project_id: int
    workflow_id: int
    baseline_id: int | None = None
    priority: int
    timeout: int | None = None
    rerun_mode: RerunMode
    rerun_times: int | None = None
    rerun_interval: int | None = None
    max_parallel_instances: int | None = None
    runtime_resource: RuntimeResource
    data_source: DataSource | None = None
    trigger: TriggerView
    create_time: int
    create_user: str | None = None
    modify_time: int
    modify_user: str | None = None


class SubTask(TaskBase):
    env_type: EnvType


class SubTasks(Wire):
    """The tasks inside a loop or a combined task."""

    type: Literal["DoWhile", "Combined", "ForEach"]
    sub_tasks: tuple[SubTask, ...] = ()


class TaskView(TaskBase):
    env_type: EnvType
    instance_mode: InstanceMode
    script: Script | None = None
    inputs: Inputs
    outputs: Outputs
    dependencies: tuple[DependencyView, ...] = ()
    tags: tuple[Tag, ...] = ()
    sub_tasks: SubTasks | None = None


class TaskListed(TaskBase):
    instance_mode: InstanceMode
    script_parameters: str | None = None


class GetTaskResponse(Wire):
    task: TaskView


class TaskPage(PagingInfo):
    tasks: tuple[TaskListed, ...]


class ListTasksResponse(Wire):
    paging_info: TaskPage
