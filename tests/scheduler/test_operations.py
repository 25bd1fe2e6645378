"""Every operation on every state of an instance: the answer, the state right after, and how it all ends."""

from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import select, update

from tests.scheduler.conftest import World
from tidemill.scheduler import changing, operate
from tidemill.store.tables import instance_edge, task_instance, workflow_instance

HOUR = 3_600_000


def begin(world: World, **options: dict[str, object]) -> None:
    """a → b → c, of which b is the one looked at."""
    world.define({"a": [], "b": ["a"], "c": ["b"]}, **options)
    world.create()
    world.turn()


def fresh(world: World, mode: str) -> None:
    begin(world, b={"RerunMode": mode})


def frozen(world: World, mode: str) -> None:
    fresh(world, mode)
    world.operate(operate.suspend, "b")


def wait_time(world: World, mode: str) -> None:
    fresh(world, mode)
    with world.database.write() as db:
        t = task_instance.c
        db.execute(update(task_instance).where(t.id == world.instance("b")).values(due_time=world.clock.time + HOUR))
    world.end("a")


def wait_resource(world: World, mode: str) -> None:
    fresh(world, mode)
    world.scheduler._default_slots = 0
    world.end("a")


def frozen_in_queue(world: World, mode: str) -> None:
    wait_resource(world, mode)
    world.operate(operate.suspend, "b")


def retry(world: World, mode: str) -> None:
    begin(world, b={"RerunMode": mode, "RerunTimes": 1, "RerunInterval": 600})
    world.end("a")
    world.end("b", 1)


def queued_retry(world: World, mode: str) -> None:
    retry(world, mode)
    world.scheduler._default_slots = 0
    world.clock.time += HOUR
    world.turn()


def running(world: World, mode: str) -> None:
    fresh(world, mode)
    world.end("a")


def stopping(world: World, mode: str) -> None:
    running(world, mode)
    world.operate(operate.stop, "b")


def success(world: World, mode: str) -> None:
    running(world, mode)
    world.end("b")
    world.end("c")


def failure(world: World, mode: str) -> None:
    running(world, mode)
    world.end("b", 1)


def rerun(world: World, mode: str) -> None:
    failure(world, mode)
    with world.database.write() as db:  # and no turn of the scheduler
        operate.rerun(db, operate.Operator("op", world.clock.now()), [world.instance("b")])


def rerun_below(world: World, mode: str) -> None:
    """Both again, the upstream last."""
    failure(world, mode)
    world.operate(operate.rerun, "a")
    world.operate(operate.rerun, "b")


def paused(world: World, mode: str) -> None:
    begin(world)
    with world.database.write() as db:
        t = task_instance.c
        db.execute(update(task_instance).where(t.id == world.instance("b")).values(recurrence="Pause"))
    world.end("a")


def wait_trigger(world: World, mode: str) -> None:
    begin(world, b={"RerunMode": mode, "Type": "SCHEDULER_TRIGGER"})
    world.end("a")


def frozen_trigger(world: World, mode: str) -> None:
    wait_trigger(world, mode)
    world.operate(operate.suspend, "b")


def cut(db, by, ids: list[int]) -> dict[int, str]:
    upstreams = db.execute(select(instance_edge.c.upstream_id).where(instance_edge.c.downstream_id == ids[0])).scalars()
    return {ids[0]: operate.remove_dependencies(db, by, ids[0], list(upstreams))}


STATES: dict[str, Callable[[World, str], None]] = {
    "not run": fresh, "frozen": frozen, "wait time": wait_time, "wait resource": wait_resource,
    "frozen in queue": frozen_in_queue, "retry": retry, "queued retry": queued_retry, "running": running,
    "stopping": stopping, "success": success, "failure": failure, "rerun": rerun, "rerun below": rerun_below,
    "paused": paused, "wait trigger": wait_trigger, "frozen trigger": frozen_trigger,
}  # fmt: skip
DEEDS = {
    "rerun": operate.rerun, "stop": operate.stop, "set success": operate.set_success, "suspend": operate.suspend,
    "resume": operate.resume, "cut": cut, "fire": changing.fire,
}  # fmt: skip

# A cell is `-` where the operation is refused, else b's status after a turn, and how b and c end when all that runs
# succeeds (S Success, F Failure, N NotRun, W WaitResource or WaitTrigger). The first column says how they end with
# nothing done.
TABLE = """
state          | end| rerun     | stop      | set success| suspend        | resume         | cut       | fire
not run        | SS | -         | -         | Success SS | NotRun NN      | -              | Running SS| -
frozen         | NN | -         | -         | Success SS | -              | NotRun SS      | NotRun NN | -
wait time      | SS | -         | -         | Success SS | NotRun NN      | -              | NotRun SS | -
wait resource  | SS | -         | Failure FN| Success SS | WaitResource WN| -              | -         | -
frozen in queue| WN | -         | Failure FN| Success SS | -              | WaitResource SS| -         | -
retry          | SS | -         | Failure FN| Success SS | -              | -              | -         | -
queued retry   | SS | -         | Failure FN| Success SS | -              | -              | -         | -
running        | SS | -         | Running FN| -          | -              | -              | -         | -
stopping       | FN | -         | Running FN| -          | -              | -              | -         | -
success        | SS | Running SS| -         | -          | -              | -              | -         | -
failure        | FN | Running SS| -         | Success SS | -              | -              | -         | -
rerun          | SS | -         | Failure FN| Success SS | NotRun NN      | -              | Running SS| -
rerun below    | SS | -         | Failure FN| Success SS | NotRun NN      | -              | Running SS| -
paused         | FN | Failure FN| -         | Success SS | -              | Running SS     | -         | -
wait trigger   | WN | -         | Failure FN| Success SS | WaitTrigger WN | -              | -         | Success SS
frozen trigger | WN | -         | Failure FN| Success SS | -              | WaitTrigger WN | -         | NotRun NN
"""


def cells() -> Iterator[object]:
    head, *rows = [[cell.strip() for cell in line.split("|")] for line in TABLE.strip().splitlines()]
    for state, end, *row in rows:
        for deed, cell in zip(head[2:], row, strict=True):
            yield pytest.param(state, deed, cell, end, id=f"{deed} when {state}")


def test_the_table_has_every_state_and_every_operation() -> None:
    assert len(list(cells())) == len(STATES) * len(DEEDS)


def finish(world: World) -> str:
    """Let everything that may run succeed; how b and c end."""
    world.scheduler._default_slots = 16
    world.clock.time += 2 * HOUR
    world.turn()
    while world.runner.live:
        world.runner.end(next(iter(world.runner.live)))
        world.turn()
    statuses = world.statuses()
    return statuses["b"][0] + statuses["c"][0]


@pytest.mark.parametrize(("state", "deed", "cell", "end"), list(cells()))
def test_an_operation_is_done_or_refused_and_all_ends_well(
    world: World, state: str, deed: str, cell: str, end: str
) -> None:
    STATES[state](world, "AllAllowed")
    before = world.statuses()
    (answer,) = world.operate(DEEDS[deed], "b")
    if cell == "-":
        assert answer != ""
        if state != "rerun":  # that one goes on by itself in the turn
            assert world.statuses() == before
        assert finish(world) == end
    else:
        status, ending = cell.split()
        assert answer == ""
        assert world.statuses()["b"] == status
        assert finish(world) == ending


@pytest.mark.parametrize(
    ("mode", "state", "done"),
    [
        pytest.param("AllAllowed", "success", True, id="AllAllowed after Success"),
        pytest.param("AllAllowed", "failure", True, id="AllAllowed after Failure"),
        pytest.param("FailureAllowed", "success", False, id="X06"),
        pytest.param("FailureAllowed", "failure", True, id="FailureAllowed after Failure"),
        pytest.param("AllDenied", "success", False, id="X05 after Success"),
        pytest.param("AllDenied", "failure", False, id="X05 after Failure"),
    ],
)
def test_rerun_as_the_mode_allows(world: World, mode: str, state: str, done: bool) -> None:
    STATES[state](world, mode)
    before = world.statuses()
    (answer,) = world.operate(operate.rerun, "b")
    assert (answer == "") is done
    if not done:
        assert mode in answer
        assert world.statuses() == before


def test_a_rerun_waits_for_an_upstream_that_was_rerun_before(world: World) -> None:
    rerun_below(world, "AllAllowed")
    assert world.statuses() == {"a": "Running", "b": "NotRun", "c": "NotRun"}
    world.end("a")
    assert world.running() == {"b"}


def test_what_was_stopped_while_frozen_does_not_run_again_by_a_resume(world: World) -> None:
    wait_resource(world, "AllDenied")
    world.operate(operate.suspend, "b")
    assert world.operate(operate.stop, "b") == [""]
    assert world.operate(operate.resume, "b") != [""]
    assert world.statuses()["b"] == "Failure"


def test_an_instance_cut_off_inside_a_workflow_instance_that_waits_keeps_waiting_with_it(world: World) -> None:
    world.define({"a": [], "b": ["a"], "c": ["b"]})
    world.create(auto_start=False)
    world.turn()
    assert world.operate(cut, "b") == [""]
    assert world.operate(operate.set_success, "a") == [""]
    assert not world.runner.live
    assert world.workflow_statuses() == ["NotRun"]
    assert on_the_whole(world, operate.start_workflows) == [""]
    assert world.running() == {"b"}


def test_what_is_after_a_task_set_successful_waits_with_its_workflow_instance(world: World) -> None:
    world.define({"a": [], "b": ["a"], "c": ["b"]})
    world.create(auto_start=False)
    world.turn()
    assert world.operate(operate.set_success, "b") == [""]
    assert not world.runner.live
    assert on_the_whole(world, operate.start_workflows) == [""]
    assert world.running() == {"a", "c"}


def on_the_whole(world: World, deed: Callable[..., dict[int, str]]) -> list[str]:
    with world.database.write() as db:
        ids = list(db.execute(select(workflow_instance.c.id)).scalars())
        answers = deed(db, operate.Operator("op", world.clock.now()), ids)
    world.turn()
    return list(answers.values())


@pytest.mark.parametrize("how", ["set success", "stop"])
def test_what_ended_before_its_workflow_instance_began_can_run_again_when_it_begins(world: World, how: str) -> None:
    world.define({"a": [], "b": ["a"]})
    world.create(auto_start=False)
    world.turn()
    if how == "set success":
        assert world.operate(operate.set_success, "a", "b") == ["", ""]
        assert world.workflow_statuses() == ["Success"]
    else:
        assert on_the_whole(world, operate.stop_workflows) == [""]
        assert world.workflow_statuses() == ["Failure"]
    assert world.operate(operate.rerun, "a", "b") == ["", ""]
    assert world.workflow_statuses() == ["NotRun"]
    assert not world.runner.live
    assert on_the_whole(world, operate.start_workflows) == [""]
    world.end("a")
    world.end("b")
    assert world.workflow_statuses() == ["Success"]
