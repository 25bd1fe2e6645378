"""The official Python clients, unchanged but for the endpoint, against a real server."""

import json
from typing import Any

import pytest

from tests.api.client import KEY, SECRET

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::SyntaxWarning"),
]


@pytest.fixture(params=["v3", "v2"])
def sdk(request: pytest.FixtureRequest, server: int) -> Any:
    from alibabacloud_dataworks_public20240518.client import Client
    from alibabacloud_tea_openapi.models import Config

    return Client(
        Config(
            access_key_id=KEY,
            access_key_secret=SECRET,
            endpoint=f"127.0.0.1:{server}",
            protocol="HTTP",
            signature_algorithm=None if request.param == "v3" else "v2",
        )
    )


def test_a_typed_read(sdk: Any) -> None:
    from alibabacloud_dataworks_public20240518.models import GetWorkflowRequest

    answer = sdk.get_workflow(GetWorkflowRequest(id=7))
    assert answer.status_code == 200
    assert answer.headers["x-acs-request-id"] == answer.body.request_id


def test_a_whole_workflow_arrives(sdk: Any) -> None:
    from alibabacloud_dataworks_public20240518 import models as m

    task = m.UpdateWorkflowRequestTasks(
        name="节点 *~+",
        type="DIDE_SHELL",
        owner="1000",
        rerun_mode="AllDenied",
        script=m.UpdateWorkflowRequestTasksScript(content='echo "a" && sleep 1\n'),
        runtime_resource=m.UpdateWorkflowRequestTasksRuntimeResource(resource_group_id="g"),
        trigger=m.UpdateWorkflowRequestTasksTrigger(recurrence="Normal"),
    )
    request = m.UpdateWorkflowRequest(
        id=7, name="w", owner="1000", trigger=m.UpdateWorkflowRequestTrigger(type="Manual"), tasks=[task] * 100
    )
    answer = sdk.update_workflow(request)
    assert answer.status_code == 200


def test_the_generic_call_sees_every_kind_of_value(sdk: Any) -> None:
    answer = generic(sdk, {"Id": 7, "Flag": True, "Ids": [1, 2], "Tags": [{"Key": "a", "Value": ""}]})
    assert answer["body"]["Echo"] == {
        "Id": 7, "Flag": True, "Ids": [1, 2], "Types": [], "Tags": [{"Key": "a", "Value": ""}]
    }  # fmt: skip


def test_json_bodies_of_the_generic_call(sdk: Any) -> None:
    answer = generic(sdk, {"Id": 7, "Tags": [{"Key": "a"}]}, "json")
    assert answer["body"]["Echo"]["Tags"] == [{"Key": "a"}]


def generic(sdk: Any, body: dict[str, Any], kind: str = "formData") -> Any:
    from alibabacloud_tea_openapi.models import OpenApiRequest, Params
    from alibabacloud_tea_util.models import RuntimeOptions

    params = Params(
        action="Echo",
        version="2024-05-18",
        protocol="HTTP",
        pathname="/",
        method="POST",
        auth_type="AK",
        style="RPC",
        req_body_type=kind,
        body_type="json",
    )
    return sdk.call_api(params, OpenApiRequest(body=body), RuntimeOptions())


def test_an_error_becomes_the_client_s_exception(sdk: Any) -> None:
    from alibabacloud_dataworks_public20240518.models import GetTaskRequest, ListTaskInstancesRequest
    from Tea.exceptions import TeaException

    with pytest.raises(TeaException) as failed:
        sdk.list_task_instances(ListTaskInstancesRequest(project_id=10000))
    assert failed.value.code == "MissingBizdate"
    assert "Bizdate is mandatory for this action." in str(failed.value.message)
    with pytest.raises(TeaException) as failed:
        sdk.get_task(GetTaskRequest(id=1))
    assert (failed.value.code, failed.value.data["statusCode"]) == ("NotImplemented", 501)


@pytest.fixture
def core(server: int) -> Any:
    from aliyunsdkcore.client import AcsClient
    from aliyunsdkcore.request import CommonRequest

    def call(method: str, secret: str = SECRET, **values: Any) -> Any:
        request = CommonRequest(domain=f"127.0.0.1:{server}", version="2024-05-18", action_name="Echo")
        request.set_protocol_type("http")
        request.set_method(method)
        for name, value in values.items():
            if method == "POST":
                request.add_body_params(name, value)
            else:
                request.add_query_param(name, value)
        return json.loads(AcsClient(KEY, secret, "cn-hangzhou").do_action_with_exception(request))

    return call


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_the_older_core_signs_in_parameters(core: Any, method: str) -> None:
    echo = core(method, Id=7, Name="a b *~+/=&%中文", Flag=True, Ids=[1, 2])["Echo"]
    assert echo == {"Id": 7, "Name": "a b *~+/=&%中文", "Flag": True, "Ids": [1, 2], "Types": []}


def test_the_older_core_survives_a_mismatch(core: Any) -> None:
    from aliyunsdkcore.acs_exception.exceptions import ServerException

    with pytest.raises(ServerException) as failed:
        core("GET", secret="wrong")
    assert failed.value.get_error_code() in {"SignatureDoesNotMatch", "InvalidAccessKeySecret"}
    assert failed.value.get_http_status() == 400
