"""However a run ends, nothing of it stays alive."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest

from tidemill.runners.contract import SERVER_STOPPED

if TYPE_CHECKING:
    from tests.runners.conftest import Bench

# A daemon as programs make them: a session of its own, its parent gone.
DAEMON = "(setsid sh -c 'echo $$ >{directory}/daemon; exec sleep 1000' &)\n"
IGNORING = "trap '' TERM\necho $$ >{directory}/main\nwhile :; do sleep 1000; done\n"


@pytest.fixture
def pipe(bench: Bench) -> str:
    """A named pipe: a task that reads it waits for the test."""
    os.mkfifo(bench.directory / "pipe")
    return f"{bench.directory}/pipe"


def test_stop_ends_a_task_that_ignores_sigterm(bench: Bench) -> None:
    runner = bench.runner()
    runner.submit([bench.run(IGNORING.format(directory=bench.directory))])
    main = bench.number_in("main")
    runner.stop(1, 1)
    result = bench.result(runner)
    assert (result.outcome, result.exit_code, result.process_id) == ("stopped", -9, main)
    assert not bench.tasks()


def test_stop_lets_a_task_clean_up_and_counts_as_stopped(bench: Bench) -> None:
    runner = bench.runner(stop_grace=20)
    script = f"trap 'echo bye; exit 0' TERM\necho $$ >{bench.directory}/main\nwhile :; do sleep 1000 & wait; done"
    runner.submit([bench.run(script)])
    bench.number_in("main")
    runner.stop(1, 1)
    result = bench.result(runner)
    assert (result.outcome, result.exit_code) == ("stopped", 0)
    assert bench.log() == "bye\n"
    assert not bench.tasks()


def test_a_suspended_task_can_be_stopped(bench: Bench) -> None:
    runner = bench.runner(stop_grace=20)
    runner.submit([bench.run(f"echo $$ >{bench.directory}/main; kill -STOP $$")])
    bench.number_in("main")
    runner.stop(1, 1)
    assert bench.result(runner).outcome == "stopped"


def test_stop_before_submission_keeps_the_run_from_starting(bench: Bench) -> None:
    runner = bench.runner()
    runner.stop(1, 1)
    runner.submit([bench.run(f"touch {bench.directory}/started"), bench.run("true", 2)])
    found = {result.instance: result for result in bench.results(runner, 2)}
    assert (found[1].outcome, found[1].started, found[1].exit_code) == ("stopped", 0, None)
    assert found[2].exit_code == 0
    assert not (bench.directory / "started").exists()


def test_stop_of_a_run_that_has_ended_changes_nothing(bench: Bench) -> None:
    runner = bench.runner()
    runner.submit([bench.run("exit 3")])
    (ended,) = runner.wait(20)
    runner.stop(1, 1)
    runner.submit([bench.run("true", 2)])
    assert [result.instance for result in bench.results(runner)] == [2]
    assert ended.outcome == "exited"


@pytest.mark.parametrize("ending", ["the end of its run", "stop", "timeout"])
def test_daemons_end_with_their_run(bench: Bench, pipe: str, ending: str) -> None:
    runner = bench.runner()
    script = DAEMON.format(directory=bench.directory) + (f"read x <{pipe}" if ending != "timeout" else "sleep 1000")
    runner.submit([bench.run(script, timeout=1 if ending == "timeout" else 0)])
    daemon = bench.number_in("daemon")
    if ending == "stop":
        runner.stop(1, 1)
    elif ending == "the end of its run":
        (bench.directory / "pipe").write_text("\n")
    outcome = {"stop": "stopped", "timeout": "timed_out"}.get(ending, "exited")
    assert bench.result(runner).outcome == outcome
    assert not bench.alive(daemon)


def test_a_daemon_outlives_the_end_of_another_run(bench: Bench, pipe: str) -> None:
    runner = bench.runner()
    runner.submit([bench.run(DAEMON.format(directory=bench.directory) + f"read x <{pipe}")])
    daemon = bench.number_in("daemon")
    runner.submit([bench.run("true", 2)])
    assert bench.result(runner).instance == 2
    assert bench.alive(daemon)
    (bench.directory / "pipe").write_text("\n")
    assert bench.result(runner).instance == 1
    assert not bench.alive(daemon)


def test_a_tree_of_daemons_is_ended_to_its_leaves(bench: Bench) -> None:
    runner = bench.runner()
    tree = "for i in 1 2 3; do (setsid sh -c 'setsid sleep 1000 & setsid sh -c \"sleep 1000 & wait\" & wait' &); done"
    runner.submit([bench.run(tree, n) for n in range(1, 6)])
    assert len(bench.results(runner, 5)) == 5
    assert not bench.tasks()


def test_a_process_that_hides_its_environment_delays_other_runs_only_once(bench: Bench) -> None:
    runner = bench.runner()
    runner.submit([bench.run(f"env -i setsid /bin/sh -c 'echo $$ >{bench.directory}/daemon; exec sleep 1000' &")])
    assert bench.result(runner).exit_code == 0
    runner.submit([bench.run("true", n) for n in range(2, 12)])
    assert {result.exit_code for result in bench.results(runner, 10)} == {0}
    guard = bench.guard()
    runner.close(stop_runs=True, grace=0)
    assert not bench.alive(guard)
    hidden = bench.directory / "daemon"
    assert not (hidden.exists() and bench.alive(bench.number_in("daemon")))  # the guard ends all that it inherited


def test_a_background_child_does_not_hold_the_result(bench: Bench) -> None:
    runner = bench.runner()
    runner.submit([bench.run(f"sleep 1000 & echo $! >{bench.directory}/child")])
    result = bench.result(runner)
    assert (result.outcome, result.exit_code) == ("exited", 0)
    assert not bench.alive(bench.number_in("child"))


def test_a_timeout_ends_a_task_that_ignores_sigterm(bench: Bench) -> None:
    runner = bench.runner()
    runner.submit([bench.run(IGNORING.format(directory=bench.directory), timeout=1)])
    assert bench.result(runner).outcome == "timed_out"
    assert not bench.tasks()


def test_closing_waits_for_runs_then_ends_them_as_lost(bench: Bench, pipe: str) -> None:
    runner = bench.runner()
    ends = bench.run(f"touch {bench.directory}/reads; read x <{pipe}; exit 6", 1)
    runner.submit([ends, bench.run(IGNORING.format(directory=bench.directory), 2)])
    guard = bench.guard()
    bench.number_in("main")
    bench.eventually((bench.directory / "reads").exists)
    writing = os.open(pipe, os.O_RDWR)  # the line is read whenever the task comes to it
    os.write(writing, b"\n")
    found = {result.instance: result for result in runner.close(stop_runs=True, grace=1)}
    os.close(writing)
    assert (found[1].outcome, found[1].exit_code) == ("exited", 6)
    assert (found[2].outcome, found[2].message) == ("lost", SERVER_STOPPED)
    assert not bench.alive(guard)
    again = bench.runner()
    assert {result.instance for result in bench.results(again, 2)} == {1, 2}


def test_closing_ends_a_guard_that_was_just_started(bench: Bench) -> None:
    runner = bench.runner()
    bench.kill(bench.guard())
    while bench.alive(bench.guard()) or runner.wait(0.001):  # until the client has seen it, and has started another
        pass
    runner.close(stop_runs=True, grace=0)
    bench.eventually(lambda: not bench.guards())


def test_a_removed_data_directory_ends_guard_and_runner(bench: Bench) -> None:
    runner = bench.runner(idle_exit=0.0)
    guard, child = bench.guard(), bench.runner_process()
    shutil.rmtree(bench.directory)
    bench.kill(child)
    bench.eventually(lambda: not bench.alive(guard))
    runner.close(stop_runs=False, grace=0)


def test_closing_does_not_wait_when_nothing_runs(bench: Bench) -> None:
    runner = bench.runner()
    guard = bench.guard()
    assert runner.close(stop_runs=True, grace=1000) == []
    assert not bench.alive(guard)
