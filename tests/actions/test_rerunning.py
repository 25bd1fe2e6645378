"""RerunWorkflowInstances and its result, on both databases."""

from typing import Any

import pytest

from tests.actions.conftest import BIZDATE, DAY, Plant, task


def made(plant: Plant, **modes: str) -> dict[str, Any]:
    """a → b → c, and d by itself; `modes`: task: its RerunMode."""
    names = {"a": (), "b": ("a",), "c": ("b",), "d": ()}
    return plant.create(*(task(n, *ups, RerunMode=modes.get(n, "AllAllowed")) for n, ups in names.items()))


def finish(plant: Plant, **ends: int) -> None:
    """Let all that runs end, with exit 0 or as `ends` says of its task."""
    while plant.runner.live:
        names = {item["Id"]: item["TaskName"] for item in plant.listed()}
        id = min(plant.runner.live)
        plant.runner.end(id, ends.get(names[id], 0))
        plant.turn()


def rerun(plant: Plant, workflow: int, **fields: Any) -> dict[str, Any]:
    given = {"ProjectId": 10_000, "Type": "ManualWorkflow", "WorkflowId": workflow, **fields}
    id = plant.call("RerunWorkflowInstances", **given)["OperationId"]
    assert plant.call("GetRerunWorkflowInstancesResult", OperationId=id)["Result"] == {"Status": "NotRun"}
    plant.turn()
    return plant.call("GetRerunWorkflowInstancesResult", OperationId=id)["Result"]


def runs(plant: Plant) -> dict[str, int]:
    return {name: item["RunNumber"] for name, item in plant.instances().items()}


@pytest.mark.parametrize(
    ("filter", "again"),
    [
        pytest.param(None, "abcd", id="no filter"),
        pytest.param({"TaskIds": ["b"]}, "b", id="by task"),
        pytest.param({"TaskIds": ["b"], "RerunDownstreamEnabled": True}, "bc", id="with all below"),
        pytest.param({"TaskIds": ["a"], "RerunDownstreamEnabled": True}, "abc", id="with all levels below"),
        pytest.param({"TaskInstanceStatuses": ["Failure"]}, "d", id="by status"),
        pytest.param({"TaskName": "C"}, "c", id="by name"),
        pytest.param({"TaskTypes": ["DIDE_SHELL"]}, "abcd", id="by type"),
    ],
)
def test_what_the_filter_means_runs_again_in_the_order_of_dependencies(
    plant: Plant, filter: dict[str, Any] | None, again: str
) -> None:
    workflow = made(plant)
    (whole,) = plant.run(workflow["Id"])
    finish(plant, d=1)
    if filter is not None and "TaskIds" in filter:
        filter = {**filter, "TaskIds": [workflow["TaskIds"][name] for name in filter["TaskIds"]]}
    assert rerun(plant, workflow["Id"], **({"Filter": filter} if filter else {})) == {"Status": "Success"}
    order: list[str] = []
    while plant.runner.live:
        names = {item["Id"]: item["TaskName"] for item in plant.listed()}
        id = min(plant.runner.live)
        order.append(names[id])
        plant.runner.end(id)
        plant.turn()
    assert sorted(order) == sorted(again)
    assert [name for name in order if name != "d"] == sorted(set(again) - {"d"})
    assert {name for name, number in runs(plant).items() if number == 2} == set(again)
    status = plant.call("GetWorkflowInstance", Id=whole)["WorkflowInstance"]["Status"]
    assert status == ("Success" if "d" in again else "Failure")


@pytest.mark.parametrize(
    ("filter", "chosen"),
    [
        ({}, [0, 1, 2]),
        ({"Ids": [1]}, [1]),
        ({"Name": "SEC"}, [1]),
        ({"Status": "Failure"}, [2]),
        ({"Bizdate": BIZDATE - DAY}, [2]),
        ({"StartTriggerTime": 5000, "EndTriggerTime": 5000}, [1, 2]),
    ],
)
def test_the_runs_that_are_meant_run_again(plant: Plant, filter: dict[str, Any], chosen: list[int]) -> None:
    workflow = plant.create(task("a"))["Id"]
    began = plant.clock.time
    wholes = plant.run(workflow, Name="first")
    plant.clock.time += 5000
    wholes += plant.run(workflow, Name="second")
    finish(plant)
    dates = [{"StartBizDate": "2025-11-01", "EndBizDate": "2025-11-01"}]
    wholes += plant.run(workflow, Name="third", Periods={"BizDates": dates})
    for id in list(plant.runner.live):
        plant.runner.end(id, 1)
    plant.turn()
    other = plant.create(task("o", Outputs={}), Name="other")["Id"]
    plant.run(other)
    finish(plant)
    given = {
        name: [wholes[index] for index in value] if name == "Ids" else began + value if "Trigger" in name else value
        for name, value in filter.items()
    }
    assert rerun(plant, workflow, **given) == {"Status": "Success"}
    bizdates = [BIZDATE, BIZDATE, BIZDATE - DAY]
    running = [
        index
        for index, (whole, day) in enumerate(zip(wholes, bizdates, strict=True))
        if plant.listed(WorkflowInstanceId=whole, Bizdate=day)[0]["Status"] == "Running"
    ]
    assert running == chosen


@pytest.mark.parametrize(
    ("modes", "ended", "why"),
    [
        pytest.param({"c": "AllDenied"}, True, "RerunMode is AllDenied", id="AllDenied"),
        pytest.param({"c": "FailureAllowed"}, True, "RerunMode is FailureAllowed", id="FailureAllowed after Success"),
        pytest.param({}, False, "is Running", id="running"),
    ],
)
def test_where_one_may_not_run_again_nothing_in_its_workflow_instance_does(
    plant: Plant, modes: dict[str, str], ended: bool, why: str
) -> None:
    workflow = made(plant, **modes)
    (whole,) = plant.run(workflow["Id"])
    plant.end("a")
    if ended:
        finish(plant)
    before = plant.instances()
    result = rerun(plant, workflow["Id"])
    assert result["Status"] == "Failure"
    assert f"workflow instance {whole} was not rerun: task instance" in result["FailureMessage"]
    assert why in result["FailureMessage"]
    assert plant.instances() == before


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"Type": "Normal"}, "InvalidType"),
        ({"WorkflowId": 5}, "InvalidWorkflowInstance.NotFound"),
        ({"Status": "Done"}, "InvalidStatus"),
        ({"Filter": {"TaskInstanceStatuses": ["Done"]}}, "InvalidFilter"),
        ({"Filter": {"TaskName": "nobody"}}, "InvalidTaskInstance.NotFound"),
        ({"StartTriggerTime": 1}, "MissingEndTriggerTime"),
        ({"StartTriggerTime": 2, "EndTriggerTime": 1}, "InvalidEndTriggerTime"),
    ],
)
def test_faulty_reruns_are_refused(plant: Plant, changes: dict[str, Any], code: str) -> None:
    workflow = plant.create(task("a"))["Id"]
    plant.run(workflow)
    given = {"ProjectId": 10_000, "Type": "ManualWorkflow", "WorkflowId": workflow, **changes}
    assert plant.refused("RerunWorkflowInstances", **given)[0] == code


def test_an_operation_of_another_kind_has_no_result(plant: Plant) -> None:
    workflow = plant.create(task("a"))["Id"]
    given = {"ProjectId": 10_000, "WorkflowId": workflow, "Name": "r", "Type": "ManualWorkflow"}
    creation = plant.call("CreateWorkflowInstances", **given)["OperationId"]
    assert plant.refused("GetRerunWorkflowInstancesResult", OperationId=creation)[0] == "InvalidOperation.NotFound"
