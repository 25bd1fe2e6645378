"""The request and answer models say what the API's description says, field by field, in both directions."""

import json
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import pytest
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from tidemill.actions import calendar_models as c
from tidemill.actions import deed_models as d
from tidemill.actions import instance_models as i
from tidemill.actions import neighbour_models as n
from tidemill.actions import parameter_models as p
from tidemill.actions import rerun_models as r
from tidemill.actions import task_models as t
from tidemill.actions import workflow_models as w
from tidemill.actions.shared_models import Sort, SuccessInfoResponse, SuccessResponse

DESCRIBED = json.loads((Path(__file__).parent.parent / "data" / "operations.json").read_text())["operations"]

MODELS: dict[str, tuple[type[BaseModel], type[BaseModel]]] = {
    "UpdateWorkflow": (w.UpdateWorkflowRequest, SuccessResponse),
    "GetWorkflow": (w.GetWorkflowRequest, w.GetWorkflowResponse),
    "ListWorkflows": (w.ListWorkflowsRequest, w.ListWorkflowsResponse),
    "DeleteWorkflow": (w.DeleteWorkflowRequest, SuccessResponse),
    "GetTask": (t.GetTaskRequest, t.GetTaskResponse),
    "ListTasks": (t.ListTasksRequest, t.ListTasksResponse),
    "CreateWorkflowInstances": (i.CreateWorkflowInstancesRequest, i.CreateWorkflowInstancesResponse),
    "GetCreateWorkflowInstancesResult": (
        i.GetCreateWorkflowInstancesResultRequest,
        i.GetCreateWorkflowInstancesResultResponse,
    ),
    "StartWorkflowInstances": (i.InstanceIdsRequest, SuccessInfoResponse),
    "StopWorkflowInstances": (i.InstanceIdsRequest, SuccessInfoResponse),
    "ListWorkflowInstances": (i.ListWorkflowInstancesRequest, i.ListWorkflowInstancesResponse),
    "GetWorkflowInstance": (i.GetWorkflowInstanceRequest, i.GetWorkflowInstanceResponse),
    "ListTaskInstances": (i.ListTaskInstancesRequest, i.ListTaskInstancesResponse),
    "GetTaskInstance": (i.GetTaskInstanceRequest, i.GetTaskInstanceResponse),
    "GetTaskInstanceLog": (i.GetTaskInstanceLogRequest, i.GetTaskInstanceLogResponse),
    "RerunTaskInstances": (i.RerunTaskInstancesRequest, SuccessInfoResponse),
    "StopTaskInstances": (i.InstanceIdsRequest, SuccessInfoResponse),
    "SetSuccessTaskInstances": (i.InstanceIdsRequest, SuccessInfoResponse),
    "SuspendTaskInstances": (i.InstanceIdsRequest, SuccessInfoResponse),
    "ResumeTaskInstances": (i.InstanceIdsRequest, SuccessInfoResponse),
    "ListUpstreamTaskInstances": (n.ListNeighboursRequest, n.ListUpstreamTaskInstancesResponse),
    "ListDownstreamTaskInstances": (n.ListNeighboursRequest, n.ListDownstreamTaskInstancesResponse),
    "RerunWorkflowInstances": (r.RerunWorkflowInstancesRequest, r.RerunWorkflowInstancesResponse),
    "GetRerunWorkflowInstancesResult": (
        r.GetRerunWorkflowInstancesResultRequest,
        r.GetRerunWorkflowInstancesResultResponse,
    ),
    "UpdateTaskInstances": (d.UpdateTaskInstancesRequest, SuccessInfoResponse),
    "TriggerSchedulerTaskInstance": (d.TriggerSchedulerTaskInstanceRequest, SuccessResponse),
    "RemoveTaskInstanceDependencies": (d.RemoveTaskInstanceDependenciesRequest, SuccessResponse),
    "ListTaskInstanceOperationLogs": (
        d.ListTaskInstanceOperationLogsRequest,
        d.ListTaskInstanceOperationLogsResponse,
    ),
    "CreateCalendar": (c.CreateCalendarRequest, c.CreateCalendarResponse),
    "UpdateCalendar": (c.UpdateCalendarRequest, c.UpdateCalendarResponse),
    "GetCalendar": (c.CalendarIdRequest, c.GetCalendarResponse),
    "DeleteCalendar": (c.CalendarIdRequest, SuccessResponse),
    "ListCalendars": (c.ListCalendarsRequest, c.ListCalendarsResponse),
    "ListCalendarVersions": (c.ListCalendarVersionsRequest, c.ListCalendarVersionsResponse),
    "CreateParameter": (p.CreateParameterRequest, p.CreateParameterResponse),
    "UpdateParameter": (p.UpdateParameterRequest, p.UpdateParameterResponse),
    "RollbackParameter": (p.RollbackParameterRequest, SuccessResponse),
    "DeleteParameter": (p.ParameterIdRequest, SuccessResponse),
    "GetParameter": (p.ParameterIdRequest, p.GetParameterResponse),
    "ListParameters": (p.ListParametersRequest, p.ListParametersResponse),
    "ListParameterVersions": (p.ListParameterVersionsRequest, p.ListParameterVersionsResponse),
}

_INSTANCE_RECURRENCES = set(get_args(i.InstanceRecurrence))
_DEEDS = ("Rerun", "Stop", "SetSuccess", "Suspend", "Resume")

_NEIGHBOUR = {
    "TriggerRecurrence": _INSTANCE_RECURRENCES,
    "WorkflowInstanceType": set(get_args(i.AnyInstanceType)),
    "Status": {*get_args(i.WorkflowInstanceStatus), "WaitTrigger"},
    "RerunMode": {"AllDenied", "FailureAllowed", "AllAllowed"},
    "TriggerType": {"Scheduler", "Manual"},
}

# Where we say something else than the description, and what.
OURS: dict[str, dict[str, Any]] = {
    # our own parameter: makes the call repeatable
    "CreateWorkflowInstances.ClientToken": {"type": "string"},
    # our own parameter: no event brings one here
    "CreateWorkflowInstances.TriggerMessage": {"type": "string"},
    # our own: a workflow's schedule in another time zone than its project's
    "UpdateWorkflow.Trigger.TimeZone": {"type": "string"},
    "GetWorkflow.Workflow.Trigger.TimeZone": {"type": "string"},
    "ListWorkflows.PagingInfo.Workflows.Trigger.TimeZone": {"type": "string"},
    # our own: the only way to name a calendar without a FlowSpec
    "UpdateWorkflow.Trigger.CalendarId": {"type": "integer"},
    "GetWorkflow.Workflow.Trigger.CalendarId": {"type": "integer"},
    "ListWorkflows.PagingInfo.Workflows.Trigger.CalendarId": {"type": "integer"},
    # our own: how many instances of a task may run at once
    "UpdateWorkflow.Tasks.MaxParallelInstances": {"type": "integer"},
    "GetTask.Task.MaxParallelInstances": {"type": "integer"},
    "GetTask.Task.SubTasks.SubTasks.MaxParallelInstances": {"type": "integer"},
    "ListTasks.PagingInfo.Tasks.MaxParallelInstances": {"type": "integer"},
    # an output or a tag that names nothing is no use, nor is a value without its environment
    **{
        f"{action}Parameter.Properties.{name}": {"required": True}
        for action in ("Create", "Update")
        for name in ("EnvType", "Value")
    },
    "UpdateWorkflow.Outputs.TaskOutputs.Output": {"required": True},
    "UpdateWorkflow.Tasks.Outputs.TaskOutputs.Output": {"required": True},
    "CreateWorkflowInstances.Tags.Key": {"required": True},
    **{f"{deed}TaskInstances.Ids": {"required": True} for deed in _DEEDS},
    "UpdateTaskInstances.TaskInstances": {"required": True},
    "RemoveTaskInstanceDependencies.UpstreamTaskInstanceIds": {"required": True},
    # described in words only
    "ListWorkflows.EnvType": {"enum": {"Prod", "Dev"}},
    "ListWorkflows.PagingInfo.Workflows.EnvType": {"enum": {"Prod", "Dev"}},
    # keys of a JSON text, which travels as text
    "ListWorkflowInstances.Filter": {"type": "object"},
    "ListTaskInstances.Filter": {"type": "object"},
    # both lists of both directions show the same
    **{
        f"List{way}TaskInstances.PagingInfo.{inside}.{field}": {"enum": enum}
        for way in ("Upstream", "Downstream")
        for inside in ("TaskInstances", f"{way}TaskInstances.TaskInstance")
        for field, enum in _NEIGHBOUR.items()
    },
    "ListDownstreamTaskInstances.PagingInfo.TaskInstances.ProjectEnv": {"enum": {"Prod", "Dev"}},
    # GetTaskInstance shows more of these than the list is said to; both show the same here
    "ListTaskInstances.PagingInfo.TaskInstances.TriggerRecurrence": {"enum": _INSTANCE_RECURRENCES},
    "ListTaskInstances.PagingInfo.TaskInstances.WorkflowInstanceType": {"enum": set(get_args(i.AnyInstanceType))},
    "GetTaskInstance.TaskInstance.WorkflowInstanceType": {"enum": set(get_args(i.AnyInstanceType))},
}


def described(path: str, field: Any, *, answer: bool) -> dict[str, Any]:
    """{path: what the description says of it}, with all that is inside."""
    field = {"type": field} if isinstance(field, str) else field
    says: dict[str, Any] = {"type": field["type"]}
    if not answer:
        says["required"] = field.get("required", False)
    if "enum" in field:
        says["enum"] = set(field["enum"])
    found = {path: says | OURS.get(path, {})}
    inside = field
    for kind in ("items", "values"):
        if isinstance(field.get(kind), dict):
            inside = field[kind]
        elif kind in field:
            found[path][kind] = field[kind]
    for name, value in inside.get("fields", {}).items():
        found |= described(f"{path}.{name}", value, answer=answer)
    return found


def bare(annotation: Any) -> Any:
    while get_origin(annotation) in (Annotated, Union, UnionType):
        parts = get_args(annotation)
        annotation = parts[0] if get_origin(annotation) is Annotated else next(p for p in parts if p is not type(None))
    return annotation


PLAIN = {int: "integer", str: "string", bool: "boolean", Sort: "string"}


def modelled(path: str, info: FieldInfo | None, annotation: Any, *, answer: bool) -> dict[str, Any]:
    kind = bare(annotation)
    says: dict[str, Any] = {}
    if not answer and info is not None:
        says["required"] = info.is_required()
    found = {path: says}
    item: Any = None
    if kind in PLAIN:
        says["type"] = PLAIN[kind]
    elif get_origin(kind) is Literal:
        says["type"] = PLAIN[type(get_args(kind)[0])]
        says["enum"] = set(get_args(kind))
    elif get_origin(kind) is tuple:
        says["type"] = "array"
        item = bare(get_args(kind)[0])
    elif get_origin(kind) is dict:
        says["type"] = "map"
        item = bare(get_args(kind)[1])
    else:
        says["type"] = "object"
        item = kind
    if item in PLAIN:
        says["items" if says["type"] == "array" else "values"] = PLAIN[item]
    elif item is not None and not issubclass(item, i._Filter):
        for name, inside in item.model_fields.items():
            found |= modelled(f"{path}.{inside.alias or name}", inside, inside.annotation, answer=answer)
    return found


@pytest.mark.parametrize("operation", MODELS)
@pytest.mark.parametrize("side", ["request", "response"])
def test_models_agree_with_the_description(operation: str, side: str) -> None:
    answer = side == "response"
    expected: dict[str, Any] = {}
    for name, field in DESCRIBED[operation][side].items():
        if not (answer and name == "RequestId"):  # the gateway adds it
            expected |= described(f"{operation}.{name}", field, answer=answer)
    for path in OURS.keys() - expected.keys():
        inside = path.rpartition(".")[0]
        if inside in expected or (inside == operation and not answer):
            expected[path] = OURS[path] if answer else {"required": False} | OURS[path]
    if (operation, side) == ("UpdateWorkflow", "request"):  # our own: a loop's body, of tasks like all others
        tasks = "UpdateWorkflow.Tasks"
        body = {f"{tasks}.SubTasks{path.removeprefix(tasks)}": says for path, says in expected.items()
                if path.startswith(f"{tasks}.") and not path.endswith(".MaxParallelInstances")}  # fmt: skip
        expected |= body | {f"{tasks}.SubTasks": {"type": "array", "required": False}}
    actual: dict[str, Any] = {}
    for name, info in MODELS[operation][answer].model_fields.items():
        actual |= modelled(f"{operation}.{info.alias or name}", info, info.annotation, answer=answer)
    assert actual == expected


def test_create_workflow_takes_what_update_workflow_takes_but_the_id() -> None:
    update, create = w.UpdateWorkflowRequest.model_fields, w.CreateWorkflowRequest.model_fields
    assert set(update) ^ set(create) == {"id", "project_id"}


def test_answers_leave_out_what_is_none_and_keep_empty_lists() -> None:
    result = i.CreationResult(status="Created")
    assert result.model_dump(by_alias=True, exclude_none=True) == {
        "Status": "Created", "WorkflowInstanceIds": (), "WorkflowTaskInstanceIds": (), "UnifiedWorkflowInstanceIds": ()
    }  # fmt: skip


def test_success_info_is_keyed_by_the_id_as_text() -> None:
    assert SuccessInfoResponse.of({1: "", 2: "no"}).model_dump(by_alias=True, exclude_none=True) == {
        "SuccessInfo": {"1": {"Success": True}, "2": {"Success": False, "Message": "no"}}
    }
