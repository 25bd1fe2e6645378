"""Whoever dies, no finished task is forgotten, and none lives twice."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.runners.conftest import Bench

SERVER = """
import sys, time
from tidemill.runners.contract import Run
from tidemill.runners.local.client import LocalRunner
directory = sys.argv[1]
runner = LocalRunner(directory, stop_grace=0.3)
runner.start()
script = f"echo $$ >>{directory}/started; read x <{directory}/pipe; exit 7"
runner.submit([Run(n, 1, "DIDE_SHELL", script, f"logs/20260101/{n}-1.log", 0) for n in range(1, 6)])
while True:
    runner.wait(None)
"""
TWO_LIVES = (
    "(setsid sh -c 'echo $$ >{directory}/daemon; exec sleep 1000' &)\n"
    "echo $$ >{directory}/main; trap '' TERM; while :; do sleep 1000; done"
)


def test_a_new_server_gets_the_results_of_a_killed_one(bench: Bench) -> None:
    os.mkfifo(bench.directory / "pipe")
    server = os.posix_spawn(sys.executable, [sys.executable, "-c", SERVER, str(bench.directory)], dict(os.environ))
    started = bench.directory / "started"
    bench.eventually(lambda: started.exists() and len(started.read_text().split()) == 5)
    os.kill(server, 9)
    os.waitpid(server, 0)
    writing = os.open(bench.directory / "pipe", os.O_RDWR)
    os.write(writing, b"\n" * 5)
    runner = bench.runner()
    found = bench.results(runner, 5)
    os.close(writing)
    assert sorted((result.instance, result.outcome, result.exit_code) for result in found) == [
        (n, "exited", 7) for n in range(1, 6)
    ]
    assert len(started.read_text().split()) == 5


def test_results_come_again_until_they_are_acknowledged(bench: Bench) -> None:
    runner = bench.runner()
    runner.submit([bench.run("exit 1", 1), bench.run("exit 2", 2)])
    first: list[int] = []
    while len(first) < 2:
        first += [result.instance for result in runner.wait(20)]
    runner.close(stop_runs=False, grace=0)
    again = bench.runner()
    found = {result.instance: result for result in bench.results(again, 2)}
    assert {n: result.exit_code for n, result in found.items()} == {1: 1, 2: 2}
    again.close(stop_runs=False, grace=0)
    third = bench.runner()
    third.submit([bench.run("exit 3", 3)])
    assert bench.result(third).instance == 3


def test_a_killed_runner_takes_its_tasks_along_and_a_new_one_serves(bench: Bench) -> None:
    runner = bench.runner()
    runner.submit([bench.run(TWO_LIVES.format(directory=bench.directory)), bench.run("sleep 1000", 2)])
    main, daemon = bench.number_in("main"), bench.number_in("daemon")
    old = bench.runner_process()
    bench.kill(old)
    found = {result.instance: result for result in bench.results(runner, 2)}
    assert {result.outcome for result in found.values()} == {"lost"}
    assert not bench.alive(main)
    assert not bench.alive(daemon)
    runner.submit([bench.run("exit 9", 3)])
    assert bench.result(runner).exit_code == 9
    assert bench.runner_process() != old


def test_a_result_that_was_not_delivered_survives_the_runner(bench: Bench) -> None:
    runner = bench.runner()
    runner.submit([bench.run("exit 1", 1), bench.run("sleep 1000", 2)])
    assert runner.wait(20)[0].instance == 1  # not acknowledged
    bench.kill(bench.runner_process())
    found = {result.instance: result.outcome for result in bench.results(runner, 2)}
    assert found == {1: "exited", 2: "lost"}


def test_runs_sent_to_a_runner_that_dies_are_sent_again(bench: Bench) -> None:
    runner = bench.runner()
    old = bench.runner_process()
    os.kill(old, 19)  # it accepts nothing any more
    runner.submit([bench.run(f"echo x >>{bench.directory}/all; exit 8")])
    bench.kill(old)
    assert bench.result(runner).exit_code == 8
    assert (bench.directory / "all").read_text() == "x\n"


def test_a_run_submitted_while_its_result_is_on_the_way_is_not_run_again(bench: Bench) -> None:
    runner = bench.runner()
    once = bench.run(f"echo x >>{bench.directory}/all")
    runner.submit([once])
    bench.eventually(lambda: '"ended"' in (bench.directory / "runner/journal").read_text())
    runner.close(stop_runs=False, grace=0)
    again = bench.runner()  # as a restarted server does: all that its database calls Running, before it has looked
    again.submit([once])
    assert bench.result(again).exit_code == 0
    again.submit([bench.run("true", 2)])  # answered after the acknowledgement was heard
    bench.results(again)
    bench.kill(bench.runner_process())
    again.submit([bench.run("true", 3)])
    while bench.result(again).instance != 3:
        pass  # the acknowledgement of 2 may have been lost with the runner
    assert (bench.directory / "all").read_text() == "x\n"


def test_a_stop_sent_to_a_runner_that_dies_is_sent_again(bench: Bench) -> None:
    runner = bench.runner()
    old = bench.runner_process()
    os.kill(old, 19)
    runner.stop(1, 1)
    bench.kill(old)
    assert bench.result(runner).outcome == "stopped"


def test_guard_and_runner_killed_together_leave_no_second_life(bench: Bench) -> None:
    runner = bench.runner()
    runner.submit([bench.run(TWO_LIVES.format(directory=bench.directory))])
    main, daemon = bench.number_in("main"), bench.number_in("daemon")
    bench.eventually(lambda: '"started"' in (bench.directory / "runner/journal").read_text())
    child, guard = bench.runner_process(), bench.guard()
    os.kill(child, 19)
    os.kill(guard, 9)
    os.kill(child, 9)
    assert bench.alive(main)
    assert bench.result(runner).outcome == "lost"  # `wait` starts the next guard
    assert not bench.alive(main)
    assert not bench.alive(daemon)


def test_a_leftover_without_environment_is_known_by_its_session(bench: Bench) -> None:
    runner = bench.runner()
    runner.submit([bench.run(f"echo $$ >{bench.directory}/main; exec env -i /bin/sleep 1000")])
    main = bench.number_in("main")
    bench.eventually(lambda: '"started"' in (bench.directory / "runner/journal").read_text())
    child = bench.runner_process()
    os.kill(child, 19)
    os.kill(bench.guard(), 9)
    os.kill(child, 9)
    assert bench.result(runner).outcome == "lost"
    assert not bench.alive(main)


def test_a_killed_guard_ends_the_runner_and_its_tasks(bench: Bench) -> None:
    runner = bench.runner()
    runner.submit([bench.run(TWO_LIVES.format(directory=bench.directory))])
    main, daemon = bench.number_in("main"), bench.number_in("daemon")
    bench.kill(bench.guard())
    assert bench.result(runner).outcome == "lost"
    assert not bench.alive(main)
    assert not bench.alive(daemon)


def test_tasks_of_another_data_directory_are_left_alone(bench: Bench, tmp_path_factory: pytest.TempPathFactory) -> None:
    runner = bench.runner()
    runner.submit([bench.run(f"echo $$ >{bench.directory}/main; sleep 1000")])
    main = bench.number_in("main")
    other = type(bench)(tmp_path_factory.mktemp("other"))
    second = other.runner()
    bench.kill(other.runner_process())
    second.submit([bench.run("true")])
    other.result(second)
    second.close(stop_runs=True, grace=0)
    assert bench.alive(main)


def test_the_runner_leaves_when_idle_and_keeps_its_results(bench: Bench) -> None:
    runner = bench.runner(idle_exit=0.0)
    os.mkfifo(bench.directory / "pipe")
    runner.submit([bench.run(f"touch {bench.directory}/reads; read x <{bench.directory}/pipe; exit 2")])
    bench.eventually((bench.directory / "reads").exists)
    guard = bench.guard()
    runner.close(stop_runs=False, grace=0)
    assert bench.alive(guard)
    (bench.directory / "pipe").write_text("\n")
    bench.eventually(lambda: not bench.alive(guard))
    assert bench.result(bench.runner()).exit_code == 2


def test_two_servers_in_turn_use_one_runner(bench: Bench) -> None:
    first = bench.runner()
    guard, child = bench.guard(), bench.runner_process()
    first.close(stop_runs=False, grace=0)
    second = bench.runner()
    second.submit([bench.run("true")])
    bench.results(second)
    assert (bench.guard(), bench.runner_process()) == (guard, child)


def test_wake_ends_the_wait(bench: Bench) -> None:
    runner = bench.runner()
    runner.wake()
    assert runner.wait(None) == []


def test_guard_and_runner_import_only_a_little_of_the_standard_library() -> None:
    program = (
        "import sys; sys.path.insert(0, sys.argv[1]); from tidemill.runners.local import guard\nprint(*sys.modules)"
    )
    import subprocess
    from pathlib import Path

    import tidemill

    root = str(Path(tidemill.__file__).parent.parent)
    command = [sys.executable, "-S", "-E", "-s", "-c", program, root]
    modules = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    assert "tidemill.runners.local.forks" not in modules
    foreign = {name.split(".")[0] for name in modules} - set(sys.stdlib_module_names) - {"__main__"}
    assert foreign == {"tidemill"}
    assert not {"typing", "dataclasses", "subprocess", "pathlib", "asyncio", "threading", "inspect"} & set(modules)
    assert len(modules) < 110
