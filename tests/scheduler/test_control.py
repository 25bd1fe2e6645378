"""Variables from task to task, and the tasks that the scheduler settles itself: branches, merges, parameter hubs."""

import json
from typing import Any

import pytest
from sqlalchemy import select

from tests.scheduler.conftest import World
from tidemill.scheduler import operate
from tidemill.store.tables import event, run, task_instance

Options = dict[str, Any]


def variable(name: str, type: str, value: str) -> dict[str, str]:
    return {"Name": name, "Type": type, "Value": value}


def gives(*variables: dict[str, str], **fields: Any) -> Options:
    return {"Outputs": {"Variables": list(variables)}, **fields}


def takes(value: str, content: str = "${v}", type: str = "NodeOutput", **fields: Any) -> Options:
    return {"Inputs": {"Variables": [variable("v", type, value)]}, "Content": content, **fields}


ASSIGNMENT = {"Type": "CONTROLLER_ASSIGNMENT", "Content": "echo a,b"}


def script_of(world: World, name: str) -> str:
    return next(run.script for (id, _), run in world.runner.runs.items() if id == world.instance(name))


def message_of(world: World, name: str) -> str:
    """What the latest run of a task said."""
    with world.database.read() as db:
        statement = select(run.c.message).where(run.c.instance_id == world.instance(name))
        return db.execute(statement.order_by(run.c.run_number.desc())).scalars().first() or ""


def unchosen(world: World) -> set[str]:
    with world.database.read() as db:
        ids = set(db.execute(select(task_instance.c.id).where(task_instance.c.unchosen == 1)).scalars())
    return {name for name in world.tasks if world.instance(name) in ids}


@pytest.mark.parametrize(
    ("log", "content", "script"),
    [
        pytest.param("a,b,c\n", "${v} ${v[1]}", "a,b,c b", id="V01 a row from the last echo"),
        pytest.param("Electronics,Clothing\\, Shoes\n", "${v[1]}", "Clothing, Shoes", id="V02 an escaped comma"),
        pytest.param("10,20,30,40\n", "${v[3]}", "40", id="V03 the last print"),
        pytest.param("x\ny\n\n", "${v}", "y", id="V06 the last line counts"),
        pytest.param("a\n", "${w} ${v}", "${w} a", id="other names stay the shell's"),
    ],
)
def test_an_assignment_hands_its_last_line_downstream(world: World, log: str, content: str, script: str) -> None:
    world.define({"a": [], "b": ["a"]}, a=ASSIGNMENT, b=takes("p.a:outputs", content))
    world.create()
    world.turn()
    assert next(iter(world.runner.runs.values())).task_type == "DIDE_SHELL"
    world.end("a", log=log)
    assert script_of(world, "b") == script


def test_an_assignment_in_python_runs_as_python(world: World) -> None:
    content = json.dumps({"language": "python", "content": "print('${bizdate}')"})
    world.define({"a": []}, a={"Type": "CONTROLLER_ASSIGNMENT", "Content": content})
    world.create()
    world.turn()
    started = next(iter(world.runner.runs.values()))
    assert (started.task_type, started.script) == ("PYTHON", "print('${bizdate}')")


@pytest.mark.parametrize(
    ("type", "value", "expected"),
    [
        pytest.param("Constant", "abc", "abc", id="V07 a constant"),
        pytest.param("System", "$bizdate", "20251102", id="V08 a system variable"),
        pytest.param("System", "$[yyyymmdd]", "20251103", id="V08 of the trigger time"),
        pytest.param("System", "${status}", "Success", id="the status"),
    ],
)
def test_a_task_hands_out_constants_and_system_variables(world: World, type: str, value: str, expected: str) -> None:
    world.define({"a": [], "b": ["a"]}, a=gives(variable("x", type, value)), b=takes("p.a:x", type=type))
    world.create()
    world.turn()
    world.end("a")
    assert script_of(world, "b") == expected


def test_v09_an_assignment_without_output_fails_and_blocks_its_downstream(world: World) -> None:
    world.define({"a": [], "b": ["a"]}, a=ASSIGNMENT, b=takes("p.a:outputs"))
    world.create()
    world.turn()
    world.end("a", log="\n \n")
    assert world.statuses() == {"a": "Failure", "b": "NotRun"}
    assert message_of(world, "a") == "OutPut Result is null, cannot handle!"


def test_v10_a_hub_passes_a_variable_on(world: World) -> None:
    world.define(
        {"a": [], "h": ["a"], "b": ["h"]},
        a=ASSIGNMENT,
        h=gives(variable("q", "PassThrough", "p.a:outputs"), Type="PARAM_HUB"),
        b=takes("p.h:q", "${v[0]}", type="PassThrough"),
    )
    world.create()
    world.turn()
    world.end("a", log="1,2")
    assert world.statuses() == {"a": "Success", "h": "Success", "b": "Running"}
    assert script_of(world, "b") == "1"
    assert len(world.runner.runs) == 2, "a hub has no process"


def test_v11_a_variable_of_no_direct_upstream_is_empty(world: World) -> None:
    world.define({"a": [], "b": ["a"], "c": ["b"]}, a=ASSIGNMENT, c=takes("p.a:outputs", "<${v}>"))
    world.create()
    world.turn()
    world.end("a", log="1,2")
    world.end("b")
    assert script_of(world, "c") == "<>"


def test_a_script_of_another_type_may_hand_out_its_result(world: World) -> None:
    world.define(
        {"a": [], "b": ["a"], "c": []},
        a=gives(variable("r", "NodeOutput", "${outputs}")),
        b=takes("p.a:r"),
        c=gives(variable("r", "NodeOutput", "${outputs}")),
    )
    world.create()
    world.turn()
    world.end("a", log="noise\nresult\n")
    world.end("c", log="")
    assert script_of(world, "b") == "result"
    assert world.statuses()["c"] == "Success", "only an assignment must have a result"


def test_a_dry_run_hands_out_constants_but_no_result(world: World) -> None:
    world.define(
        {"a": [], "b": ["a"], "c": ["a"]},
        a=gives(
            variable("r", "NodeOutput", "${outputs}"),
            variable("k", "Constant", "abc"),
            Trigger={"Type": "Scheduler", "Recurrence": "Skip"},
        ),
        b=takes("p.a:r", "<${v}>"),
        c=takes("p.a:k", "<${v}>"),
    )
    world.create(type="SupplementData")
    world.turn()
    assert (script_of(world, "b"), script_of(world, "c")) == ("<>", "<abc>")


def test_an_index_out_of_range_fails_the_consumer_before_it_starts(world: World) -> None:
    world.define({"a": [], "b": ["a"]}, a=ASSIGNMENT, b=takes("p.a:outputs", "${v[2]}", RerunTimes=2))
    world.create()
    world.turn()
    world.end("a", log="1,2")
    assert world.statuses()["b"] == "Failure"
    assert message_of(world, "b") == "${v[2]}: there is no member 2, only 2"
    assert len(world.runner.runs) == 1


def test_an_input_of_its_own_needs_no_producer(world: World) -> None:
    world.define({"a": []}, a=takes("http://localhost:8080", type="Constant"))
    world.create()
    world.turn()
    assert script_of(world, "a") == "http://localhost:8080"


def test_a_rerun_hands_out_anew_and_a_run_that_is_sent_again_keeps_its_inputs(world: World) -> None:
    world.define({"a": [], "b": ["a"]}, a=ASSIGNMENT, b=takes("p.a:outputs"))
    world.create()
    world.turn()
    world.end("a", log="old")
    world.operate(operate.rerun, "a")
    world.end("a", log="new")
    world.runner.runs.clear()
    world.another_scheduler()._take_over()
    assert script_of(world, "b") == "old"
    world.end("b")
    world.operate(operate.rerun, "b")
    assert script_of(world, "b") == "old"
    assert world.runner.live[world.instance("b")].script == "new"


BRANCH = {
    "Type": "CONTROLLER_BRANCH",
    "Content": json.dumps(
        [{"condition": "${v}==1", "nodeoutput": "p.one"}, {"condition": "${v}>2", "nodeoutput": "p.two"}]
    ),
    "Outputs": {"TaskOutputs": [{"Output": "p.one"}, {"Output": "p.two"}]},
}


def branch(value: str) -> Options:
    return {**BRANCH, "Inputs": {"Variables": [variable("v", "Constant", value)]}}


def on_arm(*outputs: str) -> Options:
    return {"Dependencies": [{"Type": "Normal", "UpstreamOutput": output} for output in outputs]}


def arms(world: World, value: str, more: dict[str, list[str]] | None = None, **options: Options) -> None:
    """A branch with a task on each arm, and what `more` adds."""
    world.define(
        {"br": [], "c1": ["br"], "c2": ["br"], **(more or {})},
        **{"br": branch(value), "c1": on_arm("p.one"), "c2": on_arm("p.two"), **options},
    )
    world.create()
    world.turn()


@pytest.mark.parametrize(
    ("value", "running", "skipped"),
    [
        pytest.param("1", {"c1"}, {"c2"}, id="K05 the first arm"),
        pytest.param("3", {"c2"}, {"c1"}, id="K06 the second arm"),
        pytest.param("2", set(), {"c1", "c2"}, id="K07 no arm"),
    ],
)
def test_what_is_on_no_chosen_arm_ends_as_a_dry_run(
    world: World, value: str, running: set[str], skipped: set[str]
) -> None:
    arms(world, value)
    assert world.statuses()["br"] == "Success"
    assert world.running() == running
    assert unchosen(world) == skipped
    assert {name for name, status in world.statuses().items() if status == "Success"} == skipped | {"br"}
    assert all(world.history(name) == ["skipped"] for name in skipped)


@pytest.mark.parametrize(
    ("condition", "parameters", "status"),
    [
        pytest.param("'${para1}' == 'test1'", "para1=test1", "Success", id="K01 a text in quotes"),
        pytest.param("${para1} == 'test1'", "para1=test1", "Failure", id="K02 a name that is not defined"),
        pytest.param("${n} > 10", "n=42", "Success", id="K03 a number"),
        pytest.param("'${n}' > 10", "n=42", "Failure", id="K04 a text is no number"),
    ],
)
def test_a_condition_sees_the_parameters(world: World, condition: str, parameters: str, status: str) -> None:
    content = json.dumps([{"condition": condition, "nodeoutput": "p.one"}])
    script = {"Content": content, "Script": {"Parameters": parameters}}
    arms(world, "1", br={**branch("1"), **script})
    assert world.statuses()["br"] == status
    assert message_of(world, "br").startswith("arm 1")


def test_k08_what_depends_on_both_arms_is_skipped(world: World) -> None:
    arms(world, "1", {"b": ["c1", "c2"], "d": ["b"]})
    world.end("c1")
    assert unchosen(world) == {"c2", "b", "d"}
    assert world.workflow_statuses() == ["Success"]


def merge(logic: int, accepted: list[str], *names: str) -> Options:
    listed = [{"node": f"p.{name}", "runStatus": accepted, "logic": logic} for name in names]
    return {"Type": "CONTROLLER_JOIN", "Content": json.dumps({"branchList": listed, "resultStatus": "1"})}


def test_k09_a_merge_ends_the_skipping(world: World) -> None:
    arms(world, "1", {"j": ["c1", "c2"], "b": ["j"]}, j=merge(1, ["1", "2"], "c1", "c2"))
    assert world.statuses()["j"] == "NotRun", "c1 has not ended"
    world.end("c1")
    assert world.statuses()["j"] == "Success"
    assert world.running() == {"b"}
    assert unchosen(world) == {"c2"}


@pytest.mark.parametrize(
    ("first", "chosen", "logic", "accepted", "status"),
    [
        pytest.param(0, "1", 1, ["1", "2"], "Success", id="K11 success and not run"),
        pytest.param(1, "1", 1, ["1", "2"], "Failure", id="K12 failed and not run"),
        pytest.param(0, "1", 1, ["1"], "Failure", id="not run is not accepted"),
        pytest.param(1, "1", 2, ["3"], "Success", id="a failure that is accepted"),
    ],
)
def test_a_merge_decides_when_its_upstreams_have_ended(
    world: World, first: int, chosen: str, logic: int, accepted: list[str], status: str
) -> None:
    arms(world, chosen, {"j": ["c1", "c2"]}, j=merge(logic, accepted, "c1", "c2"))
    world.end("c1", exit_code=first)
    assert world.statuses()["j"] == status


@pytest.mark.parametrize(
    ("first", "logic", "status"),
    [
        pytest.param(1, 2, "Success", id="K13 one of them"),
        pytest.param(0, 1, "Success", id="K14 both"),
        pytest.param(1, 1, "Failure", id="both are needed"),
    ],
)
def test_a_merge_of_plain_tasks(world: World, first: int, logic: int, status: str) -> None:
    world.define({"t1": [], "t2": [], "j": ["t1", "t2"], "b": ["j"]}, j=merge(logic, ["1"], "t1", "t2"))
    world.create()
    world.turn()
    world.end("t1", exit_code=first)
    assert world.statuses()["j"] == "NotRun"
    world.end("t2")
    assert world.statuses()["j"] == status
    assert world.running() == ({"b"} if status == "Success" else set())


def test_a_merge_waits_again_for_a_failed_upstream_that_is_rerun(world: World) -> None:
    world.define({"t1": [], "t2": [], "j": ["t1", "t2"]}, j=merge(1, ["1"], "t1", "t2"))
    world.create()
    world.turn()
    world.end("t1", exit_code=1)
    world.operate(operate.rerun, "t1")
    world.end("t2")
    assert world.statuses()["j"] == "NotRun"
    world.end("t1")
    assert world.statuses()["j"] == "Success"


def test_a_merge_that_accepts_a_failure_can_be_rerun(world: World) -> None:
    world.define({"t1": [], "j": ["t1"]}, j=merge(1, ["3"], "t1"))
    world.create()
    world.turn()
    world.end("t1", exit_code=1)
    world.operate(operate.rerun, "j")
    assert world.statuses() == {"t1": "Failure", "j": "Success"}


def test_a_merge_waits_for_the_retries_of_its_upstream(world: World) -> None:
    world.define({"t1": [], "j": ["t1"]}, t1={"RerunTimes": 1, "RerunInterval": 60}, j=merge(1, ["3"], "t1"))
    world.create()
    world.turn()
    world.end("t1", exit_code=1)
    assert world.statuses() == {"t1": "NotRun", "j": "NotRun"}
    world.clock.time += 60_000
    world.turn()
    world.end("t1", exit_code=1)
    assert world.statuses() == {"t1": "Failure", "j": "Success"}


def test_a_branch_that_decides_anew_chooses_what_has_not_ended_and_what_is_rerun(world: World) -> None:
    world.define(
        {"a": [], "br": ["a"], "c1": ["br"], "c2": ["br"], "d2": ["c2"]},
        a=ASSIGNMENT,
        br={**BRANCH, "Inputs": {"Variables": [variable("v", "NodeOutput", "p.a:outputs")]}},
        c1=on_arm("p.one"),
        c2=on_arm("p.two"),
    )
    world.create()
    world.turn()
    world.end("a", log="1")
    assert unchosen(world) == {"c2", "d2"}
    world.operate(operate.rerun, "a")
    world.end("a", log="3")
    world.operate(operate.rerun, "br")
    assert unchosen(world) == {"c2", "d2"}, "what has ended is left alone"
    world.operate(operate.rerun, "c2")
    assert "c2" in world.running()
    world.end("c2")
    world.operate(operate.rerun, "d2")
    assert "d2" in world.running()
    assert unchosen(world) == set()


def test_a_frozen_or_dry_branch_decides_nothing(world: World) -> None:
    dry = {"Trigger": {"Type": "Scheduler", "Recurrence": "Skip"}}
    world.define({"br": [], "c1": ["br"], "c2": ["br"]}, br={**branch("1"), **dry}, c1=on_arm("p.one"),
                 c2=on_arm("p.two"))  # fmt: skip
    world.create(type="SupplementData")
    world.turn()
    assert world.running() == {"c1", "c2"}


def test_a_control_task_that_fails_is_retried_and_says_why(world: World) -> None:
    arms(world, "x", br={**branch("x"), "RerunTimes": 1, "RerunInterval": 60})
    assert world.statuses()["br"] == "NotRun"
    world.clock.time += 60_000
    world.turn()
    assert world.statuses() == {"br": "Failure", "c1": "NotRun", "c2": "NotRun"}
    assert world.workflow_statuses() == ["Failure"]
    with world.database.read() as db:
        details = db.execute(select(event.c.detail).where(event.c.instance_id == world.instance("br"))).scalars()
        assert sum("name 'x' is not defined" in (detail or "") for detail in details) == 2
