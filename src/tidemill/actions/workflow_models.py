"""Requests and answers about workflows."""

from typing import Annotated, Literal

from tidemill.actions.shared_models import (
    NEWEST_FIRST,
    DefinitionSort,
    FilterIds,
    OptionalText,
    Paged,
    PagingInfo,
    Texts,
)
from tidemill.domain.definitions import (
    DataSource,
    Dependency,
    EnvType,
    Integer,
    OrNone,
    Recurrence,
    RerunMode,
    RuntimeResource,
    Tag,
    TaskOutputs,
    Wire,
    Workflow,
)

TriggerType = Literal["Scheduler", "Manual"]


class UpdateWorkflowRequest(Workflow):
    """A full update: what is absent, null or empty is cleared; `Tasks` absent leaves the tasks as they are."""

    id: Integer


class CreateWorkflowRequest(Workflow):
    """Tidemill's own (decision 10)."""

    project_id: Integer


class CreateWorkflowResponse(Wire):
    id: int
    client_unique_code: str
    task_ids: dict[str, int]


class GetWorkflowRequest(Wire):
    id: Integer
    env_type: Annotated[EnvType | None, OrNone] = None


class ListWorkflowsRequest(Paged):
    project_id: Integer
    env_type: Annotated[EnvType | None, OrNone] = None
    ids: FilterIds = ()
    name: OptionalText = None
    owner: OptionalText = None
    tags: Texts = ()
    trigger_type: Annotated[Literal["Scheduler", "Manual", "TriggerWorkflow"] | None, OrNone] = None
    sort_by: DefinitionSort = NEWEST_FIRST


class DeleteWorkflowRequest(Wire):
    id: Integer
    env_type: Annotated[EnvType | None, OrNone] = None
    client_unique_code: OptionalText = None


class TriggerView(Wire):
    type: TriggerType
    cron: str | None = None
    start_time: str | None = None
    end_time: str | None = None
    recurrence: Recurrence | None = None


class WorkflowTriggerView(TriggerView):
    time_zone: str | None = None
    calendar_id: int | None = None


class TaskSummary(Wire):
    """A task as GetWorkflow shows it."""

    id: int
    name: str
    description: str | None = None
    type: str
    owner: str
    env_type: EnvType
    project_id: int
    workflow_id: int
    client_unique_code: str
    baseline_id: int | None = None
    priority: int
    timeout: int | None = None
    rerun_mode: RerunMode
    rerun_times: int | None = None
    rerun_interval: int | None = None
    runtime_resource: RuntimeResource
    data_source: DataSource | None = None
    trigger_recurrence: Recurrence
    create_time: int
    create_user: str | None = None
    modify_time: int
    modify_user: str | None = None


class WorkflowSummary(Wire):
    """A workflow as ListWorkflows shows it."""

    id: int
    name: str
    owner: str
    description: str | None = None
    env_type: EnvType
    project_id: int
    client_unique_code: str
    parameters: str | None = None
    trigger: WorkflowTriggerView
    tags: tuple[Tag, ...] = ()
    create_time: int
    create_user: str | None = None
    modify_time: int
    modify_user: str | None = None


class WorkflowView(WorkflowSummary):
    dependencies: tuple[Dependency, ...] = ()
    outputs: TaskOutputs
    tasks: tuple[TaskSummary, ...] = ()


class GetWorkflowResponse(Wire):
    workflow: WorkflowView


class WorkflowPage(PagingInfo):
    workflows: tuple[WorkflowSummary, ...]


class ListWorkflowsResponse(Wire):
    paging_info: WorkflowPage
