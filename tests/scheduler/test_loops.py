"""for-each and do-while: turns as workflow instances of the loop's body, on both databases."""

import json
from typing import Any

import pytest
from sqlalchemy import insert, select

from tests.scheduler.conftest import World
from tests.scheduler.test_control import message_of, variable
from tidemill.domain.definitions import Task
from tidemill.scheduler import operate
from tidemill.store.tables import iteration, task_instance, task_version, workflow_version

BODY_TASK, END_TASK = 5_001, 5_002


def loop(type: str, name: str, value: str, content: dict[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
    return {
        "Type": type,
        "Content": json.dumps(content or {}),
        "Inputs": {"Variables": [variable(name, "Constant", value)]},
        **fields,
    }


def for_each(value: str, content: dict[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
    return loop("CONTROLLER_TRAVERSE", "loopDataArray", value, content, **fields)


def body(world: World, script: str, end: str | None = None) -> None:
    """Give the task `l` a body of one shell task, and of an end task after it."""
    tasks = [(BODY_TASK, "t", "DIDE_SHELL", script, [])]
    if end is not None:
        tasks.append((END_TASK, "e", "CONTROLLER_CYCLE_END", end, [{"Type": "Normal", "UpstreamTaskId": BODY_TASK}]))
    with world.database.write() as db:
        db.execute(
            insert(workflow_version).values(
                workflow_id=world.tasks["l"], env="Prod", version=1, name="l", create_time=0,
                definition='{"Name":"l","Owner":"1","Trigger":{"Type":"Manual"}}',
                tasks=json.dumps([[task[0], 1] for task in tasks]),
            )
        )  # fmt: skip
        for id, name, type, content, dependencies in tasks:
            definition = Task.model_validate(
                {
                    "Name": name, "Type": type, "Owner": "1", "RerunMode": "AllAllowed",
                    "Trigger": {"Recurrence": "Normal"}, "RuntimeResource": {"ResourceGroupId": "S_res_group_default"},
                    "Dependencies": dependencies,
                }
            )  # fmt: skip
            db.execute(
                insert(task_version).values(
                    task_id=id, env="Prod", version=1, name=name, type=type, owner="1", script=content,
                    definition=definition.model_dump_json(by_alias=True, exclude_none=True), create_time=0,
                )
            )  # fmt: skip


def start(world: World, options: dict[str, Any], script: str, end: str | None = None) -> None:
    world.define({"l": [], "after": ["l"]}, l=options)
    body(world, script, end)
    world.create()
    world.turn()


def step(world: World, exit_code: int = 0, log: str = "") -> str:
    """End the oldest run; what its script was."""
    id = min(world.runner.live)
    script = world.runner.live[id].script
    world.runner.end(id, exit_code, log=log)
    world.turn()
    return script


def status(world: World, name: str = "l") -> str:
    with world.database.read() as db:
        t = task_instance.c
        return db.execute(select(t.status).where(t.id == world.instance(name))).scalar_one()


def in_body(world: World) -> bool:
    return bool(world.runner.live) and world.instance("after") not in world.runner.live


def scripts(world: World, *exit_codes: int) -> list[str]:
    """End everything that runs in the body, one after the other; what was run."""
    found: list[str] = []
    while in_body(world):
        found.append(step(world, exit_codes[len(found)] if len(found) < len(exit_codes) else 0))
    return found


@pytest.mark.parametrize(
    ("value", "script", "seen"),
    [
        pytest.param(
            "2025-11-01,2025-11-02,2025-11-03", "${dag.foreach.current} ${dag.loopTimes} ${dag.offset}",
            ["2025-11-01 1 0", "2025-11-02 2 1", "2025-11-03 3 2"], id="K21 over days",
        ),
        pytest.param("", "x", [], id="an empty set has no turns"),
    ],
)  # fmt: skip
def test_a_for_each_turns_once_an_element(world: World, value: str, script: str, seen: list[str]) -> None:
    start(world, for_each(value), script)
    assert scripts(world) == seen
    assert status(world) == "Success"
    assert world.instance("after") in world.runner.live


def test_k22_a_for_each_goes_over_rows_of_an_upstream(world: World) -> None:
    from tidemill.store import variables

    options = for_each("")
    options["Inputs"] = {"Variables": [variable("loopDataArray", "NodeOutput", "p.a:outputs")]}
    world.define({"a": [], "l": ["a"], "after": ["l"]}, l=options)
    body(world, "${dag.foreach.current} ${dag.foreach.current[0]} ${dag.foreach.current[1]}")
    world.create()
    world.turn()
    with world.database.write() as db:
        rows = (("101", "beijing"), ("102", "shanghai"))
        variables.replace(db, [world.instance("a")], [(world.instance("a"), "outputs", rows)])
    world.end("a")
    assert scripts(world) == ["101,beijing 101 beijing", "102,shanghai 102 shanghai"]


def test_one_at_a_time_a_failed_turn_ends_the_loop(world: World) -> None:
    start(world, for_each("a,b,c"), "${dag.foreach.current}")
    assert scripts(world, 0, 1) == ["a", "b"]
    assert status(world) == "Failure"
    assert message_of(world, "l") == "iteration 2 failed, 1 succeeded"
    assert status(world, "after") == "NotRun"


def test_k26_parallel_turns_go_on_after_a_failure(world: World) -> None:
    start(world, for_each("1,2,3,4,5,6,7", {"parallelism": 5}), "${dag.foreach.current}")
    assert len(world.runner.live) == 5
    assert scripts(world, 0, 0, 1) == list("1234567")
    assert status(world) == "Failure"


def test_k27_an_automatic_rerun_repeats_the_failed_turn_only_and_a_manual_one_all(world: World) -> None:
    start(world, for_each("1,2,3", {"parallelism": 5}, RerunTimes=1, RerunInterval=60), "${dag.foreach.current}")
    assert scripts(world, 0, 1) == ["1", "2", "3"]
    assert status(world) == "NotRun"
    world.clock.time += 60_000
    world.turn()
    assert scripts(world, 1) == ["2"]
    assert status(world) == "Failure"
    world.operate(operate.rerun, "l")
    assert scripts(world) == ["1", "2", "3"]
    assert status(world) == "Success"


def test_k28_more_elements_than_the_limit_fail_before_the_first_turn(world: World) -> None:
    start(world, for_each(",".join(map(str, range(129)))), "x")
    assert status(world) == "Failure"
    assert not world.runner.runs
    assert "129 elements, but at most 128 iterations" in message_of(world, "l")


@pytest.mark.parametrize(
    ("answers", "turns"),
    [
        pytest.param(["True", "True", "true", "True", "False"], 5, id="K23 four times more"),
        pytest.param(["False"], 1, id="K24 at least once"),
    ],
)
def test_a_do_while_turns_until_its_end_task_says_false(world: World, answers: list[str], turns: int) -> None:
    start(world, loop("CONTROLLER_CYCLE", "input", "x"), "${dag.loopTimes}", "echo ${dag.loopTimes}")
    seen = []
    for answer in answers:
        seen.append(step(world))
        assert step(world, log=answer) == f"echo {seen[-1]}"
    assert seen == [str(number + 1) for number in range(turns)]
    assert status(world) == "Success"


def test_k25_a_do_while_picks_by_its_offset(world: World) -> None:
    start(world, loop("CONTROLLER_CYCLE", "input", "a,b,c"), "${dag.input[${dag.offset}]}", "${dag.input.length}")
    seen = []
    while in_body(world):
        seen.append(step(world))
        assert step(world, log=str(len(seen) < 3)) == "3"
    assert seen == ["a", "b", "c"]
    assert status(world) == "Success"


@pytest.mark.parametrize(
    ("log", "says"),
    [("maybe", "True or False is expected"), ("True", "which is the limit")],
)
def test_a_do_while_that_cannot_go_on_fails(world: World, log: str, says: str) -> None:
    start(world, loop("CONTROLLER_CYCLE", "input", "x", {"maxIterations": 1}), "t", "e")
    step(world)
    step(world, log=log)
    assert status(world) == "Failure"
    assert says in message_of(world, "l")


def test_a_loop_without_a_body_fails(world: World) -> None:
    world.define({"l": []}, l=for_each("a"))
    world.create()
    world.turn()
    assert message_of(world, "l") == "the loop has no SubTasks"


def test_a_running_loop_takes_no_slot_and_outlives_the_machine(world: World) -> None:
    world.scheduler._default_slots = 1
    start(world, for_each("a,b"), "${dag.foreach.current}")
    assert len(world.runner.live) == 1
    world.another_scheduler(boot="another boot")._take_over()
    assert status(world) == "Running"
    with world.database.read() as db:
        assert db.execute(select(iteration.c.turn)).scalars().all() == [0]
