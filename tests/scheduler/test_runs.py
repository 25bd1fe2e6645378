"""What happens to instances between their creation and their end, on both databases and a virtual clock."""

from collections.abc import Sequence

import pytest

from tests.scheduler.conftest import World
from tidemill.runners.contract import Run
from tidemill.scheduler import operate

rerun = operate.rerun


def test_a_task_starts_when_its_upstreams_succeeded(world: World) -> None:
    world.define({"a": [], "b": ["a"], "c": ["a"], "d": ["b", "c"]})
    world.create()
    world.turn()
    assert world.running() == {"a"}
    world.end("a")
    assert world.running() == {"b", "c"}
    world.end("b")
    assert world.running() == {"c"}
    world.end("c")
    assert world.running() == {"d"}
    assert world.workflow_statuses() == ["Running"]
    world.end("d")
    assert world.workflow_statuses() == ["Success"]
    assert world.history("d") == ["time came", "started", "succeeded"]


def test_a_failure_blocks_its_downstream_and_fails_the_workflow_when_nothing_can_go_on(world: World) -> None:
    world.define({"a": [], "b": ["a"], "c": [], "d": ["c"]})
    world.create()
    world.turn()
    world.end("a", exit_code=1)
    assert world.workflow_statuses() == ["Running"], "c still runs"
    world.end("c")
    assert world.workflow_statuses() == ["Running"]
    world.end("d")
    assert world.statuses() == {"a": "Failure", "b": "NotRun", "c": "Success", "d": "Success"}
    assert world.workflow_statuses() == ["Failure"]


def test_a_rerun_of_the_failed_task_takes_the_workflow_to_success(world: World) -> None:
    world.define({"a": [], "b": ["a"]})
    world.create()
    world.turn()
    world.end("a", exit_code=1)
    assert world.operate(rerun, "a") == [""]
    assert world.workflow_statuses() == ["Running"]
    assert world.running() == {"a"}
    world.end("a")
    world.end("b")
    assert world.workflow_statuses() == ["Success"]
    assert sorted(number for _, number in world.runner.runs) == [1, 1, 2]


def test_a_run_says_how_its_python_starts_if_its_task_has_the_tag(world: World) -> None:
    tag = {"Key": "tidemill.python", "Value": "forked"}
    assign = {
        "Type": "CONTROLLER_ASSIGNMENT",
        "Content": '{"language": "python", "content": "print(1)"}',
        "Tags": [tag],
    }
    world.define(
        {"forked": [], "fresh": [], "plain": [], "assign": [], "other": []},
        forked={"Type": "PYTHON", "Tags": [{"Key": "k"}, tag]},
        fresh={"Type": "PYTHON", "Tags": [{**tag, "Value": "fresh"}]},
        plain={"Type": "PYTHON", "Tags": [{"Key": "k", "Value": '"tidemill.python"'}]},
        assign=assign,
        other={"Type": "PYTHON", "Tags": [{"Key": "k", "Value": "tidemill.python"}]},
    )
    world.create()
    world.turn()
    runs = {name: world.runner.live[world.instance(name)] for name in world.tasks}
    found = {name: (run.task_type, run.python) for name, run in runs.items()}
    assert found == {
        "forked": ("PYTHON", "forked"),
        "fresh": ("PYTHON", "fresh"),
        "plain": ("PYTHON", None),
        "assign": ("PYTHON", "forked"),
        "other": ("PYTHON", None),
    }


def test_only_as_many_run_as_the_resource_group_has_slots(world: World) -> None:
    world.scheduler._default_slots = 2
    world.define({name: [] for name in "abcd"})
    world.create()
    world.turn()
    assert len(world.running()) == 2
    assert sorted(world.statuses().values()) == ["Running", "Running", "WaitResource", "WaitResource"]
    world.end("a")
    assert world.running() == {"b", "c"}


@pytest.mark.parametrize(
    ("mode", "times", "runs"),
    [("AllAllowed", 3, 4), ("FailureAllowed", 1, 2), ("AllDenied", 3, 1), ("AllAllowed", 0, 1)],
)
def test_rerun_times_counts_the_runs_after_the_first(world: World, mode: str, times: int, runs: int) -> None:
    world.define({"a": []}, a={"RerunMode": mode, "RerunTimes": times, "RerunInterval": 300})
    world.create()
    world.turn()
    started = []
    while world.runner.live:
        started.append(world.clock.time)
        world.runner.end(world.instance("a"), 1)
        pause = world.turn()
        if pause is not None:
            assert world.statuses() == {"a": "NotRun"}
            assert not world.running()
            world.clock.time += round(pause * 1000)
            world.turn()
    assert [time - started[0] for time in started] == [300_000 * index for index in range(runs)]
    assert world.statuses() == {"a": "Failure"}


@pytest.mark.parametrize("outcome", ["timed_out", "stopped"])
def test_neither_a_timeout_nor_a_stop_is_retried(world: World, outcome: str) -> None:
    world.define({"a": []}, a={"RerunTimes": 3})
    world.create()
    world.turn()
    world.end("a", None, outcome)
    assert world.statuses() == {"a": "Failure"}


def test_a_lost_run_repeats_at_once_and_the_third_in_a_row_fails(world: World) -> None:
    world.define({"a": []})
    world.create()
    world.turn()
    for _ in range(3):
        assert world.running() == {"a"}
        world.end("a", None, "lost")
    assert world.statuses() == {"a": "Failure"}
    assert world.history("a")[-1] == "runner lost"


def test_a_lost_run_is_final_where_reruns_are_denied(world: World) -> None:
    world.define({"a": []}, a={"RerunMode": "AllDenied"})
    world.create()
    world.turn()
    world.end("a", None, "lost")
    assert world.statuses() == {"a": "Failure"}


def test_a_result_of_an_older_run_changes_nothing(world: World) -> None:
    world.define({"a": []})
    world.create()
    world.turn()
    old = world.runner.live[world.instance("a")]
    world.end("a", None, "lost")
    world.runner.live[old.instance] = old
    world.end("a", 0)
    assert world.statuses() == {"a": "Running"}


def test_a_result_said_twice_counts_once(world: World) -> None:
    world.define({"a": [], "b": [], "c": ["a", "b"]})
    world.create()
    world.turn()
    world.runner.end(world.instance("a"))
    world.runner.results *= 2
    world.turn()
    assert world.statuses()["c"] == "NotRun"


def test_virtual_tasks_and_dry_runs_end_without_a_runner(world: World) -> None:
    world.define({"a": [], "b": ["a"], "c": ["b"]}, a={"Type": "VIRTUAL"}, b={"Type": "VIRTUAL"}, c={"Type": "VIRTUAL"})
    world.create()
    world.turn()
    assert set(world.statuses().values()) == {"Success"}
    assert not world.runner.runs
    assert world.workflow_statuses() == ["Success"]


def test_an_empty_workflow_succeeds(world: World) -> None:
    world.define({})
    world.create()
    world.turn()
    assert world.workflow_statuses() == ["Success"]


def test_a_future_business_date_waits_for_its_time(world: World) -> None:
    world.define({"a": []})
    world.create(bizdates=("2025-11-03",))
    pause = world.turn()
    assert pause is not None
    assert not world.runner.runs
    assert world.clock.time + pause * 1000 == 1_762_185_600_000, "2025-11-04 00:00 in Shanghai"
    world.clock.time += round(pause * 1000)
    world.turn()
    assert len(world.runner.runs) == 1


def test_serial_dates_start_one_after_the_other_and_stop_at_a_failure(world: World) -> None:
    world.define({"a": []})
    world.create(bizdates=("2025-10-30", "2025-10-31", "2025-11-01"), groups=(3,))
    world.turn()
    assert len(world.runner.live) == 1
    world.end("a", bizdate="2025-10-30")
    assert list(world.runner.live) == [world.instance("a", "2025-10-31")]
    world.end("a", 1, bizdate="2025-10-31")
    assert world.workflow_statuses() == ["Success", "Failure", "NotRun"]
    with world.database.write() as db:
        rerun(db, operate.Operator("op", world.clock.now()), [world.instance("a", "2025-10-31")])
    world.turn()
    world.end("a", bizdate="2025-10-31")
    assert list(world.runner.live) == [world.instance("a", "2025-11-01")]


def test_the_loop_outlives_a_runner_that_cannot_be_reached_and_a_turn_that_fails(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    world.define({"a": []})
    world.create()
    monkeypatch.setattr("tidemill.scheduler.loop._AFTER_ERROR", 0.0)
    troubles = [OSError("no runner"), OSError("no database")]
    turns: list[float | None] = []
    good = world.scheduler.turn

    def start() -> None:
        if len(troubles) == 2:
            raise troubles.pop()

    def turn() -> float | None:
        if troubles:
            raise troubles.pop()
        turns.append(good())
        if world.runner.live:
            world.runner.end(world.instance("a"))
        elif len(turns) > 1:
            world.scheduler.stop()
        return turns[-1]

    monkeypatch.setattr(world.runner, "start", start)
    monkeypatch.setattr(world.scheduler, "turn", turn)
    world.scheduler.run()
    assert world.statuses() == {"a": "Success"}
    assert caplog.text.count("the scheduler's turn failed") == 2


def test_what_another_boot_of_the_machine_ran_is_lost_and_the_rest_is_sent_again(world: World) -> None:
    world.define({"a": [], "b": []}, b={"RerunMode": "AllDenied"})
    world.create()
    world.turn()
    world.runner.runs.clear()
    world.another_scheduler()._take_over()
    assert len(world.runner.runs) == 2, "sent again under the same number"
    assert {number for _, number in world.runner.runs} == {1}
    after_power_loss = world.another_scheduler(boot="another boot")
    after_power_loss._take_over()
    after_power_loss.turn()
    assert world.statuses() == {"a": "Running", "b": "Failure"}
    assert (world.instance("a"), 2) in world.runner.runs


def test_a_turn_that_fails_after_its_commit_leaves_no_run_behind(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.define({"a": []})
    world.create()
    monkeypatch.setattr("tidemill.scheduler.loop._AFTER_ERROR", 0.0)
    hand_over = world.scheduler._hand_over
    calls: list[int] = []

    def failing(started: Sequence[Run], stops: Sequence[tuple[int, int]]) -> None:
        calls.append(len(started))
        if len(calls) == 2:  # the first is the taking over, the second the turn that started the run
            raise OSError("the connection died at the commit")
        hand_over(started, stops)
        if world.runner.live or len(calls) == 10:
            world.scheduler.stop()

    monkeypatch.setattr(world.scheduler, "_hand_over", failing)
    world.scheduler.run()
    assert calls[:2] == [0, 1]
    assert list(world.runner.runs) == [(world.instance("a"), 1)]
