"""Variables and control tasks through the API: what is refused, and what is shown of them; on both databases."""

import json
from typing import Any

import pytest

from tests.actions.conftest import Plant, task


def variables(*listed: tuple[str, str, str | None]) -> dict[str, Any]:
    return {"Variables": [{"Name": name, "Type": type, "Value": value} for name, type, value in listed]}


def giver(name: str, *listed: tuple[str, str, str | None], **fields: Any) -> dict[str, Any]:
    return task(name, **{"Outputs": {"TaskOutputs": [{"Output": f"x.{name}"}], **variables(*listed)}, **fields})


ASSIGNMENT = {"Type": "CONTROLLER_ASSIGNMENT", "Script": {"Content": "echo 1,2"}}
ARMS = [{"condition": "${v}==1", "nodeoutput": "x.one"}, {"condition": "${v}>2", "nodeoutput": "x.two"}]
BRANCH: dict[str, Any] = {
    "Type": "CONTROLLER_BRANCH",
    "Script": {"Content": json.dumps(ARMS), "Parameters": "v=1"},
    "Outputs": {"TaskOutputs": [{"Output": "x.one"}, {"Output": "x.two"}]},
}


@pytest.mark.parametrize(
    ("reference", "says"),
    [
        pytest.param("x.a:outputs", "Tasks[2].Inputs.Variables[0].Value: x.a is no output of a direct upstream",
                     id="V11 not a direct upstream"),
        pytest.param("x.b:no", "b hands out k; no is not among it", id="a variable that is not handed out"),
        pytest.param("x.b", "`<output of an upstream task>:<its variable>` is expected", id="no reference"),
    ],
)  # fmt: skip
def test_an_input_refers_to_a_direct_upstream(plant: Plant, reference: str, says: str) -> None:
    taker = task("c", "b", Inputs=variables(("v", "NodeOutput", reference)))
    tasks = [task("a", **ASSIGNMENT), giver("b", ("k", "Constant", "1")) | {"Dependencies": [
        {"Type": "Normal", "UpstreamOutput": "x.a"}]}, taker]  # fmt: skip
    code, message = plant.refused(
        "CreateWorkflow", ProjectId=10_000, Name="w", Owner="1000", Trigger={"Type": "Manual"}, Tasks=tasks
    )
    assert code == "InvalidTasks"
    assert says in message


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"Type": "CONTROLLER_BRANCH"}, "Tasks[0].Script.Content: the content is no JSON"),
        ({"Type": "CONTROLLER_JOIN", "Script": {"Content": "{}"}}, "Tasks[0].Script.Content"),
        (
            {"Type": "CONTROLLER_JOIN",
             "Script": {"Content": '{"branchList": [{"node": "x.z", "runStatus": ["1"], "logic": 1}]}'}},
            "Tasks[0].Script.Content: x.z is no output of a direct upstream",
        ),
        (giver("t", ("s", "System", "${yyyy")), "Tasks[0].Outputs.Variables[0].Value"),
        (giver("t", ("s", "PassThrough", "x.q:v")), "x.q is no output of a direct upstream"),
    ],
)  # fmt: skip
def test_what_would_fail_at_each_run_is_refused(plant: Plant, fields: dict[str, Any], says: str) -> None:
    code, message = plant.refused(
        "CreateWorkflow",
        ProjectId=10_000,
        Name="w",
        Owner="1000",
        Trigger={"Type": "Manual"},
        Tasks=[task("t", **fields)] if "Name" not in fields else [fields],
    )
    assert code == "InvalidTasks"
    assert says in message


def test_a_variable_of_another_workflow_is_taken(plant: Plant) -> None:
    scheduler = {"Type": "Scheduler", "Cron": "00 00 02 * * ?"}
    plant.create(giver("a", ("k", "Constant", "1")), Trigger=scheduler)
    taker = task("b", "a", Inputs=variables(("v", "NodeOutput", "x.a:k")))
    plant.create(taker, Name="w2", Trigger=scheduler)


def test_what_is_on_no_chosen_arm_is_shown_as_such(plant: Plant) -> None:
    tasks = [
        task("br", **BRANCH),
        *(task(name, Dependencies=[{"Type": "Normal", "UpstreamOutput": f"x.{name}"}],
               Outputs={"TaskOutputs": []}) for name in ("one", "two")),
    ]  # fmt: skip
    plant.run(plant.create(*tasks)["Id"])
    found = plant.instances()
    assert {name: item["Status"] for name, item in found.items()} == {
        "br": "Success",
        "one": "Running",
        "two": "Success",
    }
    assert found["two"]["TriggerRecurrence"] == "ConditionUnchoose"
    logs = {n: plant.call("GetTaskInstanceLog", Id=i["Id"])["TaskInstanceLog"] for n, i in found.items() if n != "one"}
    assert logs == {"br": "arm 1 (x.one) is chosen", "two": "It's set condition-skip by task"}


def a_loop(**fields: Any) -> dict[str, Any]:
    body = [
        task("one", Script={"Content": "${dag.foreach.current}"}),
        task("two", "one", Script={"Content": "${dag.offset} ${p}", "Parameters": "p=$bizdate"}),
    ]
    return task(
        "l",
        **{
            "Type": "CONTROLLER_TRAVERSE",
            "Inputs": variables(("loopDataArray", "Constant", "a,b")),
            "SubTasks": body,
            **fields,
        },
    )


def everything(plant: Plant) -> list[str]:
    """End all that runs, oldest first; what was run."""
    found: list[str] = []
    while plant.runner.live:
        id = min(plant.runner.live)
        found.append(plant.runner.live[id].script)
        plant.runner.end(id)
        plant.turn()
    return found


def test_k21_a_loop_with_its_body_comes_with_one_update(plant: Plant) -> None:
    id = plant.create(a_loop())["Id"]
    plant.run(id)
    assert everything(plant) == ["a", "0 20251102", "b", "1 20251102"]
    assert plant.instances()["l"]["Status"] == "Success"
    plant.update(id, a_loop(Id=plant.names(id)["l"], SubTasks=[task("two", Script={"Content": "new"})]))
    plant.run(id)
    assert everything(plant) == ["new", "new"]


def test_a_loop_that_is_stopped_stops_what_runs_in_it(plant: Plant) -> None:
    plant.run(plant.create(a_loop())["Id"])
    (inner,) = plant.runner.live
    loop = plant.instances()["l"]["Id"]
    assert plant.call("StopTaskInstances", Ids=[loop])["SuccessInfo"][str(loop)]["Success"]
    plant.turn()
    assert inner in {id for id, _ in plant.runner.asked_to_stop}
    plant.runner.end(inner, None, "stopped")
    plant.turn()
    assert plant.instances()["l"]["Status"] == "Failure"
    assert not plant.runner.live


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"Type": "VIRTUAL"}, "Tasks[0].SubTasks: only CONTROLLER_CYCLE and CONTROLLER_TRAVERSE have SubTasks"),
        ({"Type": "CONTROLLER_CYCLE"}, "one task of type CONTROLLER_CYCLE_END is expected, not 0"),
        ({"SubTasks": [task("a"), task("a")]}, "two tasks of the body have the same name"),
        ({"SubTasks": [task("a", "b"), task("b", "a")]}, "Tasks[0].SubTasks: a cycle of dependencies"),
        ({"SubTasks": [task("a", "z")]}, "Tasks[0].SubTasks[0].Dependencies[0]: a Normal dependency on the output"),
        ({"SubTasks": [a_loop()]}, "Tasks[0].SubTasks[0].Type: loops are not nested"),
        ({"SubTasks": [task("a", Timeout=0)]}, "Tasks[0].SubTasks[0].Timeout"),
        ({"Script": {"Content": '{"maxIterations": 5000}'}}, "Tasks[0].Script.Content: `maxIterations`"),
    ],
)
def test_a_body_that_cannot_run_is_refused(plant: Plant, fields: dict[str, Any], says: str) -> None:
    code, message = plant.refused(
        "CreateWorkflow",
        ProjectId=10_000,
        Name="w",
        Owner="1000",
        Trigger={"Type": "Manual"},
        Tasks=[a_loop(**fields)],
    )
    assert code == "InvalidTasks"
    assert says in message


def test_stopping_a_workflow_instance_stops_the_loops_in_it(plant: Plant) -> None:
    (workflow_instance,) = plant.run(plant.create(a_loop())["Id"])
    (inner,) = plant.runner.live
    plant.call("StopWorkflowInstances", Ids=[workflow_instance])
    plant.turn()
    assert inner in {id for id, _ in plant.runner.asked_to_stop}
