"""Requests and answers about running manual workflow instances again."""

from typing import Annotated, Literal, get_args

from pydantic import AfterValidator, Field

from tidemill.actions.instance_models import TaskInstanceStatus, WorkflowInstanceStatus
from tidemill.actions.shared_models import FilterIds, OptionalBoolean, OptionalInteger, OptionalText, Texts
from tidemill.domain.definitions import EnvType, Integer, OrNone, Wire

_RUN_STATUSES = get_args(WorkflowInstanceStatus)
_STATUSES = (*_RUN_STATUSES, get_args(TaskInstanceStatus)[-1])


def _run_status(status: str | None) -> str | None:
    if status is not None and status not in _RUN_STATUSES:
        raise ValueError(f"one of {', '.join(_RUN_STATUSES)} is expected")
    return status


def _statuses(statuses: tuple[str, ...]) -> tuple[str, ...]:
    if set(statuses) - set(_STATUSES):
        raise ValueError(f"some of {', '.join(_STATUSES)} are expected")
    return statuses


class RerunFilter(Wire):
    """The task instances that run again in each workflow instance; with nothing given, all of them."""

    task_ids: FilterIds = ()
    task_name: OptionalText = None
    task_types: Texts = ()
    task_instance_statuses: Annotated[Texts, AfterValidator(_statuses)] = ()
    rerun_downstream_enabled: OptionalBoolean = None


class RerunWorkflowInstancesRequest(Wire):
    """The workflow instances are those of which all that is given holds; times are epoch milliseconds."""

    project_id: Integer
    type: Literal["ManualWorkflow"]
    workflow_id: Integer
    env_type: Annotated[EnvType | None, OrNone] = None
    ids: FilterIds = ()
    name: OptionalText = None
    status: Annotated[OptionalText, AfterValidator(_run_status)] = None
    bizdate: OptionalInteger = None
    start_trigger_time: OptionalInteger = None
    end_trigger_time: OptionalInteger = None
    filter: RerunFilter | None = None


class RerunWorkflowInstancesResponse(Wire):
    operation_id: str


class GetRerunWorkflowInstancesResultRequest(Wire):
    operation_id: str = Field(min_length=1)


class RerunResult(Wire):
    status: Literal["NotRun", "Success", "Failure"]
    failure_message: str | None = None


class GetRerunWorkflowInstancesResultResponse(Wire):
    result: RerunResult
