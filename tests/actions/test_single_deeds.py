"""Deeds on single instances through the API, on both databases."""

from typing import Any

import pytest

from tests.actions.conftest import BIZDATE, DAY, Plant, task
from tidemill.domain.instance import SCHEDULER_TRIGGER

HOUR = 3_600_000
MISSING = 5


def of(plant: Plant, name: str) -> int:
    return plant.instances()[name]["Id"]


# --- UpdateTaskInstances ----------------------------------------------------------------------------------------


def test_an_instance_that_waits_gets_other_values_and_the_rest_stay(plant: Plant) -> None:
    plant.run(plant.create(task("a", DataSource={"Name": "old"}), task("b", "a"))["Id"])
    a, b = of(plant, "a"), of(plant, "b")
    asked = [
        {"Id": b, "Priority": "5", "RuntimeResource": "g2", "DataSource": {"Name": "new"}},
        {"Id": a, "Priority": 3},
        {"Id": MISSING, "Priority": 3},
    ]
    answer = plant.call("UpdateTaskInstances", TaskInstances=asked, Comment="c")["SuccessInfo"]
    assert {id: value["Success"] for id, value in answer.items()} == {str(b): True, str(a): True, str(MISSING): False}
    found = plant.instances()
    assert (found["b"]["Priority"], found["b"]["RuntimeResource"], found["b"]["DataSource"]) == (
        5, {"ResourceGroupId": "g2"}, {"Name": "new"}
    )  # fmt: skip
    assert (found["a"]["Priority"], found["a"]["DataSource"], found["a"]["Status"]) == (3, {"Name": "old"}, "Running")
    plant.end("a")
    refused = plant.call("UpdateTaskInstances", TaskInstances=[{"Id": a, "Priority": 1}])["SuccessInfo"][str(a)]
    assert refused == {
        "Success": False, "Message": "the instance is Success: only an instance that has not ended can be updated"
    }  # fmt: skip


@pytest.mark.parametrize(
    ("items", "said"),
    [
        ([{"Id": 1, "Priority": 2}], "TaskInstances[0].Priority: 1, 3, 5, 7 or 8 is expected"),
        ([{"Id": 1}, {"Id": 1}], "TaskInstances: every instance once is expected, but 1 stands twice"),
        ([{"Priority": 1}], "TaskInstances[0].Id: is mandatory"),
        ([], "TaskInstances"),
    ],
)
def test_faulty_updates_are_refused(plant: Plant, items: list[Any], said: str) -> None:
    assert said in plant.refused("UpdateTaskInstances", TaskInstances=items)[1]


# --- TriggerSchedulerTaskInstance -------------------------------------------------------------------------------

TIME = BIZDATE + DAY


def gate(plant: Plant, **fields: Any) -> int:
    """a → gate → c, of which the gate waits for its trigger; the gate's task."""
    made = plant.create(task("a"), task("gate", "a", Type=SCHEDULER_TRIGGER, **fields), task("c", "gate"))
    plant.run(made["Id"])
    return made["TaskIds"]["gate"]


def test_a_trigger_task_waits_until_it_is_fired(plant: Plant) -> None:
    id = gate(plant)
    plant.end("a")
    waiting = plant.instances()["gate"]
    assert (waiting["Status"], plant.instances()["c"]["Status"]) == ("WaitTrigger", "NotRun")
    assert not plant.runner.live
    assert plant.call("TriggerSchedulerTaskInstance", TaskId=id, TriggerTime=TIME)["Success"] is True
    plant.turn()
    assert (plant.instances()["gate"]["Status"], plant.instances()["c"]["Status"]) == ("Success", "Running")
    code, message = plant.refused("TriggerSchedulerTaskInstance", TaskId=id, TriggerTime=TIME)
    assert code == "Conflict"
    assert "the instance is Success" in message


@pytest.mark.parametrize(
    ("hours", "status"), [pytest.param(24, "Success", id="kept a day"), pytest.param(25, "WaitTrigger", id="then lost")]
)
def test_a_signal_that_comes_early_is_kept(plant: Plant, hours: int, status: str) -> None:
    id = gate(plant)
    plant.call("TriggerSchedulerTaskInstance", TaskId=id, TriggerTime=TIME)
    plant.turn()
    assert plant.instances()["gate"]["Status"] == "NotRun"
    plant.clock.time += hours * HOUR
    plant.end("a")
    assert plant.instances()["gate"]["Status"] == status


def test_a_frozen_trigger_task_uses_its_signal_when_resumed(plant: Plant) -> None:
    id = gate(plant)
    plant.end("a")
    plant.call("SuspendTaskInstances", Ids=[of(plant, "gate")])
    plant.call("TriggerSchedulerTaskInstance", TaskId=id, TriggerTime=TIME)
    plant.turn()
    assert plant.instances()["gate"]["Status"] == "NotRun"
    plant.call("ResumeTaskInstances", Ids=[of(plant, "gate")])
    plant.turn()
    assert plant.instances()["gate"]["Status"] == "Success"


def test_a_rerun_waits_for_another_signal_and_a_reopened_upstream_holds_the_trigger_back(plant: Plant) -> None:
    id = gate(plant)
    plant.end("a")
    plant.call("RerunTaskInstances", Ids=[of(plant, "a")])
    plant.turn()
    assert plant.instances()["gate"]["Status"] == "NotRun"
    plant.end("a")
    plant.call("TriggerSchedulerTaskInstance", TaskId=id, TriggerTime=TIME)
    plant.turn()
    plant.call("RerunTaskInstances", Ids=[of(plant, "gate")])
    plant.turn()
    assert plant.instances()["gate"]["Status"] == "WaitTrigger"
    assert plant.call("SetSuccessTaskInstances", Ids=[of(plant, "gate")])["SuccessInfo"][str(of(plant, "gate"))]
    assert plant.instances()["gate"]["Status"] == "Success"


def test_only_trigger_tasks_with_an_instance_at_that_time_can_be_fired(plant: Plant) -> None:
    made = plant.create(task("a"))
    plant.run(made["Id"])
    a = made["TaskIds"]["a"]
    code, message = plant.refused("TriggerSchedulerTaskInstance", TaskId=a, TriggerTime=TIME)
    assert code == "InvalidTaskId"
    assert message.endswith("TaskId: a task of type SCHEDULER_TRIGGER is expected, not DIDE_SHELL")
    code, message = plant.refused("TriggerSchedulerTaskInstance", TaskId=a, TriggerTime=TIME + 1)
    assert (code, message) == (
        "InvalidTaskInstance.NotFound", f"Task {a} has no instance at TriggerTime {TIME + 1} in Prod."
    )  # fmt: skip


# --- RemoveTaskInstanceDependencies -----------------------------------------------------------------------------


def test_an_instance_cut_off_from_its_upstream_runs_without_it(plant: Plant) -> None:
    plant.run(plant.create(task("a"), task("b"), task("c", "a", "b"), task("d", "c"))["Id"])
    a, b, c = (of(plant, name) for name in "abc")
    code, message = plant.refused("RemoveTaskInstanceDependencies", Id=c, UpstreamTaskInstanceIds=[a, MISSING])
    assert code == "InvalidUpstreamTaskInstanceIds"
    assert message.endswith(f"UpstreamTaskInstanceIds[1]: {MISSING} is not an upstream of {c}")
    plant.end("b")
    assert plant.instances()["c"]["Status"] == "NotRun", "a refused call cuts nothing"
    assert plant.call("RemoveTaskInstanceDependencies", Id=c, UpstreamTaskInstanceIds=[a])["Success"] is True
    plant.turn()
    assert (plant.instances()["c"]["Status"], plant.instances()["d"]["Status"]) == ("Running", "NotRun")
    assert plant.refused("RemoveTaskInstanceDependencies", Id=c, UpstreamTaskInstanceIds=[b])[0] == "Conflict"
    code = plant.refused("RemoveTaskInstanceDependencies", Id=MISSING, UpstreamTaskInstanceIds=[b])[0]
    assert code == "InvalidTaskInstance.NotFound"


# --- ListTaskInstanceOperationLogs ------------------------------------------------------------------------------


def logs(plant: Plant, id: int, **fields: Any) -> dict[str, Any]:
    return plant.call("ListTaskInstanceOperationLogs", Id=id, **fields)["PagingInfo"]


def test_the_log_has_what_people_did_on_a_day_the_latest_first(plant: Plant) -> None:
    plant.run(plant.create(task("a"))["Id"])
    a = of(plant, "a")
    plant.end("a", exit_code=1)
    plant.call("RerunTaskInstances", Ids=[a])
    plant.turn()
    plant.call("UpdateTaskInstances", TaskInstances=[{"Id": a, "Priority": 8}])
    yesterday = plant.clock.time
    plant.clock.time += DAY
    plant.call("StopTaskInstances", Ids=[a])
    assert [item["OperationContent"] for item in logs(plant, a)["OperationLogs"]] == ["stop asked"]
    found = logs(plant, a, Date=yesterday)
    assert [item["OperationContent"] for item in found["OperationLogs"]] == ["changed: Priority 8", "rerun"]
    first = found["OperationLogs"][-1]
    assert (first["TaskInstanceId"], first["CreateTime"], first["User"]) == (
        a,
        yesterday,
        plant.listed()[0]["CreateUser"],
    )
    page = logs(plant, a, Date=yesterday, PageSize=1, PageNumber=2)
    assert ([item["OperationContent"] for item in page["OperationLogs"]], page["TotalCount"]) == (["rerun"], 2)


@pytest.mark.parametrize("date", [pytest.param(-31 * DAY, id="too long ago"), pytest.param(10**18, id="no moment")])
def test_a_log_of_no_day_that_is_kept_is_refused(plant: Plant, date: int) -> None:
    plant.run(plant.create(task("a"))["Id"])
    code = plant.refused("ListTaskInstanceOperationLogs", Id=of(plant, "a"), Date=plant.clock.time + date)[0]
    assert code == "InvalidDate"
    assert logs(plant, of(plant, "a"), Date=plant.clock.time - 30 * DAY)["OperationLogs"] == []
