"""What the gateway accepts and how it refuses: every answer is a JSON object in the documented shape."""

import pytest

from tests.api.conftest import KEY, START, Api
from tidemill.actions.table import ACTIONS

PROJECT = {"ProjectId": 10_000}


def test_health_needs_no_signature(sqlite_api: Api) -> None:
    status, answer, _ = sqlite_api.send("GET", path="/health")
    assert (status, answer["Status"]) == (200, "ok")


@pytest.mark.parametrize(
    ("options", "parameters"),
    [
        pytest.param({}, PROJECT, id="a form"),
        pytest.param({"method": "GET", "query": {"ProjectId": "10000"}}, {}, id="a query"),
        pytest.param({"as_json": True}, PROJECT, id="a JSON body"),
        pytest.param({"path": "/any/prefix/"}, PROJECT, id="a path prefix"),
        pytest.param({"chunks": 5}, PROJECT, id="a chunked body"),
        pytest.param({"method": "GET"}, PROJECT, id="a body on GET"),
        pytest.param({"query": {"ProjectId": "1"}}, PROJECT, id="the body wins"),
        pytest.param({}, {**PROJECT, "RegionId": "cn-x", "Newer": "1"}, id="unknown parameters are ignored"),
        pytest.param({}, {**PROJECT, "Tags.1": "a", "Ids.1": "5", "Ids.2": "6"}, id="flat notation"),
        pytest.param({}, {**PROJECT, "Ids": "5,6"}, id="comma notation"),
        pytest.param({}, {**PROJECT, "Ids": "null", "Tags": "undefined", "Owner": ""}, id="texts for nothing"),
        pytest.param({}, {**PROJECT, "PageSize": "500"}, id="numbers as text"),
    ],
)
def test_parameters_may_come_in_any_of_these_ways(sqlite_api: Api, options: dict, parameters: dict) -> None:
    status, answer = sqlite_api.call("ListWorkflows", **options, **parameters)
    assert (status, answer["PagingInfo"]["TotalCount"]) == (200, 0), answer


def test_nested_flat_notation_becomes_lists_and_objects(sqlite_api: Api) -> None:
    flat = {
        "ProjectId": 10_000, "Name": "w", "Owner": "1", "Trigger.Type": "Manual", "Tags.2.Key": "b", "Tags.1.Key": "a",
        "Tasks.1.Name": "t", "Tasks.1.Type": "VIRTUAL", "Tasks.1.Owner": "1", "Tasks.1.RerunMode": "AllAllowed",
        "Tasks.1.Trigger.Recurrence": "Normal", "Tasks.1.RuntimeResource.ResourceGroupId": "g",
        "Tasks.1.Outputs.TaskOutputs.1.Output": "x.y",
    }  # fmt: skip
    status, created = sqlite_api.call("CreateWorkflow", **flat)
    assert status == 200, created
    _, got = sqlite_api.call("GetWorkflow", Id=created["Id"])
    assert [tag["Key"] for tag in got["Workflow"]["Tags"]] == ["a", "b"]
    assert [task["Name"] for task in got["Workflow"]["Tasks"]] == ["t"]


@pytest.mark.parametrize("value", ["True", "true", "TRUE", "false"])
def test_booleans_in_any_case(sqlite_api: Api, value: str) -> None:
    status, answer = sqlite_api.call("RerunTaskInstances", Ids=[1], UseLatestConfig=value)
    assert (status, answer["SuccessInfo"]["1"]["Success"]) == (200, False)


@pytest.mark.parametrize(
    ("action", "parameters", "changes", "status", "code"),
    [
        ("NoSuchAction", {}, {}, 404, "InvalidAction.NotFound"),
        ("getworkflow", {}, {}, 404, "InvalidAction.NotFound"),
        ("CreateDataQualityRule", {}, {}, 501, "NotImplemented"),
        ("ListWorkflows", PROJECT, {"x_acs_version": "2020-05-18"}, 404, "InvalidAction.NotFound"),
        ("ListWorkflows", {}, {}, 400, "MissingProjectId"),
        ("ListWorkflows", {"ProjectId": "x"}, {}, 400, "InvalidProjectId"),
        ("ListWorkflows", {"ProjectId": "+10000"}, {}, 400, "InvalidProjectId"),
        ("ListWorkflows", {"ProjectId": "9" * 30}, {}, 400, "InvalidProjectId"),
        ("ListWorkflows", {**PROJECT, "PageSize": 501}, {}, 400, "InvalidPageSize"),
        ("ListWorkflows", {**PROJECT, "PageNumber": 0}, {}, 400, "InvalidPageNumber"),
        ("ListWorkflows", {**PROJECT, "SortBy": "Name Asc"}, {}, 400, "InvalidSortBy"),
        ("ListWorkflows", {**PROJECT, "Ids": "{"}, {}, 400, "InvalidIds"),
        ("ListWorkflows", {**PROJECT, "Ids": "[" * 60_000}, {}, 400, "InvalidIds"),
        ("ListWorkflows", {**PROJECT, "Ids.a.b": "1"}, {}, 400, "InvalidIds"),
        ("ListWorkflows", {"ProjectId": 1}, {}, 404, "InvalidProject.NotFound"),
        ("GetWorkflow", {"Id": 1}, {}, 404, "InvalidWorkflow.NotFound"),
        ("GetTask", {"Id": 1}, {}, 404, "InvalidTask.NotFound"),
        ("GetTaskInstance", {"Id": 1}, {}, 404, "InvalidTaskInstance.NotFound"),
        ("GetWorkflowInstance", {"Id": 1}, {}, 404, "InvalidWorkflowInstance.NotFound"),
        ("GetCreateWorkflowInstancesResult", {"OperationId": "x"}, {}, 404, "InvalidOperation.NotFound"),
        ("StopTaskInstances", {"Ids": list(range(501))}, {}, 400, "InvalidIds"),
        ("StopTaskInstances", {}, {}, 400, "MissingIds"),
        ("ListTaskInstances", {**PROJECT, "Bizdate": 1, "Filter": '{"a":"b"}'}, {}, 400, "InvalidFilter"),
        ("ListTaskInstances", {**PROJECT, "Bizdate": 10**18}, {}, 400, "InvalidBizdate"),
        ("ListWorkflows", PROJECT, {"x_acs_date": "yesterday"}, 400, "InvalidTimeStamp.Format"),
        ("ListWorkflows", PROJECT, {"x_acs_date": "2025-11-02T00:00:00Z"}, 400, "InvalidTimeStamp.Expired"),
        ("ListWorkflows", PROJECT, {"x_acs_content_sha256": "0" * 64}, 400, "SignatureDoesNotMatch"),
        ("ListWorkflows", PROJECT, {"x_acs_signature_nonce": ""}, 400, "MissingSignatureNonce"),
    ],
)  # fmt: skip
def test_a_signed_call_is_refused_with_this_code(
    sqlite_api: Api, action: str, parameters: dict, changes: dict, status: int, code: str
) -> None:
    answered, answer = sqlite_api.call(action, changes=changes, **parameters)
    assert (answered, answer["Code"]) == (status, code), answer["Message"]
    assert all(isinstance(answer[name], str) for name in ("RequestId", "HostId", "Code", "Message", "Recommend"))


@pytest.mark.parametrize(
    ("method", "query", "headers", "body", "status", "code"),
    [
        ("PUT", "", {}, b"", 405, "UnsupportedHTTPMethod"),
        ("GET", "", {}, b"", 400, "MissingAction"),
        ("GET", "Action=GetWorkflow", {}, b"", 400, "MissingVersion"),
        ("GET", "Action=GetWorkflow&Version=2024-05-18", {}, b"", 400, "MissingAccessKeyId"),
        ("GET", "Action=A&Version=2024-05-18&AccessKeyId=x", {}, b"", 400, "MissingSignature"),
        ("GET", "Action=A&Version=2024-05-18&Signature=x&AccessKeyId=x", {}, b"", 400, "MissingTimestamp"),
        ("POST", "Action=A&Version=1", {"authorization": "ACS3-HMAC-SHA256 rubbish"}, b"", 400, "IncompleteSignature"),
        ("POST", "Action=A&Version=1", {"authorization": "ACS3-RSA-SHA256 x"}, b"", 400, "InvalidSignatureMethod"),
        ("POST", "", {"content-type": "application/json"}, b"[1]", 400, "MissingAccessKeyId"),
        ("POST", "", {"content-type": "application/json"}, b"[" * 100_000, 400, "MissingAccessKeyId"),
        ("POST", "", {}, b"\xff\xfe=\x00", 400, "InvalidBody"),
        ("POST", "", {"content-length": "300000"}, b"", 413, "RequestEntityTooLarge"),
        ("POST", "", {}, [b"x" * 150_000, b"x" * 150_000], 413, "RequestEntityTooLarge"),
    ],
)  # fmt: skip
def test_rubbish_is_refused_with_this_code(
    sqlite_api: Api, method: str, query: str, headers: dict, body: bytes, status: int, code: str
) -> None:
    answered, answer, _ = sqlite_api.send(method, query, headers, body)
    assert (answered, answer["Code"]) == (status, code), answer


@pytest.mark.parametrize("first", ["ListWorkflows", "RerunTaskInstances"])
@pytest.mark.parametrize("second", ["ListWorkflows", "RerunTaskInstances"])
def test_a_nonce_counts_once_for_reads_and_writes_alike(api: Api, first: str, second: str) -> None:
    given = {"ListWorkflows": PROJECT, "RerunTaskInstances": {"Ids": [1]}}
    nonce = {"x_acs_signature_nonce": "n"}
    assert api.call(first, changes=nonce, **given[first])[0] == 200
    assert api.call(second, changes=nonce, **given[second])[1]["Code"] == "SignatureNonceUsed"


def test_a_restart_remembers_the_nonces_of_writes(api: Api, tmp_path) -> None:
    nonce = {"x_acs_signature_nonce": "n"}
    assert api.call("RerunTaskInstances", changes=nonce, Ids=[1])[0] == 200
    again = Api(api.database, tmp_path)
    assert again.call("RerunTaskInstances", changes=nonce, Ids=[1])[1]["Code"] == "SignatureNonceUsed"
    again.clock.time = START + 31 * 60_000
    assert again.call("RerunTaskInstances", changes=nonce, Ids=[1])[0] == 200


def test_an_unknown_key_is_not_found_and_a_temporary_one_needs_a_token(sqlite_api: Api) -> None:
    headers = sqlite_api.signed("ListWorkflows", b"", {}, "GET", "")
    other = {**headers, "authorization": headers["authorization"].replace(KEY, "LTAIother")}
    assert sqlite_api.send("GET", "", other)[1]["Code"] == "InvalidAccessKeyId.NotFound"
    temporary = {**headers, "authorization": headers["authorization"].replace(KEY, "STS.x")}
    assert sqlite_api.send("GET", "", temporary)[1]["Code"] == "MissingSecurityToken"


def test_all_faults_are_told_at_once_each_with_its_path(sqlite_api: Api) -> None:
    task = {"Name": "t", "Type": "X", "Owner": "1", "RerunMode": "Sometimes", "Trigger": {"Recurrence": "No"}}
    status, answer = sqlite_api.call(
        "CreateWorkflow", Name="", Trigger={"Type": "Scheduler"}, Tasks=[task, None], ProjectId="x"
    )
    assert (status, answer["Code"]) == (400, "InvalidName")
    for path in (
        "Name: a text that is not empty is expected",
        "Owner: is mandatory",
        "Tasks[0].RerunMode: AllDenied, FailureAllowed or AllAllowed is expected",
        "Tasks[0].Trigger.Recurrence: Normal, Skip or Pause is expected",
        "Tasks[0].RuntimeResource: is mandatory",
        "Tasks[1]: is mandatory",
        "ProjectId: an integer is expected",
    ):
        assert path in answer["Message"]


def test_an_unexpected_error_says_nothing_of_its_insides(sqlite_api: Api, monkeypatch, caplog) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("a secret inside")

    monkeypatch.setattr("tidemill.actions.perform._act", broken)
    status, answer = sqlite_api.call("ListWorkflows", **PROJECT)
    assert (status, answer["Code"]) == (500, "InternalError")
    assert "secret" not in str(answer)
    assert answer["RequestId"] in caplog.text


def test_a_project_of_others_is_forbidden(sqlite_api: Api) -> None:
    from sqlalchemy import update

    from tidemill.store.tables import project_member

    with sqlite_api.database.write() as db:
        db.execute(update(project_member).values(role="Visitor"))
    assert sqlite_api.call("ListWorkflows", **PROJECT)[0] == 200
    body = {**PROJECT, "Name": "w", "Owner": "1", "Trigger": {"Type": "Manual"}}
    status, answer = sqlite_api.call("CreateWorkflow", **body)
    assert (status, answer["Code"]) == (403, "Forbidden.Access")
    assert answer["AccessDeniedDetail"]["AuthAction"] == "dataworks:CreateWorkflow"


TIER_ONE = """
    CreateWorkflow UpdateWorkflow GetWorkflow ListWorkflows DeleteWorkflow GetTask ListTasks
    CreateWorkflowInstances GetCreateWorkflowInstancesResult StartWorkflowInstances
    StopWorkflowInstances ListWorkflowInstances GetWorkflowInstance ListTaskInstances GetTaskInstance
    GetTaskInstanceLog RerunTaskInstances StopTaskInstances SetSuccessTaskInstances SuspendTaskInstances
    ResumeTaskInstances
"""


def test_tier_one_is_served() -> None:
    assert set(TIER_ONE.split()) <= ACTIONS.keys()
