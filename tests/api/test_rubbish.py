"""Bad input of every kind, as strangers and as signed callers send it: always a 4xx in the API's shape, at once."""

import json
import random
from typing import Any

import pytest

from tests.api.conftest import Api
from tidemill.actions import json_text
from tidemill.actions.json_text import MAX_VALUES
from tidemill.domain.errors import Fault, InvalidRequest

DEEP = 100_000
PROJECT = {"ProjectId": 10_000}


def workflow(**fields: Any) -> dict[str, Any]:
    return {**PROJECT, "Name": "w", "Owner": "1", "Trigger": {"Type": "Manual"}, **fields}


def nested(levels: int) -> Any:
    value: Any = []
    for _ in range(levels):
        value = [value]
    return value


@pytest.fixture
def roomy(sqlite_api: Api) -> Api:
    """With the usual limit of a request's size."""
    return Api(sqlite_api.database, sqlite_api.settings.data)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        pytest.param(b"[" * DEEP, "InvalidBody", id="deep lists"),
        pytest.param(b'{"a":' * DEEP, "InvalidBody", id="deep objects"),
        pytest.param(b'{"a":' + b"[" * DEEP + b"]" * DEEP + b"}", "InvalidBody", id="deep and whole"),
        pytest.param(b'{"Id":' + b"9" * 1_000_000 + b"}", "InvalidBody", id="a number of a million digits"),
        pytest.param(b'{"Id":NaN}', "InvalidId", id="NaN"),
        pytest.param(b'{"Id":-Infinity}', "InvalidId", id="minus infinity"),
        pytest.param(b'{"Id":1e999}', "InvalidId", id="more than a float"),
        pytest.param(b'{"Id":1e18}', "InvalidId", id="more than an integer of the database"),
        pytest.param(b'{"Id":1.5}', "InvalidId", id="a fraction"),
        pytest.param(b'{"Id":true}', "InvalidId", id="a boolean"),
        pytest.param(b'{"Id":[1]}', "InvalidId", id="a list"),
        pytest.param(b'{"Id":null}', "MissingId", id="null"),
        pytest.param(b'{"Id":1,"Id":2}', "InvalidWorkflow.NotFound", id="twice: the last one counts"),
        pytest.param(b'{"Id":"\\ud800"}', "InvalidBody", id="half a surrogate pair"),
        pytest.param(b'{"\\udfff":1}', "InvalidBody", id="half a surrogate pair as a name"),
        pytest.param(b'{"Id":"\xff\xfe"}', "InvalidBody", id="no UTF-8"),
        pytest.param('{"Id":1}'.encode("utf-16"), "InvalidBody", id="UTF-16"),
        pytest.param(b'{"Id":1', "InvalidBody", id="cut off"),
        pytest.param(b"\x00" * 1_000, "InvalidBody", id="NULs"),
        pytest.param(b'"text"', "InvalidBody", id="a text"),
        pytest.param(b'{"Id":1,"X":[' + b"[]," * MAX_VALUES + b"0]}", "InvalidBody", id="very many values"),
    ],
)
def test_a_json_body_is_refused_with_this_code(roomy: Api, body: bytes, code: str) -> None:
    headers = roomy.signed("GetWorkflow", body, {}, "POST", "application/json")
    status, answer, _ = roomy.send("POST", "", headers, body)
    assert (status // 100, answer["Code"]) == (4, code)


def test_a_text_may_have_as_many_signs_as_it_likes(roomy: Api) -> None:
    text = '{[\\",' * MAX_VALUES
    assert roomy.call("ListWorkflows", as_json=True, **PROJECT, Newer=text)[0] == 200


@pytest.mark.parametrize("end", ["", "\\", '\\"'])
def test_a_text_without_end_is_looked_at_once(roomy: Api, end: str) -> None:
    text = '"' + '\\"' * 2**19 + "," * MAX_VALUES + end
    # A second match would begin at one of its quotes, and so would half a million of them.
    assert sum(1 for _ in json_text._TEXT_OR_SIGN.finditer(text)) == 1
    body = f'{{"Id":{text}'.encode()
    assert len(body) >= 2**20
    headers = roomy.signed("GetWorkflow", body, {}, "POST", "application/json")
    status, answer, _ = roomy.send("POST", "", headers, body)
    assert (status, answer["Code"]) == (400, "InvalidBody")


@pytest.mark.parametrize("text", ["[" * DEEP + "]" * DEEP, '{"a":' * DEEP])
def test_json_that_is_nested_too_deep_is_told_so(roomy: Api, text: str) -> None:
    _, answer = roomy.call("CreateWorkflow", **workflow(Tasks=text))
    assert "Tasks: JSON that is not nested so deep is expected" in answer["Message"]


def test_of_very_many_faults_fifty_are_named(roomy: Api) -> None:
    faults = [Fault(f"Tasks[{number}]", "is mandatory", missing=True) for number in range(900)]
    assert str(InvalidRequest(faults)).count("Tasks[") == 50
    assert str(InvalidRequest(faults)).endswith("; and 850 more")
    _, answer = roomy.call("CreateWorkflow", **workflow(Tasks=[{} for _ in range(900)]))
    assert answer["Message"].count("; Tasks[") == 49


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        pytest.param({"Tasks": "[" * DEEP}, "InvalidTasks", id="deep lists"),
        pytest.param({"Tasks": '[{"Name":' * DEEP}, "InvalidTasks", id="deep objects"),
        pytest.param({"Tasks": [{"Name": nested(900)}]}, "InvalidTasks", id="deep, in a field of a task"),
        pytest.param({"Tags": [{"Key": "k", "Value": nested(900)}]}, "InvalidTags", id="deep, deeper inside"),
        pytest.param({"Tags": "[" + "9" * 1_000_000 + "]"}, "InvalidTags", id="a number of a million digits"),
        pytest.param({"Tags": "[NaN]"}, "InvalidTags", id="NaN"),
        pytest.param({"Tags": '[{"Key":"\\ud800"}]'}, "InvalidTags", id="half a surrogate pair"),
        pytest.param({"Tags": '[{"Key":"\\u0000"}]'}, "InvalidTags", id="NUL in JSON"),
        pytest.param({"Name": "a\0b"}, "InvalidName", id="NUL"),
        pytest.param({"Tags": "[" + "[]," * MAX_VALUES + "0]"}, "InvalidTags", id="very many values"),
        pytest.param({f"Tasks.1{'.a' * 50_000}": "x"}, "InvalidTasks", id="a deep flat name"),
        pytest.param({f"Tags.{'9' * 5_000}.Key": "x"}, "InvalidTags", id="a list's very large number"),
        pytest.param({f"Tags.{n}.Value": "" for n in range(20_000)}, "InvalidRequest", id="very many faults"),
        pytest.param({f"X{n}": "" for n in range(100_001)}, "InvalidBody", id="very many fields"),
    ],
)
def test_form_fields_are_refused_with_this_code(roomy: Api, parameters: dict, code: str) -> None:
    status, answer = roomy.call("CreateWorkflow", **workflow(**parameters))
    assert (status, answer["Code"]) == (400, code)
    assert len(answer["Message"]) < 20_000


NAMES = [
    "Action", "Version", "Id", "Ids", "Tasks", "ProjectId", "Name", "Owner", "Trigger", "Tags", "Tags.1.Key", "Tags.x",
    "Timestamp", "Signature", "SignatureNonce", "AccessKeyId", "PageSize", "PageNumber", "Bizdate", "Outputs", "Filter",
    "Dependencies", "Parameters", "SortBy", "WorkflowId", "Type", "Periods", "DefaultRunProperties", "TaskParameters",
    "OperationId", "Status", "RunNumber", "ClientUniqueCode", "", ".", "..", "\x00", "é", "Ids.1", "Tasks.1.Name",
]  # fmt: skip
VALUES = [
    "", "null", "-1", "0", "1", "10000", "9" * 400, "NaN", "1e999", "1.5", "\0", "true", "%", "%zz", "+", "é☃😀",
    "x" * 5_000, "[" * 3_000, '{"a":' * 3_000, "[1,2", '{"Type":"Scheduler","Cron":"* * *"}', '[{"Name":"x"}]',
    '"\\ud800"',
    "[null]", '["\\u0000"]', "{}", "[[]]", "[NaN]", "[1e999]", "[" + "9" * 5_000 + "]", '{"Content":1}',
    '[{"Trigger":{"Type":7}}]', '{"": {}}', "1,2,x", "2025-11-02", "Manual", "1762012800000", '{"a":"b"}',
    '{"RootTaskIds":["x"]}', '[{"Id":1}]',
]  # fmt: skip
ACTIONS = [
    "ListWorkflows", "CreateWorkflow", "UpdateWorkflow", "GetWorkflow", "ListTaskInstances", "StopTaskInstances",
    "RerunTaskInstances", "CreateWorkflowInstances", "GetTask", "ListTasks", "NoSuchAction", "GetTaskInstanceLog",
    "UpdateTaskInstances", "GetCreateWorkflowInstancesResult", "ListWorkflowInstances", "RerunWorkflowInstances",
    "", "\x01",
]  # fmt: skip


@pytest.mark.parametrize("seed", range(4))
def test_whatever_a_signed_caller_sends_is_never_our_fault(sqlite_api: Api, seed: int, caplog) -> None:
    chance = random.Random(seed)
    for _ in range(150):
        parameters = {chance.choice(NAMES): chance.choice(VALUES) for _ in range(chance.randrange(9))}
        given = {name: value for name, value in parameters.items() if name not in ("Action", "Version", "Signature")}
        action = chance.choice(ACTIONS)
        status, answer = sqlite_api.call(action, as_json=chance.random() < 0.3, **_free(given))
        assert status in (200, 400, 403, 404, 409, 501), (action, given, answer)
        assert status == 200 or isinstance(answer["Code"], str)
    assert caplog.text == ""


def _free(given: dict[str, Any]) -> dict[str, Any]:
    """Without names that the test's own client takes for itself."""
    return {name: value for name, value in given.items() if name not in ("method", "query", "path")}


@pytest.mark.parametrize("seed", range(4))
def test_whatever_a_stranger_sends_is_refused(sqlite_api: Api, seed: int, caplog) -> None:
    chance = random.Random(seed)
    kinds = ["application/json", "application/x-www-form-urlencoded", "text/xml", "", ";", "multipart/form-data"]
    for _ in range(150):
        query = "&".join(f"{chance.choice(NAMES)}={chance.choice(VALUES)}" for _ in range(chance.randrange(6)))
        fields = {chance.choice(NAMES): chance.choice(VALUES) for _ in range(chance.randrange(6))}
        body = chance.choice([chance.randbytes(200), json.dumps(fields).encode(), repr(fields).encode(), b""])
        headers = {
            "content-type": chance.choice(kinds),
            "authorization": chance.choice(["", "ACS3-", "ACS3-HMAC-SHA256 ,,=,", "Basic x", "ACS3-HMAC-SHA256 a=b"]),
            "x-acs-action": chance.choice(ACTIONS),
            "content-length": chance.choice(["", "-1", "x", "9" * 30, "1", "²"]),
        }
        status, answer, _ = sqlite_api.send(chance.choice(["GET", "POST", "PUT", "X"]), query, headers, body)
        assert status in (400, 404, 405, 413), (query, headers, body, answer)
        assert {"RequestId", "HostId", "Code", "Message", "Recommend"} <= answer.keys()
    assert caplog.text == ""
