"""While the disk is full results are applied, and nothing is started; on both databases."""

import pytest

from tests.scheduler.conftest import World
from tidemill.scheduler.dispatch import Lease, dispatch
from tidemill.scheduler.loop import Scheduler


def test_without_room_results_are_applied_and_nothing_is_started_until_there_is_room(world: World) -> None:
    room = True
    world.scheduler = Scheduler(
        world.database, world.runner, world.clock, boot="boot", default_slots=16, has_room=lambda: room
    )
    world.define({"a": [], "b": ["a"], "c": ["b"]})
    world.create()
    world.turn()
    assert world.running() == {"a"}
    room = False
    world.end("a")
    assert world.statuses() == {"a": "Success", "b": "WaitResource", "c": "NotRun"}
    assert world.running() == set()
    assert world.turn() == 1.0  # it looks again by itself
    room = True
    world.turn()
    assert world.running() == {"b"}
    world.end("b")
    world.end("c")
    assert world.workflow_statuses() == ["Success"]


def test_without_room_here_the_other_servers_are_given_the_runs(world: World) -> None:
    world.define({"a": [], "b": []})
    world.slots = 0
    world.scheduler = world.another_scheduler()
    world.create()
    world.turn()
    assert world.running() == set()
    own, other = Lease("own", "boot"), Lease("other", "boot")
    with world.database.write() as db:
        assert dispatch(db, world.clock.now(), own, 16, others=[other], room=False) == []
    assert world.statuses() == {"a": "Running", "b": "Running"}


@pytest.mark.parametrize(("times", "status"), [(0, "Failure"), (1, "Running")])
def test_a_run_that_went_over_a_limit_is_retried_like_any_failure(world: World, times: int, status: str) -> None:
    world.define({"a": []}, a={"RerunTimes": times})
    world.create()
    world.turn()
    world.end("a", exit_code=-9, outcome="limited")
    assert world.statuses() == {"a": status}
