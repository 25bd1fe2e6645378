"""Bad input of every kind, as the official SDK's exception shows it."""

from collections.abc import Callable
from typing import Any

import pytest
from alibabacloud_dataworks_public20240518.client import Client
from alibabacloud_tea_openapi.models import Config
from Tea.exceptions import TeaException

from tests.whole.conftest import KEY, Server, task

SCHEDULER = {"Type": "Scheduler", "Cron": "00 00 01 * * ?"}


def refusal(call: Callable[..., Any], *args: Any, **parameters: Any) -> tuple[str, int, str]:
    with pytest.raises(TeaException) as refused:
        call(*args, **parameters)
    error: Any = refused.value
    return error.code, error.statusCode, error.message


def test_the_sdk_s_exception_names_the_fault(server: Server) -> None:
    server.create(task("other"), Name="other")
    made = server.create(task("a"))
    body = {"Id": made["Id"], "Name": "w", "Owner": "1000", "Trigger": {"Type": "Manual"}}
    same = {"TaskOutputs": [{"Output": "x.other"}]}
    wrong = {
        "InvalidWorkflow.NotFound": {**body, "Id": 7},
        "InvalidTrigger": {**body, "Trigger": {**SCHEDULER, "Cron": "* * * *"}},
        "MissingOwner": {name: value for name, value in body.items() if name != "Owner"},
        "InvalidDependencies": {**body, "Dependencies": [{"Type": "Normal", "UpstreamOutput": "x.nowhere"}]},
        "InvalidOutputs": {**body, "Outputs": same},
        "InvalidTags": {**body, "Tags": {"Key": "not a list"}},
        "InvalidId": {**body, "Id": "seven"},
    }
    for code, parameters in wrong.items():
        assert refusal(server.call, "UpdateWorkflow", **parameters)[0] == code
    tasks = {
        "cycle": [task("a", "true", "b"), task("b", "true", "a")],
        "has the output x.nowhere": [task("a", "true", "nowhere")],
        "has one owner": [task("a", "true", Outputs=same)],
        "already an output": [task("a", "true"), task("b", "true", Outputs={"TaskOutputs": [{"Output": "x.a"}]})],
        "not a task of workflow": [task("a", "true", Id=7)],
        "already that of": [task("a", "true"), task("a", "true")],
        "at most 1048576 bytes": [task("a", "x" * (2**20 + 1))],
        "Timeout: an integer is expected": [task("a", "true", Timeout="soon")],
    }
    for message, given in tasks.items():
        code, status, says = refusal(server.call, "UpdateWorkflow", **body, Tasks=given)
        assert (code, status) == ("InvalidTasks", 400)
        assert message in says
    assert refusal(server.call, "UpdateWorkflow", **body, Tasks="x" * (17 * 2**20))[1] == 413
    stranger = Client(Config(access_key_id=KEY, access_key_secret="?", endpoint=server.endpoint, protocol="HTTP"))
    server.client = stranger
    assert refusal(server.call, "GetWorkflow", Id=made["Id"])[0] == "SignatureDoesNotMatch"
