"""Every action that this server has, in one table: the gateway, the docs and the tests read it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from tidemill.actions import (
    calendar_models,
    calendars,
    deed_models,
    instance_deeds,
    instance_models,
    instance_views,
    neighbour_models,
    neighbours,
    parameter_models,
    parameters,
    rerun_models,
    rerunning,
    shared_models,
    single_deeds,
    task_models,
    tasks,
    workflow_models,
    workflows,
)
from tidemill.actions.context import Context, Permission
from tidemill.domain.definitions import Wire


@dataclass(frozen=True, slots=True)
class Action:
    """An operation of the API. `permission` is what the caller's role in the project must allow."""

    name: str
    request: type[Wire]
    response: type[Wire]
    function: Callable[[Context, Any], Wire]
    permission: Permission

    @property
    def reads(self) -> bool:
        """Whether it only reads: it gets a reader's transaction and leaves no operation log."""
        return self.permission == "read"


_W, _T, _I, _S = workflow_models, task_models, instance_models, shared_models
_D, _R, _N = deed_models, rerun_models, neighbour_models
_C = calendar_models
_P = parameter_models

_LISTED = [
    Action("CreateWorkflow", _W.CreateWorkflowRequest, _W.CreateWorkflowResponse, workflows.create, "develop"),
    Action("UpdateWorkflow", _W.UpdateWorkflowRequest, _S.SuccessResponse, workflows.update, "develop"),
    Action("GetWorkflow", _W.GetWorkflowRequest, _W.GetWorkflowResponse, workflows.get, "read"),
    Action("ListWorkflows", _W.ListWorkflowsRequest, _W.ListWorkflowsResponse, workflows.list_, "read"),
    Action("DeleteWorkflow", _W.DeleteWorkflowRequest, _S.SuccessResponse, workflows.delete, "develop"),
    Action("GetTask", _T.GetTaskRequest, _T.GetTaskResponse, tasks.get, "read"),
    Action("ListTasks", _T.ListTasksRequest, _T.ListTasksResponse, tasks.list_, "read"),
    Action(
        "CreateWorkflowInstances",
        _I.CreateWorkflowInstancesRequest,
        _I.CreateWorkflowInstancesResponse,
        instance_deeds.create,
        "operate",
    ),
    Action(
        "GetCreateWorkflowInstancesResult",
        _I.GetCreateWorkflowInstancesResultRequest,
        _I.GetCreateWorkflowInstancesResultResponse,
        instance_views.creation_result,
        "read",
    ),
    Action(
        "StartWorkflowInstances",
        _I.InstanceIdsRequest,
        _S.SuccessInfoResponse,
        instance_deeds.start_workflows,
        "operate",
    ),
    Action(
        "StopWorkflowInstances",
        _I.InstanceIdsRequest,
        _S.SuccessInfoResponse,
        instance_deeds.stop_workflows,
        "operate",
    ),
    Action(
        "ListWorkflowInstances",
        _I.ListWorkflowInstancesRequest,
        _I.ListWorkflowInstancesResponse,
        instance_views.list_workflow_instances,
        "read",
    ),
    Action(
        "GetWorkflowInstance",
        _I.GetWorkflowInstanceRequest,
        _I.GetWorkflowInstanceResponse,
        instance_views.get_workflow_instance,
        "read",
    ),
    Action(
        "ListTaskInstances",
        _I.ListTaskInstancesRequest,
        _I.ListTaskInstancesResponse,
        instance_views.list_task_instances,
        "read",
    ),
    Action(
        "GetTaskInstance",
        _I.GetTaskInstanceRequest,
        _I.GetTaskInstanceResponse,
        instance_views.get_task_instance,
        "read",
    ),
    Action(
        "GetTaskInstanceLog",
        _I.GetTaskInstanceLogRequest,
        _I.GetTaskInstanceLogResponse,
        instance_views.get_task_instance_log,
        "read",
    ),
    Action("RerunTaskInstances", _I.RerunTaskInstancesRequest, _S.SuccessInfoResponse, instance_deeds.rerun, "operate"),
    Action("StopTaskInstances", _I.InstanceIdsRequest, _S.SuccessInfoResponse, instance_deeds.stop, "operate"),
    Action(
        "SetSuccessTaskInstances", _I.InstanceIdsRequest, _S.SuccessInfoResponse, instance_deeds.set_success, "operate"
    ),
    Action("SuspendTaskInstances", _I.InstanceIdsRequest, _S.SuccessInfoResponse, instance_deeds.suspend, "operate"),
    Action("ResumeTaskInstances", _I.InstanceIdsRequest, _S.SuccessInfoResponse, instance_deeds.resume, "operate"),
    Action("CreateCalendar", _C.CreateCalendarRequest, _C.CreateCalendarResponse, calendars.create, "administer"),
    Action("UpdateCalendar", _C.UpdateCalendarRequest, _C.UpdateCalendarResponse, calendars.update, "administer"),
    Action("GetCalendar", _C.CalendarIdRequest, _C.GetCalendarResponse, calendars.get, "read"),
    Action("DeleteCalendar", _C.CalendarIdRequest, _S.SuccessResponse, calendars.delete, "administer"),
    Action("ListCalendars", _C.ListCalendarsRequest, _C.ListCalendarsResponse, calendars.list_, "read"),
    Action(
        "ListCalendarVersions",
        _C.ListCalendarVersionsRequest,
        _C.ListCalendarVersionsResponse,
        calendars.list_versions,
        "read",
    ),
    Action(
        "ListUpstreamTaskInstances",
        _N.ListNeighboursRequest,
        _N.ListUpstreamTaskInstancesResponse,
        neighbours.list_upstreams,
        "read",
    ),
    Action(
        "ListDownstreamTaskInstances",
        _N.ListNeighboursRequest,
        _N.ListDownstreamTaskInstancesResponse,
        neighbours.list_downstreams,
        "read",
    ),
    Action(
        "RerunWorkflowInstances",
        _R.RerunWorkflowInstancesRequest,
        _R.RerunWorkflowInstancesResponse,
        rerunning.rerun_workflows,
        "operate",
    ),
    Action(
        "GetRerunWorkflowInstancesResult",
        _R.GetRerunWorkflowInstancesResultRequest,
        _R.GetRerunWorkflowInstancesResultResponse,
        rerunning.rerun_result,
        "read",
    ),
    Action(
        "UpdateTaskInstances", _D.UpdateTaskInstancesRequest, _S.SuccessInfoResponse, single_deeds.update, "operate"
    ),
    Action(
        "TriggerSchedulerTaskInstance",
        _D.TriggerSchedulerTaskInstanceRequest,
        _S.SuccessResponse,
        single_deeds.trigger,
        "operate",
    ),
    Action(
        "RemoveTaskInstanceDependencies",
        _D.RemoveTaskInstanceDependenciesRequest,
        _S.SuccessResponse,
        single_deeds.remove,
        "operate",
    ),
    Action(
        "ListTaskInstanceOperationLogs",
        _D.ListTaskInstanceOperationLogsRequest,
        _D.ListTaskInstanceOperationLogsResponse,
        single_deeds.list_logs,
        "read",
    ),
    Action("CreateParameter", _P.CreateParameterRequest, _P.CreateParameterResponse, parameters.create, "administer"),
    Action("UpdateParameter", _P.UpdateParameterRequest, _P.UpdateParameterResponse, parameters.update, "administer"),
    Action("RollbackParameter", _P.RollbackParameterRequest, _S.SuccessResponse, parameters.rollback, "administer"),
    Action("DeleteParameter", _P.ParameterIdRequest, _S.SuccessResponse, parameters.delete, "administer"),
    Action("GetParameter", _P.ParameterIdRequest, _P.GetParameterResponse, parameters.get, "read"),
    Action("ListParameters", _P.ListParametersRequest, _P.ListParametersResponse, parameters.list_, "read"),
    Action(
        "ListParameterVersions",
        _P.ListParameterVersionsRequest,
        _P.ListParameterVersionsResponse,
        parameters.list_versions,
        "read",
    ),
]


def by_name(actions: Iterable[Action]) -> dict[str, Action]:
    """Raises ValueError for a name that stands twice."""
    found: dict[str, Action] = {}
    for action in actions:
        if found.setdefault(action.name, action) is not action:
            raise ValueError(f"the action {action.name} is listed twice")
    return found


ACTIONS: dict[str, Action] = by_name(_LISTED)


@cache
def operation_names() -> frozenset[str]:
    """Every operation of the API, served here or not."""
    lines = files("tidemill.actions").joinpath("operation_names.txt").read_text().splitlines()
    return frozenset(line for line in lines if not line.startswith("#"))
