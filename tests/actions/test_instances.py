"""Making instances through the API, listing them in every way, and operating on them; on both databases."""

import json
from typing import Any

import pytest

from tests.actions.conftest import BIZDATE, DAY, Plant, task

SCHEDULER = {"Type": "Scheduler", "Cron": "00 00 02,14 * * ?"}
DATES = {"BizDates": [{"StartBizDate": "2025-10-30", "EndBizDate": "2025-11-01"}]}


def backfill(plant: Plant, id: int, **fields: Any) -> list[int]:
    return plant.run(id, Type="SupplementData", **{"Periods": DATES, **fields})


def test_a_manual_run_defaults_to_yesterday_and_takes_its_parameters(plant: Plant) -> None:
    script = {"Content": "echo ${a} ${b} ${workflow.b}", "Parameters": "a=$bizdate"}
    id = plant.create(task("t", Script=script), Parameters="b=1")["Id"]
    plant.run(id, WorkflowParameters='{"b": "2", "a": "over"}')
    (run,) = plant.runner.live.values()
    assert run.script == "echo over 2 2"
    assert run.arguments == ("over",), "in a manual workflow the workflow's values rank first"
    (item,) = plant.listed()
    assert (item["TriggerTime"], item["Bizdate"]) == (BIZDATE + DAY, BIZDATE)
    assert (item["TriggerRecurrence"], item["TriggerType"]) == ("Manual", "Manual")


def test_task_parameters_replace_those_of_one_task(plant: Plant) -> None:
    script = {"Content": "${x}", "Parameters": "x=3"}
    made = plant.create(task("t", Script=script), Parameters="x=2", Trigger=SCHEDULER)
    parameters = json.dumps({str(made["TaskIds"]["t"]): "x=4"})
    backfill(plant, made["Id"], TaskParameters=parameters, WorkflowParameters="x=9")
    assert {run.script for run in plant.runner.live.values()} == {"4"}


def test_a_backfill_makes_every_cycle_of_each_date_and_runs_dates_one_after_the_other(plant: Plant) -> None:
    id = plant.create(task("a"), task("b", "a"), Trigger=SCHEDULER)["Id"]
    assert len(backfill(plant, id)) == 3
    items = plant.listed(Bizdate=BIZDATE - 3 * DAY)
    assert [item["PeriodNumber"] for item in items] == [1, 1, 2, 2]
    assert [item["TriggerTime"] - BIZDATE + 2 * DAY for item in items] == [2 * DAY // 24] * 2 + [14 * DAY // 24] * 2
    assert len(plant.runner.live) == 2, "both cycles of the first date, and no other date"


def test_parallelism_order_and_hours_of_a_backfill(plant: Plant) -> None:
    id = plant.create(task("a"), Trigger=SCHEDULER)["Id"]
    periods = {**DATES, "StartTime": "13:00:00", "EndTime": "15:00:00"}
    properties = {"Parallelism": 2, "Order": "Desc"}
    ids = backfill(plant, id, Periods=periods, DefaultRunProperties=properties)
    dates = [plant.call("GetWorkflowInstance", Id=each)["WorkflowInstance"]["BizDate"] for each in ids]
    assert dates == [BIZDATE - DAY, BIZDATE - 2 * DAY, BIZDATE - 3 * DAY]
    assert len(plant.runner.live) == 2, "two groups: two dates and one"


def test_a_day_outside_the_cron_s_dates_is_a_dry_run(plant: Plant) -> None:
    id = plant.create(task("a"), Trigger={"Type": "Scheduler", "Cron": "00 00 01 ? * MON"})["Id"]
    dates = [{"StartBizDate": "2025-10-26", "EndBizDate": "2025-10-27"}]
    backfill(plant, id, Periods={"BizDates": dates}, DefaultRunProperties={"Parallelism": 2})
    assert len(plant.runner.live) == 1
    (dry,) = plant.listed(Bizdate=BIZDATE - 6 * DAY)
    assert (dry["Status"], dry["TriggerRecurrence"]) == ("Success", "SkipCycle")
    assert plant.call("GetTaskInstanceLog", Id=dry["Id"])["TaskInstanceLog"] == ""


@pytest.mark.parametrize(
    ("properties", "runs", "dry"),
    [
        pytest.param({"RootTaskIds": ["a"], "IncludeTaskIds": ["a", "c"]}, "ac", "b", id="B13"),
        pytest.param({"Mode": "Chain", "IncludeTaskIds": ["a", "c"]}, "abc", "", id="B14"),
        pytest.param({"Mode": "AllDownstream", "RootTaskIds": ["a"]}, "abcd", "", id="B15"),
        pytest.param({"Mode": "General", "RootTaskIds": ["b"]}, "b", "", id="General"),
        pytest.param({"ExcludeTaskIds": ["b"]}, "acd", "b", id="excluded between chosen"),
        pytest.param({}, "abcd", "", id="the whole workflow"),
    ],
)
def test_the_chosen_tasks_run_and_those_between_are_dry(plant: Plant, properties: dict, runs: str, dry: str) -> None:
    made = plant.create(task("a"), task("b", "a"), task("c", "b"), task("d", "a"), Trigger=SCHEDULER)
    given = {
        name: [made["TaskIds"][each] for each in value] if isinstance(value, list) else value
        for name, value in properties.items()
    }
    one = {"BizDates": [{"StartBizDate": "2025-11-01", "EndBizDate": "2025-11-01"}], "StartTime": "00:00:00",
           "EndTime": "03:00:00"}  # fmt: skip
    backfill(plant, made["Id"], Periods=one, DefaultRunProperties=given)
    found = plant.instances(Bizdate=BIZDATE - DAY)
    assert {name for name, item in found.items() if item["TriggerRecurrence"] == "Normal"} == set(runs)
    assert {name for name, item in found.items() if item["TriggerRecurrence"] == "SkipUnchoose"} == set(dry)


def test_cross_cycle_dependencies_hold_from_cycle_to_cycle_and_date_to_date(plant: Plant) -> None:
    itself = [{"Type": "CrossCycleDependsOnSelf"}]
    id = plant.create(task("a", Dependencies=itself), Trigger=SCHEDULER)["Id"]
    backfill(plant, id)
    order = []
    while plant.runner.live:
        (instance,) = plant.runner.live
        order.append(instance)
        plant.runner.end(instance)
        plant.turn()
    assert order == sorted(order)
    assert len(order) == 6
    properties = {"Order": "Desc"}
    body = {"ProjectId": 10_000, "WorkflowId": id, "Name": "r", "Type": "SupplementData", "Periods": DATES}
    code, _ = plant.refused("CreateWorkflowInstances", **body, DefaultRunProperties=properties)
    assert code == "InvalidDefaultRunProperties"


@pytest.mark.parametrize("recurrence", ["Skip", "Pause"])
def test_recurrence_skip_passes_and_pause_blocks(plant: Plant, recurrence: str) -> None:
    first = task("a", Trigger={"Recurrence": recurrence})
    id = plant.create(first, task("b", "a"), Trigger={"Type": "Scheduler", "Cron": "00 00 02 * * ?"})["Id"]
    one = {"BizDates": [{"StartBizDate": "2025-11-02", "EndBizDate": "2025-11-02"}]}
    (whole,) = backfill(plant, id, Periods=one)
    if recurrence == "Skip":
        assert (plant.instances()["a"]["Status"], list(plant.runner.live)) == (
            "Success",
            [plant.instances()["b"]["Id"]],
        )
        return
    assert (plant.instances()["a"]["Status"], plant.instances()["b"]["Status"]) == ("Failure", "NotRun")
    assert plant.call("GetWorkflowInstance", Id=whole)["WorkflowInstance"]["Status"] == "Failure"
    plant.call("ResumeTaskInstances", Ids=[plant.instances()["a"]["Id"]])
    plant.turn()
    plant.end("a")
    plant.end("b")
    assert plant.call("GetWorkflowInstance", Id=whole)["WorkflowInstance"]["Status"] == "Success"


CREATE = {"ProjectId": 10_000, "Name": "r", "Type": "SupplementData", "Periods": DATES}


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"Periods": None}, "MissingPeriods"),
        ({"Periods": {"BizDates": []}}, "InvalidPeriods"),
        ({"Periods": {"BizDates": DATES["BizDates"] * 8}}, "InvalidPeriods"),
        ({"Periods": {**DATES, "StartTime": "08:00:00"}}, "MissingPeriods"),
        ({"Periods": {"BizDates": [{"StartBizDate": "2025-1-1", "EndBizDate": "2025-01-02"}]}}, "InvalidPeriods"),
        ({"Periods": {"BizDates": [{"StartBizDate": "2025-02-01", "EndBizDate": "2025-01-02"}]}}, "InvalidPeriods"),
        ({"Periods": {"BizDates": [{"StartBizDate": "1900-02-01", "EndBizDate": "2025-01-02"}]}}, "InvalidPeriods"),
        ({"Type": "ManualWorkflow"}, "InvalidType"),
        ({"Type": "SmokeTest"}, "MissingDefaultRunProperties"),
        ({"Type": "Other"}, "InvalidType"),
        ({"WorkflowId": 4}, "InvalidWorkflow.NotFound"),
        ({"TaskParameters": "{"}, "InvalidTaskParameters"),
        ({"TaskParameters": '{"5": "a=1"}'}, "InvalidTaskParameters"),
        ({"WorkflowParameters": "a=1 a=2"}, "InvalidWorkflowParameters"),
        ({"DefaultRunProperties": {"Parallelism": 11}}, "InvalidDefaultRunProperties"),
        ({"DefaultRunProperties": {"RootTaskIds": [5]}}, "InvalidDefaultRunProperties"),
        ({"DefaultRunProperties": {"Mode": "Chain"}}, "InvalidDefaultRunProperties"),
        ({"DefaultRunProperties": {"Mode": "AllDownstream"}}, "MissingDefaultRunProperties"),
        ({"DefaultRunProperties": {"Priority": 3}}, "InvalidDefaultRunProperties"),
    ],
)
def test_a_faulty_creation_is_refused_and_makes_nothing(plant: Plant, changes: dict, code: str) -> None:
    made = plant.create(task("a"), Trigger=SCHEDULER)
    given = {"WorkflowId": made["Id"], **CREATE, **changes}
    asked = {name: value for name, value in given.items() if value is not None}
    assert plant.refused("CreateWorkflowInstances", **asked)[0] == code
    plant.turn()
    assert plant.listed(Bizdate=BIZDATE - DAY) == []


def test_a_client_token_makes_creation_repeatable(plant: Plant) -> None:
    id = plant.create(task("a"))["Id"]
    body = {"ProjectId": 10_000, "WorkflowId": id, "Name": "r", "Type": "ManualWorkflow", "ClientToken": "t"}
    first = plant.call("CreateWorkflowInstances", **body)["OperationId"]
    plant.turn()
    assert plant.call("CreateWorkflowInstances", **body)["OperationId"] == first
    plant.turn()
    assert len(plant.listed()) == 1


def test_instances_that_wait_for_their_start_are_started_by_hand(plant: Plant) -> None:
    id = plant.create(task("a"), Trigger=SCHEDULER)["Id"]
    ids = backfill(plant, id, AutoStartEnabled="False")
    assert not plant.runner.live
    answer = plant.call("StartWorkflowInstances", Ids=[ids[0], ids[1], 5])["SuccessInfo"]
    assert [answer[str(each)]["Success"] for each in (ids[0], ids[1], 5)] == [True, False, False]
    assert f"waits for the end of workflow instance {ids[0]}" in answer[str(ids[1])]["Message"]
    plant.turn()
    assert len(plant.runner.live) == 2
    assert not plant.call("StartWorkflowInstances", Ids=[ids[0]])["SuccessInfo"][str(ids[0])]["Success"]


def test_stopping_a_workflow_instance_ends_what_runs_and_fails_what_has_not_begun(plant: Plant) -> None:
    id = plant.create(task("a"), task("b", "a"))["Id"]
    (whole,) = plant.run(id)
    assert plant.call("StopWorkflowInstances", Ids=[whole])["SuccessInfo"][str(whole)] == {"Success": True}
    plant.turn()
    a = plant.instances()["a"]
    assert plant.runner.asked_to_stop == [(a["Id"], 1)]
    assert (a["Status"], plant.instances()["b"]["Status"]) == ("Running", "Failure")
    plant.runner.end(a["Id"], None, "stopped")
    plant.turn()
    assert plant.call("GetWorkflowInstance", Id=whole)["WorkflowInstance"]["Status"] == "Failure"
    answer = plant.call("StopWorkflowInstances", Ids=[whole])["SuccessInfo"][str(whole)]
    assert answer == {"Success": False, "Message": "the workflow instance has ended"}


def test_a_stop_is_not_overtaken_by_rerun_or_set_success(plant: Plant) -> None:
    id = plant.create(task("a"))["Id"]
    plant.run(id)
    a = plant.instances()["a"]["Id"]
    plant.call("StopTaskInstances", Ids=[a])
    plant.turn()
    for action in ("RerunTaskInstances", "SetSuccessTaskInstances", "SuspendTaskInstances"):
        answer = plant.call(action, Ids=[a])["SuccessInfo"][str(a)]
        assert not answer["Success"]
        assert "being stopped" in answer["Message"]
    assert plant.instances()["a"]["Status"] == "Running"
    plant.end("a", exit_code=0)
    assert plant.instances()["a"]["Status"] == "Failure", "a program that ends by itself counts as stopped"
    plant.call("RerunTaskInstances", Ids=[a])
    plant.turn()
    assert plant.instances()["a"]["RunNumber"] == 2


def test_suspend_holds_an_instance_back_until_resume(plant: Plant) -> None:
    id = plant.create(task("a"), task("b", "a"), task("c", "b"))["Id"]
    (whole,) = plant.run(id)
    b = plant.instances()["b"]["Id"]
    assert plant.call("SuspendTaskInstances", Ids=[b])["SuccessInfo"][str(b)]["Success"]
    plant.end("a")
    held = plant.instances()["b"]
    assert (held["Status"], held["TriggerRecurrence"], held["OperationType"]) == ("NotRun", "Pause", "Suspend")
    assert plant.call("GetWorkflowInstance", Id=whole)["WorkflowInstance"]["Status"] == "Failure"
    assert plant.call("ResumeTaskInstances", Ids=[b])["SuccessInfo"][str(b)]["Success"]
    plant.turn()
    plant.end("b")
    plant.end("c")
    assert plant.call("GetWorkflowInstance", Id=whole)["WorkflowInstance"]["Status"] == "Success"


def test_set_success_lets_the_downstream_go(plant: Plant) -> None:
    id = plant.create(task("a"), task("b", "a"))["Id"]
    plant.run(id)
    plant.end("a", exit_code=1)
    a = plant.instances()["a"]["Id"]
    assert plant.call("SetSuccessTaskInstances", Ids=[a, 1])["SuccessInfo"]["1"]["Success"] is False
    plant.turn()
    assert (plant.instances()["a"]["Status"], plant.instances()["b"]["Status"]) == ("Success", "Running")


def test_a_rerun_upstream_holds_back_what_has_not_begun(plant: Plant) -> None:
    id = plant.create(task("a"), task("b"), task("c", "a", "b"))["Id"]
    plant.run(id)
    plant.end("a")
    plant.call("RerunTaskInstances", Ids=[plant.instances()["a"]["Id"]])
    plant.turn()
    plant.end("b")
    assert plant.instances()["c"]["Status"] == "NotRun"
    plant.end("a")
    assert plant.instances()["c"]["Status"] == "Running"


def test_a_rerun_keeps_its_definition_unless_the_latest_is_asked_for(plant: Plant) -> None:
    made = plant.create(task("a", Script={"Content": "old"}))
    plant.run(made["Id"])
    plant.end("a")
    plant.update(made["Id"], {"Id": made["TaskIds"]["a"], **task("new name", Script={"Content": "new"})})
    a = plant.listed()[0]["Id"]
    for latest, script, name in (("false", "old", "a"), ("true", "new", "new name")):
        plant.call("RerunTaskInstances", Ids=[a], UseLatestConfig=latest)
        plant.turn()
        assert plant.runner.live[a].script == script
        assert plant.listed()[0]["TaskName"] == name
        plant.runner.end(a)
        plant.turn()


def test_asked_by_id_there_is_a_row_a_run(plant: Plant) -> None:
    id = plant.create(task("a", RerunTimes=1, RerunInterval=60))["Id"]
    plant.run(id)
    plant.end("a", exit_code=1)
    a = plant.instances()["a"]
    assert a["Status"] == "WaitTime"
    rows = plant.listed(Id=a["Id"])
    assert [(row["RunNumber"], row["Status"]) for row in rows] == [(1, "Failure"), (2, "WaitTime")]
    plant.clock.time += 60_000
    plant.turn()
    plant.end("a")
    rows = plant.listed(Id=a["Id"], SortBy="Id Desc")
    assert [(row["RunNumber"], row["Status"]) for row in rows] == [(2, "Success"), (1, "Failure")]
    assert rows[0]["StartedTime"] - rows[1]["StartedTime"] == 60_000
    assert len(plant.listed(Ids=[a["Id"]])) == 1


def test_waiting_times_tell_what_was_waited_for(plant: Plant) -> None:
    plant.scheduler._default_slots = 1
    group = {"RuntimeResource": {"ResourceGroupId": "nobody made this group"}}
    id = plant.create(task("a", **group), task("b", "a", **group), task("c", "a", **group))["Id"]
    plant.run(id)
    plant.clock.time += 5000
    plant.end("a")
    plant.clock.time += 7000
    plant.end("b")
    b, c = plant.instances()["b"], plant.instances()["c"]
    assert b["WaitingTriggerTime"] == b["WaitingResourceTime"] == b["StartedTime"]
    assert c["StartedTime"] - c["WaitingResourceTime"] == 7000
    assert c["RunNumber"] == 1


@pytest.fixture
def fleet(plant: Plant) -> Plant:
    """Two workflows, one with three tasks in different states."""
    group = {"RuntimeResource": {"ResourceGroupId": "g2"}}
    one = plant.create(
        task("load_a", Owner="2000"), task("load_b", "load_a", Type="PYTHON"), task("other", **group), Name="one",
        Owner="2000", Tags=[{"Key": "team", "Value": "x"}, {"Key": "hot"}],
    )  # fmt: skip
    two = plant.create(task("solo", Outputs={}), Name="two 50%", Tags=[{"Key": "team", "Value": "y"}])
    plant.ids = {"one": one["Id"], "two": two["Id"], **one["TaskIds"], **two["TaskIds"]}  # type: ignore[attr-defined]
    plant.wholes = [*plant.run(one["Id"]), *plant.run(two["Id"], Name="second")]  # type: ignore[attr-defined]
    plant.clock.time += 1000
    plant.end("load_a")
    plant.end("other", exit_code=1)
    return plant


@pytest.mark.parametrize(
    ("filter", "names"),
    [
        ({}, {"load_a", "load_b", "other", "solo"}),
        ({"TaskName": "LOAD"}, {"load_a", "load_b"}),
        ({"TaskName": "load%"}, set()),
        ({"TaskType": "PYTHON"}, {"load_b"}),
        ({"Owner": "2000"}, {"load_a"}),
        ({"RuntimeResource": "g2"}, {"other"}),
        ({"Status": "Success"}, {"load_a"}),
        ({"Status": "Failure"}, {"other"}),
        ({"Status": "Running"}, {"load_b", "solo"}),
        ({"Status": "WaitTime"}, set()),
        ({"TriggerType": "Manual"}, {"load_a", "load_b", "other", "solo"}),
        ({"TriggerType": "Scheduler"}, set()),
        ({"TriggerRecurrence": "Pause"}, set()),
        ({"WorkflowId": "two"}, {"solo"}),
        ({"WorkflowInstanceId": 1}, {"solo"}),
        ({"WorkflowInstanceType": "ManualWorkflow"}, {"load_a", "load_b", "other", "solo"}),
        ({"WorkflowInstanceType": "Normal"}, set()),
        ({"TaskId": "load_a"}, {"load_a"}),
        ({"TaskIds": ["load_a", "solo"]}, {"load_a", "solo"}),
        ({"ProjectEnv": "Dev"}, set()),
        ({"Bizdate": BIZDATE + DAY}, set()),
        ({"Bizdate": BIZDATE + 3600_000}, {"load_a", "load_b", "other", "solo"}),
        ({"Filter": '{"finishedTimeStart": "1762128001000"}'}, {"load_a", "other"}),
        ({"Filter": '{"startedTimeEnd": "1762128000000"}'}, {"load_a", "other", "solo"}),
        ({"Filter": '{"createTimeStart": "1762128000001"}'}, set()),
    ],
)
def test_task_instances_are_filtered(fleet: Plant, filter: dict, names: set[str]) -> None:
    ids = fleet.ids  # type: ignore[attr-defined]
    given = {
        name: fleet.wholes[value]  # type: ignore[attr-defined]
        if name == "WorkflowInstanceId"
        else [ids[each] for each in value]
        if isinstance(value, list)
        else ids.get(value, value)
        for name, value in filter.items()
    }
    assert set(fleet.instances(**given)) == names


@pytest.mark.parametrize(
    ("filter", "names"),
    [
        ({}, ["r", "second"]),
        ({"Name": "SEC"}, ["second"]),
        ({"Owner": "2000"}, ["r"]),
        ({"Tags": ["hot"]}, ["r"]),
        ({"Tags": ["team:y", "hot"]}, ["r", "second"]),
        ({"Tags": ["team:z"]}, []),
        ({"Type": "ManualWorkflow"}, ["r", "second"]),
        ({"Type": "SupplementData"}, []),
        ({"Filter": '{"status": "Running"}'}, ["r", "second"]),
        ({"Filter": '{"status": "Success"}'}, []),
        ({"Filter": '{"executionDate": "1762099200000"}'}, ["r", "second"]),
        ({"Filter": '{"executionDate": "1762185600000"}'}, []),
        ({"EnvType": "Dev"}, []),
    ],
)
def test_workflow_instances_are_filtered(fleet: Plant, filter: dict, names: list[str]) -> None:
    given = {"ProjectId": 10_000, "BizDate": BIZDATE, "SortBy": "Id Asc", **filter}
    page = fleet.call("ListWorkflowInstances", **given)["PagingInfo"]
    assert [item["Name"] for item in page["WorkflowInstances"]] == names
    assert page["TotalCount"] == len(names)


def test_workflow_instances_by_their_ids(fleet: Plant) -> None:
    first, second = fleet.wholes  # type: ignore[attr-defined]
    got = fleet.call("GetWorkflowInstance", Id=second)["WorkflowInstance"]
    unified, workflow = got["UnifiedWorkflowInstanceId"], got["WorkflowId"]
    for filter in ({"Ids": [second]}, {"UnifiedWorkflowInstanceId": unified}, {"WorkflowId": workflow}):
        page = fleet.call("ListWorkflowInstances", ProjectId=10_000, BizDate=BIZDATE, **filter)["PagingInfo"]
        assert [item["Id"] for item in page["WorkflowInstances"]] == [second]
    assert set(fleet.instances(UnifiedWorkflowInstanceId=unified)) == {"solo"}
    assert {"Key": "hot", "Value": ""} in fleet.call("GetWorkflowInstance", Id=first)["WorkflowInstance"]["Tags"]


@pytest.mark.parametrize("direction", ["Asc", "Desc"])
@pytest.mark.parametrize("field", ["TriggerTime", "StartedTime", "FinishedTime", "CreateTime", "Id"])
def test_instances_are_sorted_and_paged(fleet: Plant, field: str, direction: str) -> None:
    common = {"ProjectId": 10_000, "SortBy": f"{field} {direction}"}
    for action, day, rows in (
        ("ListTaskInstances", "Bizdate", "TaskInstances"),
        ("ListWorkflowInstances", "BizDate", "WorkflowInstances"),
    ):
        whole = fleet.call(action, **common, **{day: BIZDATE})["PagingInfo"]
        known = [item[field] for item in whole[rows] if field in item]
        assert known == sorted(known, reverse=direction == "Desc")
        pages = [
            fleet.call(action, **common, **{day: BIZDATE}, PageSize=1, PageNumber=number)["PagingInfo"]
            for number in range(1, whole["TotalCount"] + 1)
        ]
        assert [page[rows][0]["Id"] for page in pages] == [item["Id"] for item in whole[rows]]
        assert {page["TotalCount"] for page in pages} == {len(whole[rows])}


@pytest.mark.parametrize(
    ("filter", "names"),
    [
        ({}, {"one", "two 50%"}),
        ({"Name": "50%"}, {"two 50%"}),
        ({"Name": "_ne"}, set()),
        ({"Owner": "2000"}, {"one"}),
        ({"Tags": ["team:x"]}, {"one"}),
        ({"Tags": "team"}, {"one", "two 50%"}),
        ({"TriggerType": "Manual"}, {"one", "two 50%"}),
        ({"TriggerType": "Scheduler"}, set()),
        ({"EnvType": "Dev"}, set()),
        ({"Ids": "one"}, {"one"}),
    ],
)
def test_workflows_are_filtered(fleet: Plant, filter: dict, names: set[str]) -> None:
    ids = fleet.ids  # type: ignore[attr-defined]
    given = {name: [ids[value]] if name == "Ids" else value for name, value in filter.items()}
    page = fleet.call("ListWorkflows", ProjectId=10_000, **given)["PagingInfo"]
    assert {item["Name"] for item in page["Workflows"]} == names


@pytest.mark.parametrize(
    ("filter", "names"),
    [
        ({}, {"load_a", "load_b", "other", "solo"}),
        ({"Name": "load"}, {"load_a", "load_b"}),
        ({"Owner": "2000"}, {"load_a"}),
        ({"TaskType": "PYTHON"}, {"load_b"}),
        ({"RuntimeResource": "g2"}, {"other"}),
        ({"TriggerType": "Scheduler"}, set()),
        ({"TriggerRecurrence": "Normal"}, {"load_a", "load_b", "other", "solo"}),
        ({"WorkflowId": "two"}, {"solo"}),
        ({"Ids": ["solo", "other"]}, {"solo", "other"}),
        ({"ProjectEnv": "Dev"}, set()),
    ],
)
def test_tasks_are_filtered(fleet: Plant, filter: dict, names: set[str]) -> None:
    ids = fleet.ids  # type: ignore[attr-defined]
    given = {
        name: [ids[each] for each in value] if isinstance(value, list) else ids.get(value, value)
        for name, value in filter.items()
    }
    page = fleet.call("ListTasks", ProjectId=10_000, **given)["PagingInfo"]
    assert {item["Name"] for item in page["Tasks"]} == names


def test_an_instance_shows_its_script_with_its_values(plant: Plant) -> None:
    script = {"Content": "echo ${d}", "Parameters": "d=$bizdate x"}
    id = plant.create(task("a", Script=script, Tags=[{"Key": "k"}]))["Id"]
    plant.run(id)
    got = plant.call("GetTaskInstance", Id=plant.instances()["a"]["Id"])["TaskInstance"]
    assert got["Script"] == {"Content": "echo 20251102", "Parameters": "d=20251102 x"}
    assert got["Tags"] == [{"Key": "k"}]
    assert got["Runtime"] == {"Gateway": "fake"}


def test_a_log_of_a_run_that_never_was_is_an_error(plant: Plant) -> None:
    id = plant.create(task("a"))["Id"]
    plant.run(id)
    a = plant.instances()["a"]["Id"]
    assert plant.refused("GetTaskInstanceLog", Id=a, RunNumber=2)[0] == "InvalidRunNumber"
    path = plant.api.settings.data / plant.runner.live[a].log
    path.parent.mkdir(parents=True)
    path.write_bytes(b"half a character \xe4")
    assert plant.call("GetTaskInstanceLog", Id=a)["TaskInstanceLog"] == "half a character \ufffd"


def test_a_nonce_too_long_to_be_kept_is_refused_alike_on_both_databases(plant: Plant) -> None:
    for length, expected in ((256, 200), (257, 400), (12_000, 400)):
        nonce = "".join(chr(97 + index * index % 26) for index in range(length))
        status, answer = plant.api.call("RerunTaskInstances", changes={"x_acs_signature_nonce": nonce}, Ids=[1])
        assert (status, answer.get("Code")) == (expected, "InvalidSignatureNonce" if expected == 400 else None)
