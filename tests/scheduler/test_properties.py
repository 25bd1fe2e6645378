"""Whatever operators and runs do, in whatever order: the books are right, nothing starts early, nothing is stuck."""

import tempfile
from pathlib import Path

from hypothesis import Phase, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from tests.scheduler.conftest import World
from tests.scheduler.test_operations import cut, on_the_whole
from tidemill.scheduler import changing, operate
from tidemill.store.engine import open_database
from tidemill.store.schema import prepare
from tidemill.store.tables import instance_edge, task_instance

SIZE = 6
graphs = st.lists(st.sets(st.integers(0, SIZE - 1)), min_size=SIZE, max_size=SIZE).map(
    lambda needs: {f"t{i}": [f"t{j}" for j in sorted(needs[i]) if j < i] for i in range(SIZE)}
)
deeds = st.sampled_from(
    [
        "succeed",
        "fail",
        "lose",
        "time out",
        "rerun",
        "set success",
        "suspend",
        "resume",
        "stop",
        "wait",
        "cut",
        "start",
        "stop all",
        "fire",
    ]
)
steps = st.lists(st.tuples(deeds, st.integers(0, SIZE - 1)), max_size=20)
OUTCOMES = {"succeed": (0, "exited"), "fail": (1, "exited"), "lose": (None, "lost"), "time out": (None, "timed_out")}
OPERATIONS = {
    "rerun": operate.rerun, "set success": operate.set_success, "suspend": operate.suspend,
    "resume": operate.resume, "stop": operate.stop, "cut": cut, "fire": changing.fire,
}  # fmt: skip
WHOLE = {"start": operate.start_workflows, "stop all": operate.stop_workflows}


def check(world: World) -> None:
    """Counters are what a recount gives, and what runs or has succeeded by itself waited for its upstreams."""
    e = instance_edge.c
    with world.database.read() as db:
        waiting = select(e.downstream_id, func.count()).where(e.satisfied == 0).group_by(e.downstream_id)
        unsatisfied = {row[0]: row[1] for row in db.execute(waiting)}
        rows = db.execute(select(task_instance)).all()
        edges = db.execute(select(instance_edge)).all()
    status = {row.id: row.status for row in rows}
    begun = {row.id for row in rows if row.retries_used or row.lost_runs}
    inner = [row for row in rows if row.kind == "Task"]
    (whole,) = [row for row in rows if row.kind == "Workflow"]
    for row in rows:
        assert row.pending_upstreams == unsatisfied.get(row.id, 0) + row.waits_entry + row.held
        assert (row.finished_time is not None) == (row.status in ("Success", "Failure"))
    assert whole.unfinished == sum(row.status != "Success" for row in inner)
    assert whole.failed == sum(row.status == "Failure" or (row.frozen and row.status != "Success") for row in inner)
    if whole.started_time is None:
        assert not any(row.started_time for row in inner), "nothing begins before its workflow instance"
    for edge in edges:
        if status[edge.upstream_id] == "Success":
            assert edge.satisfied
        elif status[edge.downstream_id] == "WaitResource":
            assert edge.satisfied
            assert edge.downstream_id in begun, "queued before its upstreams succeeded"
    assert {row.id for row in inner if row.status == "Running"} == set(world.runner.live)


def do(world: World, deed: str, name: str) -> None:
    live = world.instance(name) in world.runner.live
    if deed == "wait":
        world.clock.time += 200_000
        world.turn()
    elif deed in WHOLE:
        on_the_whole(world, WHOLE[deed])
    elif deed in OPERATIONS:
        world.operate(OPERATIONS[deed], name)
    elif live:
        world.end(name, *OUTCOMES[deed])


NOTHING = {f"t{i}": [] for i in range(SIZE)}
# Stopped before its entry opened, then sent back to NotRun below an upstream that was set successful meanwhile.
STOPPED_ABOVE = [("stop all", 0), ("set success", 0), ("rerun", 3), ("rerun", 1)]


@settings(max_examples=40, deadline=None, phases=[Phase.explicit, Phase.generate])
@given(graphs, steps, st.booleans())
@example({**NOTHING, "t1": ["t0"], "t2": ["t1"], "t3": ["t2"]}, STOPPED_ABOVE, True)
def test_any_course_of_events_keeps_the_books_and_can_be_brought_to_an_end(
    graph: dict, course: list, held: bool
) -> None:
    with tempfile.TemporaryDirectory() as directory:
        database = open_database(f"sqlite:///{Path(directory) / 'test.db'}", synchronous="OFF")
        with database.write() as db:
            prepare(db)
        world = World(database)
        options = {"t1": {"Type": "VIRTUAL"}, "t2": {"RerunMode": "AllDenied"}, "t3": {"Type": "SCHEDULER_TRIGGER"}}
        world.define(graph, t0={"RerunTimes": 1}, **options)
        world.create(auto_start=not held)
        world.turn()
        for deed, number in course:
            do(world, deed, f"t{number}")
            check(world)
        while set(world.statuses().values()) != {"Success"}:
            for name in graph:
                do(world, "resume", name)
                do(world, "fire", name)
                do(world, "succeed", name)
                if world.statuses()[name] == "Failure":
                    do(world, "set success", name)
            do(world, "wait", "t0")
            do(world, "start", "t0")
            check(world)
        assert set(world.statuses().values()) == {"Success"}
        assert world.workflow_statuses() == ["Success"]
        database.close()
