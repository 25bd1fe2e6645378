"""Requests and answers about what is done to single instances."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from tidemill.actions.shared_models import Batch, OptionalInteger, OptionalText, Paged, PagingInfo
from tidemill.domain.definitions import AsInteger, DataSource, EnvType, Integer, OrNone, Wire

Priority = Annotated[Literal[1, 3, 5, 7, 8], AsInteger]


class TaskInstanceChange(Wire):
    """Values that an instance is to have instead of its task's; what is absent stays."""

    id: Integer
    priority: Annotated[Priority | None, OrNone] = None
    runtime_resource: OptionalText = None
    data_source: DataSource | None = None


def _each_once(items: tuple[TaskInstanceChange, ...]) -> tuple[TaskInstanceChange, ...]:
    ids = [item.id for item in items]
    if len(set(ids)) < len(ids):
        raise ValueError(f"every instance once is expected, but {max(ids, key=ids.count)} stands twice")
    return items


class UpdateTaskInstancesRequest(Wire):
    task_instances: Annotated[tuple[TaskInstanceChange, ...], Field(min_length=1), Batch, AfterValidator(_each_once)]
    comment: OptionalText = None


class TriggerSchedulerTaskInstanceRequest(Wire):
    """`trigger_time` is that of the instance, in epoch milliseconds."""

    task_id: Integer
    trigger_time: Integer
    env_type: Annotated[EnvType | None, OrNone] = None


class RemoveTaskInstanceDependenciesRequest(Wire):
    id: Integer
    upstream_task_instance_ids: Annotated[tuple[Integer, ...], Field(min_length=1), Batch]
    comment: OptionalText = None


class ListTaskInstanceOperationLogsRequest(Paged):
    """`date` is any moment of the day meant, in epoch milliseconds; today where it is absent."""

    id: Integer
    date: OptionalInteger = None


class OperationLog(Wire):
    """One deed on an instance; `operation_seq` grows with time."""

    operation_seq: int
    operation_content: str
    task_instance_id: int
    user: str | None = None
    create_time: int


class OperationLogPage(PagingInfo):
    operation_logs: tuple[OperationLog, ...]


class ListTaskInstanceOperationLogsResponse(Wire):
    paging_info: OperationLogPage
