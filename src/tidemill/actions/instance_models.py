"""Requests and answers about workflow and task instances."""

from typing import Annotated, Literal, cast

from pydantic import ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel

from tidemill.actions.shared_models import (
    NEWEST_FIRST,
    Batch,
    FilterIds,
    Ids,
    InstanceSort,
    OptionalBoolean,
    OptionalHour,
    OptionalInteger,
    OptionalText,
    Paged,
    PagingInfo,
    Texts,
)
from tidemill.actions.workflow_models import TriggerType
from tidemill.domain.definitions import (
    DataSource,
    Day,
    EnvType,
    Inputs,
    Integer,
    ListOf,
    OrNone,
    Outputs,
    Recurrence,
    RerunMode,
    RuntimeResource,
    Script,
    Tag,
    Wire,
)

InstanceType = Literal["SupplementData", "ManualWorkflow", "Manual", "SmokeTest", "TriggerWorkflow"]
AnyInstanceType = Literal["Normal", "Manual", "SmokeTest", "SupplementData", "ManualWorkflow", "TriggerWorkflow"]

WorkflowInstanceStatus = Literal[
    "NotRun", "Running", "WaitTime", "CheckingCondition", "WaitResource", "Failure", "Success", "Checking"
]
TaskInstanceStatus = Literal[WorkflowInstanceStatus, "WaitTrigger"]
InstanceRecurrence = Literal[
    Recurrence,
    "Manual",
    "SkipUnchoose",
    "SkipCycle",
    "ConditionUnchoose",
    "RealtimeDeprecated",
    "PauseCalendar",
    "SkipCalendar",
]


class Alert(Wire):
    type: Annotated[Literal["Success", "Failure", "SuccessFailure"] | None, OrNone] = None
    notice_type: Annotated[Literal["Sms", "Mail", "SmsMail"] | None, OrNone] = None


class Analysis(Wire):
    enabled: OptionalBoolean = None
    blocked: OptionalBoolean = None


class RunPolicy(Wire):
    """The hours in which instances may start; `immediately` lets them start at once when these are to come."""

    type: Annotated[Literal["Daily", "Weekend"] | None, OrNone] = None
    start_time: OptionalHour = None
    end_time: OptionalHour = None
    immediately: OptionalBoolean = None


class DefaultRunProperties(Wire):
    mode: Annotated[Literal["General", "ManualSelection", "Chain", "AllDownstream"] | None, OrNone] = None
    order: Annotated[Literal["Asc", "Desc"] | None, OrNone] = None
    parallelism: Annotated[Annotated[Integer, Field(ge=1, le=10)] | None, OrNone] = None
    priority: Annotated[Annotated[Integer, Field(ge=1, le=11)] | None, OrNone] = None
    priority_weight_strategy: Annotated[Literal["Disable", "Upstream"] | None, OrNone] = None
    root_task_ids: Ids = ()
    include_task_ids: Ids = ()
    exclude_task_ids: Ids = ()
    include_project_ids: Ids = ()
    exclude_project_ids: Ids = ()
    runtime_resource: OptionalText = None
    run_policy: RunPolicy | None = None
    analysis: Analysis | None = None
    alert: Alert | None = None
    data_source_name_mappings: dict[str, str] | None = None


class BizDateRange(Wire):
    """A closed range of business dates."""

    start_biz_date: Day
    end_biz_date: Day


class Periods(Wire):
    """Up to seven closed ranges of business dates, and the hours of the run dates whose cycles are meant."""

    biz_dates: Annotated[tuple[BizDateRange, ...], Field(min_length=1, max_length=7)]
    start_time: OptionalHour = None
    end_time: OptionalHour = None


class CreateWorkflowInstancesRequest(Wire):
    project_id: Integer
    workflow_id: Integer
    name: str = Field(min_length=1, max_length=256)
    type: InstanceType
    env_type: Annotated[EnvType | None, OrNone] = None
    periods: Periods | None = None
    default_run_properties: DefaultRunProperties | None = None
    auto_start_enabled: OptionalBoolean = None
    task_parameters: OptionalText = None
    workflow_parameters: OptionalText = None
    tags: Annotated[tuple[Tag, ...], ListOf] = ()
    tag_creation_policy: Annotated[Literal["Append", "Overwrite"] | None, OrNone] = None
    comment: OptionalText = None
    trigger_message: OptionalText = None  # Tidemill's own: what an event would bring to a triggered run
    client_token: OptionalText = None  # Tidemill's own: makes the call repeatable (engine 36)


class CreateWorkflowInstancesResponse(Wire):
    operation_id: str


class GetCreateWorkflowInstancesResultRequest(Wire):
    operation_id: str = Field(min_length=1)


class CreationResult(Wire):
    status: Literal["Creating", "Created", "CreateFailure"]
    failure_message: str | None = None
    workflow_instance_ids: tuple[int, ...] = ()
    workflow_task_instance_ids: tuple[int, ...] = ()
    unified_workflow_instance_ids: tuple[int, ...] = ()


class GetCreateWorkflowInstancesResultResponse(Wire):
    result: CreationResult


class InstanceIdsRequest(Wire):
    """A deed on several instances."""

    ids: Annotated[tuple[Integer, ...], Field(min_length=1), Batch]
    comment: OptionalText = None


class RerunTaskInstancesRequest(InstanceIdsRequest):
    use_latest_config: OptionalBoolean = None


class _Filter(Wire):
    """A JSON text with keys in camelCase; conditions hold together, and a key that is not known is a fault."""

    model_config = ConfigDict(alias_generator=to_camel)

    @model_validator(mode="before")
    @classmethod
    def _known(cls, value: object) -> object:
        keys = [info.alias for info in cls.model_fields.values()]
        if isinstance(value, dict) and cast(dict[str, object], value).keys() - set(keys):
            raise ValueError(f"an object with no keys but {', '.join(key for key in keys if key)} is expected")
        return cast(object, value)


class WorkflowInstanceFilterText(_Filter):
    status: Annotated[WorkflowInstanceStatus | None, OrNone] = None
    execution_date: OptionalInteger = None


class TaskInstanceFilterText(_Filter):
    started_time_start: OptionalInteger = None
    started_time_end: OptionalInteger = None
    finished_time_start: OptionalInteger = None
    finished_time_end: OptionalInteger = None
    create_time_start: OptionalInteger = None
    create_time_end: OptionalInteger = None


class ListWorkflowInstancesRequest(Paged):
    project_id: Integer
    biz_date: Integer
    env_type: Annotated[EnvType | None, OrNone] = None
    ids: FilterIds = ()
    name: OptionalText = None
    owner: OptionalText = None
    tags: Texts = ()
    type: Annotated[AnyInstanceType | None, OrNone] = None
    unified_workflow_instance_id: OptionalInteger = None
    workflow_id: OptionalInteger = None
    filter: WorkflowInstanceFilterText | None = None
    sort_by: InstanceSort = NEWEST_FIRST


class GetWorkflowInstanceRequest(Wire):
    id: Integer


class WorkflowInstanceView(Wire):
    id: int
    name: str
    type: AnyInstanceType
    status: WorkflowInstanceStatus
    owner: str
    env_type: EnvType
    project_id: int
    workflow_id: int
    workflow_task_instance_id: int
    unified_workflow_instance_id: int
    workflow_parameters: str | None = None
    biz_date: int
    tags: tuple[Tag, ...] = ()
    started_time: int | None = None
    finished_time: int | None = None
    create_time: int
    create_user: str | None = None
    modify_time: int
    modify_user: str | None = None


class GetWorkflowInstanceResponse(Wire):
    workflow_instance: WorkflowInstanceView


class WorkflowInstancePage(PagingInfo):
    workflow_instances: tuple[WorkflowInstanceView, ...]


class ListWorkflowInstancesResponse(Wire):
    paging_info: WorkflowInstancePage


class ListTaskInstancesRequest(Paged):
    project_id: Integer
    bizdate: Integer
    project_env: Annotated[EnvType | None, OrNone] = None
    id: OptionalInteger = None
    ids: FilterIds = ()
    task_id: OptionalInteger = None
    task_ids: FilterIds = ()
    task_name: OptionalText = None
    task_type: OptionalText = None
    owner: OptionalText = None
    runtime_resource: OptionalText = None
    status: Annotated[Literal["NotRun", "Running", "Failure", "Success", "WaitTime", "WaitResource"] | None, OrNone] = (
        None
    )
    trigger_type: Annotated[TriggerType | None, OrNone] = None
    trigger_recurrence: Annotated[Recurrence | None, OrNone] = None
    workflow_id: OptionalInteger = None
    workflow_instance_id: OptionalInteger = None
    workflow_instance_type: Annotated[AnyInstanceType | None, OrNone] = None
    unified_workflow_instance_id: OptionalInteger = None
    filter: TaskInstanceFilterText | None = None
    sort_by: InstanceSort = NEWEST_FIRST


class GetTaskInstanceRequest(Wire):
    id: Integer


class Runtime(Wire):
    gateway: str | None = None
    process_id: str | None = None


class TaskInstanceBase(Wire):
    """What GetTaskInstance and ListTaskInstances both show; times are epoch milliseconds, Timeout seconds."""

    id: int
    task_id: int
    task_name: str
    task_type: str
    description: str | None = None
    owner: str
    project_env: EnvType
    project_id: int
    workflow_id: int
    workflow_name: str | None = None
    workflow_instance_id: int
    workflow_instance_type: AnyInstanceType
    unified_workflow_instance_id: int
    bizdate: int
    period_number: int
    priority: int
    baseline_id: int | None = None
    rerun_mode: RerunMode
    run_number: int
    status: TaskInstanceStatus
    timeout: int | None = None
    trigger_type: TriggerType
    trigger_time: int
    trigger_recurrence: InstanceRecurrence
    operation_type: str | None = None
    runtime: Runtime | None = None
    runtime_resource: RuntimeResource
    data_source: DataSource | None = None
    waiting_trigger_time: int | None = None
    waiting_resource_time: int | None = None
    started_time: int | None = None
    finished_time: int | None = None
    create_time: int
    create_user: str | None = None
    modify_time: int
    modify_user: str | None = None


class TaskInstanceListed(TaskInstanceBase):
    script_parameters: str | None = None


class TaskInstanceView(TaskInstanceBase):
    script: Script | None = None
    inputs: Inputs
    outputs: Outputs
    tags: tuple[Tag, ...] = ()


class GetTaskInstanceResponse(Wire):
    task_instance: TaskInstanceView


class TaskInstancePage(PagingInfo):
    task_instances: tuple[TaskInstanceListed, ...]


class ListTaskInstancesResponse(Wire):
    paging_info: TaskInstancePage


class GetTaskInstanceLogRequest(Wire):
    id: Integer
    run_number: Annotated[Annotated[Integer, Field(ge=1)] | None, OrNone] = None


class GetTaskInstanceLogResponse(Wire):
    task_instance_log: str
