"""From parameters to requests: what counts as absent, the ways to write a list, and every fault at once."""

import json
from typing import Any

import pytest

from tidemill.actions.instance_models import (
    CreateWorkflowInstancesRequest,
    ListTaskInstancesRequest,
    ListWorkflowInstancesRequest,
    RerunTaskInstancesRequest,
)
from tidemill.actions.reading import read_parameters
from tidemill.actions.shared_models import Sort
from tidemill.actions.workflow_models import ListWorkflowsRequest, UpdateWorkflowRequest
from tidemill.domain.errors import InvalidRequest
from tidemill.settings import Settings

SETTINGS = Settings.model_validate({"max_page": 50, "max_batch": 3})

TASK = {
    "Name": "t",
    "Type": "DIDE_SHELL",
    "Owner": "1000",
    "RerunMode": "AllDenied",
    "RuntimeResource": {"ResourceGroupId": "g"},
    "Trigger": {"Recurrence": "Normal"},
}
WORKFLOW = {"Id": "1", "Name": "w", "Owner": "1000", "Trigger": '{"Type":"Manual"}'}
LISTED = {"ProjectId": "1", "Bizdate": "1762099200000"}
CREATED = {"ProjectId": "1", "WorkflowId": "1", "Name": "n", "Type": "SupplementData"}


def read(model: type, parameters: dict[str, Any]) -> Any:
    return read_parameters(model, parameters, SETTINGS)[0]


def faults(model: type, parameters: dict[str, Any]) -> list[str]:
    with pytest.raises(InvalidRequest) as failed:
        read_parameters(model, parameters, SETTINGS)
    return [f"{fault.path}: {fault.message}" for fault in failed.value.faults]


@pytest.mark.parametrize(
    ("text", "flag"), [("True", True), ("true", True), ("FALSE", False), ("false", False), (True, True)]
)
def test_booleans_are_read_without_regard_to_case(text: object, flag: bool) -> None:
    assert read(RerunTaskInstancesRequest, {"Ids": "[1]", "UseLatestConfig": text}).use_latest_config is flag


@pytest.mark.parametrize("text", ["yes", "1", " true"])
def test_other_words_are_no_booleans(text: str) -> None:
    assert faults(RerunTaskInstancesRequest, {"Ids": "[1]", "UseLatestConfig": text}) == [
        "UseLatestConfig: true or false is expected"
    ]


@pytest.mark.parametrize(
    "written",
    [
        {"Ids": "[1, 2]"},
        {"Ids": '["1","2"]'},
        {"Ids": " [1,2] "},
        {"Ids": "1,2"},
        {"Ids": [1, "2"]},
        {"Ids.1": "1", "Ids.2": "2"},
        {"Ids.20": "2", "Ids.3": "1"},
    ],
    ids=str,
)
def test_a_list_of_ids_can_be_written_in_many_ways(written: dict[str, Any]) -> None:
    assert read(RerunTaskInstancesRequest, written).ids == (1, 2)


@pytest.mark.parametrize("text", ["", "null", "undefined", "None", "[]"])
def test_a_list_that_nobody_set_is_absent(text: str) -> None:
    assert read(ListTaskInstancesRequest, {**LISTED, "Ids": text}).ids == ()


@pytest.mark.parametrize("text", ["", "null", "undefined", "None"])
def test_tasks_that_nobody_set_differ_from_no_tasks(text: str) -> None:
    assert read(UpdateWorkflowRequest, {**WORKFLOW, "Tasks": text}).tasks is None
    assert read(UpdateWorkflowRequest, {**WORKFLOW, "Tasks": "[]"}).tasks == ()


def test_inside_a_task_absent_null_and_empty_are_the_same() -> None:
    nulls = dict.fromkeys(("Dependencies", "Tags", "Inputs", "Outputs", "Script", "Timeout", "Id", "EnvType"))
    empty = {"Dependencies": [], "Tags": []}
    requests = [
        read(UpdateWorkflowRequest, {**WORKFLOW, "Tasks": json.dumps([{**TASK, **more}])})
        for more in ({}, nulls, empty)
    ]
    assert requests[0] == requests[1] == requests[2]


def test_flat_names_nest() -> None:
    flat = {
        "Tasks.1.Name": "t",
        "Tasks.1.Type": "SHELL",
        "Tasks.1.Owner": "1000",
        "Tasks.1.RerunMode": "AllDenied",
        "Tasks.1.RuntimeResource.ResourceGroupId": "g",
        "Tasks.1.Trigger.Recurrence": "Normal",
        "Tasks.1.Dependencies.7.Type": "CrossCycleDependsOnSelf",
        "Trigger.Type": "Manual",
        "Tags.2.Key": "b",
        "Tags.1.Key": "a",
    }
    request = read(UpdateWorkflowRequest, {"Id": "1", "Name": "w", "Owner": "1000", **flat})
    assert request.tasks[0].dependencies[0].type == "CrossCycleDependsOnSelf"
    assert [tag.key for tag in request.tags] == ["a", "b"]


@pytest.mark.parametrize(
    "names", [("Tags.1", "Tags.1.Key"), ("Tags.1.Key", "Tags.1"), ("Tags" + ".1" * 20, "Tags.2.Key")]
)
def test_flat_names_that_clash_are_refused(names: tuple[str, str]) -> None:
    assert faults(UpdateWorkflowRequest, {**WORKFLOW, **dict.fromkeys(names, "x")})[0].startswith("Tags: ")


def test_all_faults_are_told_in_document_order_with_their_paths() -> None:
    tasks = [TASK, {**TASK, "Type": None, "RerunMode": "Sometimes"}, {**TASK, "Trigger": {"Recurrence": "Never"}}]
    wrong = {"Id": "1x", "Owner": "1000", "EnvType": "Test", "Trigger": "{", "Tags": '{"Key":"a"}', "Tasks": json.dumps(tasks)}  # fmt: skip # noqa: E501
    assert faults(UpdateWorkflowRequest, wrong) == [
        "Name: is mandatory",
        "EnvType: Prod or Dev is expected",
        "Trigger: JSON is expected",
        "Tags: a list is expected",
        "Tasks[1].Type: is mandatory",
        "Tasks[1].RerunMode: AllDenied, FailureAllowed or AllAllowed is expected",
        "Tasks[2].Trigger.Recurrence: Normal, Skip or Pause is expected",
        "Id: an integer is expected",
    ]


@pytest.mark.parametrize(
    ("model", "changed", "fault"),
    [
        (UpdateWorkflowRequest, {"Tasks": "[null]"}, "Tasks[0]: is mandatory"),
        (UpdateWorkflowRequest, {"Name": ""}, "Name: a text that is not empty is expected"),
        (UpdateWorkflowRequest, {"Name": "x" * 257}, "Name: a text of at most 256 characters is expected"),
        (UpdateWorkflowRequest, {"Name": "a\0b"},
         "Name: a text without NUL and without half surrogate pairs is expected"),
        (UpdateWorkflowRequest, {"Tags": '[{"Key":"\\u0000"}]'},
         "Tags: a text without NUL and without half surrogate pairs is expected"),
        (UpdateWorkflowRequest, {"Tags": '[{"Key":"\\ud800"}]'},
         "Tags: a text without NUL and without half surrogate pairs is expected"),
        (UpdateWorkflowRequest, {"Tags": "[" * 100_000}, "Tags: JSON that is not nested so deep is expected"),
        (UpdateWorkflowRequest, {"Tags": "[" + "9" * 5_000 + "]"}, "Tags: JSON is expected"),
        (ListTaskInstancesRequest, {"PageNumber": "0"}, "PageNumber: at least 1 is expected"),
        (ListTaskInstancesRequest, {"PageSize": "51"}, "PageSize: at most 50 is expected"),
        (ListTaskInstancesRequest, {"Ids": "[1,2,3,4]"}, "Ids: at most 3 ids are expected, not 4"),
        (ListTaskInstancesRequest, {"Ids": "[1,true]"}, "Ids[1]: an integer is expected"),
        (ListTaskInstancesRequest, {"Id": "+1"}, "Id: an integer is expected"),
        (ListTaskInstancesRequest, {"Id": "9223372036854775808"}, "Id: an integer of at most 64 bits is expected"),
        (ListTaskInstancesRequest, {"SortBy": "Name Asc"},
         "SortBy: one of TriggerTime, StartedTime, FinishedTime, CreateTime, Id is expected, "
         "and Asc or Desc after a blank"),
        (ListTaskInstancesRequest, {"Filter": '{"startedTimeStart":"x"}'},
         "Filter.startedTimeStart: an integer is expected"),
        (ListTaskInstancesRequest, {"Filter": '{"status":"Success"}'},
         "Filter: an object with no keys but startedTimeStart, startedTimeEnd, finishedTimeStart, finishedTimeEnd, "
         "createTimeStart, createTimeEnd is expected"),
        (CreateWorkflowInstancesRequest, {"Periods": "{}"}, "Periods.BizDates: is mandatory"),
        (CreateWorkflowInstancesRequest, {"Periods": '{"BizDates":[]}'},
         "Periods.BizDates: at least 1 in the list are expected"),
        (CreateWorkflowInstancesRequest,
         {"Periods": '{"BizDates":[{"StartBizDate":"2026-1-2","EndBizDate":"2026-02-30"}]}'},
         "Periods.BizDates[0].StartBizDate: a date as yyyy-mm-dd is expected"),
        (CreateWorkflowInstancesRequest, {"DefaultRunProperties": '{"Parallelism":11}'},
         "DefaultRunProperties.Parallelism: at most 10 is expected"),
    ],
)  # fmt: skip
def test_a_fault_says_what_would_be_right(model: type, changed: dict[str, Any], fault: str) -> None:
    whole = {UpdateWorkflowRequest: WORKFLOW, ListTaskInstancesRequest: LISTED, CreateWorkflowInstancesRequest: CREATED}
    assert faults(model, {**whole[model], **changed})[0] == fault


@pytest.mark.parametrize(
    ("text", "order"),
    [
        ("", Sort("id", True)),
        ("ModifyTime", Sort("modify_time", False)),
        ("ModifyTime Desc", Sort("modify_time", True)),
        ("Id Asc", Sort("id", False)),
    ],
)
def test_sort_by_names_a_column_and_a_direction(text: str, order: Sort) -> None:
    assert read(ListWorkflowsRequest, {"ProjectId": "1", "SortBy": text}).sort_by == order
    assert read(ListWorkflowsRequest, {"ProjectId": "1"}).sort_by == Sort("id", True)


def test_filters_are_json_texts_with_text_values() -> None:
    filter = '{"status":"Success","executionDate":"1763481600000"}'
    request = read(ListWorkflowInstancesRequest, {"ProjectId": "1", "BizDate": "1", "Filter": filter})
    assert (request.filter.status, request.filter.execution_date) == ("Success", 1763481600000)


def test_emoji_written_as_a_pair_of_escapes_is_a_text() -> None:
    request = read(UpdateWorkflowRequest, {**WORKFLOW, "Tags": '[{"Key":"\\ud83d\\ude00"}]'})
    assert request.tags[0].key == "😀"


def test_unknown_parameters_are_counted() -> None:
    assert read_parameters(ListWorkflowsRequest, {"ProjectId": "1", "A": "x", "B.1": "x"}, SETTINGS)[1] == 2
