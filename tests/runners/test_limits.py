"""What a run may use, and what happens to one that uses more. The bombs are real; a low limit makes them small."""

from __future__ import annotations

import os
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from tidemill.runners.local.precedence import Victims

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.runners.conftest import Bench


@contextmanager
def lines(pipe: str, count: int) -> Iterator[None]:
    """A line in the pipe for each of so many readers, whenever they come."""
    descriptor = os.open(pipe, os.O_RDWR)
    os.write(descriptor, b"\n" * count)
    yield
    os.close(descriptor)


BOMBS = {
    "subshells": ("DIDE_SHELL", ":(){ :|:& };:\nsleep 1000"),
    "sessions of their own": ("DIDE_SHELL", "while true; do setsid sleep 1000 & done"),
    "orphans in sessions of their own": (
        "PYTHON",
        "import os, time\nwhile True:\n    if os.fork() == 0:\n        os.setsid()\n"
        "        if os.fork() == 0: time.sleep(1000)\n        os._exit(0)\n    os.wait()",
    ),
    "threads": (
        "PYTHON",
        "import threading, time\nwhile True: threading.Thread(target=time.sleep, args=(1000,)).start()",
    ),
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_run_that_forks_without_end_is_ended_and_says_why(bench: Bench, bomb: str) -> None:
    task_type, script = BOMBS[bomb]
    runner = bench.runner(task_processes=200)
    os.mkfifo(bench.directory / "pipe")
    runner.submit([bench.run(f"read x <{bench.directory}/pipe; echo fine", 2)])
    runner.submit([bench.run(script, task_type=task_type)])
    result = bench.result(runner)
    assert (result.instance, result.outcome, result.exit_code) == (1, "limited", -9)
    assert result.message.endswith("processes and threads. The setting task_processes allows 200.")
    assert bench.log().endswith(f"{result.message}\n")
    assert len(bench.tasks()) == 1
    (bench.directory / "pipe").write_text("\n")
    assert bench.result(runner).outcome == "exited"
    assert bench.log(2) == "fine\n"


def test_strays_that_hide_whose_they_are_are_ended_when_they_are_too_many(bench: Bench) -> None:
    runner = bench.runner(task_processes=150)
    script = (
        "i=0; while [ $i -lt 200 ]; do (env -i setsid sleep 1000 &); i=$((i + 1)); done; "
        f"echo >{bench.directory}/made; read x <{bench.directory}/pipe"
    )
    os.mkfifo(bench.directory / "pipe")
    runner.submit([bench.run(script)])
    bench.eventually((bench.directory / "made").exists)
    (bench.directory / "pipe").write_text("\n")
    assert bench.result(runner).outcome == "exited"


def test_a_run_within_its_limits_is_left_alone(bench: Bench) -> None:
    runner = bench.runner(task_processes=300, task_memory=2**30)
    script = f"for i in $(seq 250); do read x <{bench.directory}/pipe & done; echo >{bench.directory}/made; wait"
    os.mkfifo(bench.directory / "pipe")
    runner.submit([bench.run(script)])
    bench.eventually((bench.directory / "made").exists)
    with lines(f"{bench.directory}/pipe", 250):
        result = bench.result(runner)
    assert (result.outcome, result.exit_code) == ("exited", 0)


def test_a_run_whose_processes_use_too_much_memory_together_is_ended(bench: Bench) -> None:
    runner = bench.runner(task_memory=200 * 2**20)
    script = (
        "import os, time\nfor _ in range(4):\n    if os.fork() == 0:\n"
        "        held = b'x' * (80 << 20)\n        time.sleep(1000)\ntime.sleep(1000)"
    )
    runner.submit([bench.run(script, task_type="PYTHON")])
    result = bench.result(runner)
    assert (result.outcome, result.exit_code) == ("limited", -9)
    assert result.message.endswith("MiB of memory. The setting task_memory allows 200 MiB (209715200 bytes).")
    assert not bench.tasks()


def test_memory_that_processes_share_counts_once(bench: Bench) -> None:
    runner = bench.runner(task_memory=200 * 2**20)
    script = (
        "import os, sys\nheld = b'x' * (120 << 20)\nfor _ in range(4):\n    if os.fork() == 0:\n"
        "        sum(held[::4096])\n        os.read(os.open(sys.argv[1], os.O_RDONLY), 1)\n        os._exit(0)\n"
        "open(sys.argv[2], 'w').close()\nfor _ in range(4): os.wait()"
    )
    pipe, made = f"{bench.directory}/pipe", bench.directory / "made"
    os.mkfifo(pipe)
    runner.submit([bench.run(script, task_type="PYTHON", arguments=(pipe, str(made)))])
    bench.eventually(made.exists)
    with lines(pipe, 4):
        result = bench.result(runner)
    assert (result.outcome, result.exit_code) == ("exited", 0)


def test_tasks_are_killed_first_when_memory_is_short_and_the_runner_is_not(bench: Bench) -> None:
    runner = bench.runner()
    runner.submit([bench.run("cat /proc/self/oom_score_adj; nice", 1)])
    bench.result(runner)
    assert bench.log().split() == ["500", "0"]
    with open(f"/proc/{bench.runner_process()}/oom_score_adj") as file:
        assert int(file.read()) < 500


def test_being_a_victim_ends_with_the_block() -> None:
    victims = Victims()
    with open("/proc/self/oom_score_adj") as file:
        before = file.read()
        with victims:
            file.seek(0)
            assert int(file.read()) == max(500, int(before))
        file.seek(0)
        assert file.read() == before


def test_a_log_that_grows_quickly_stays_near_its_cap_all_the_time(bench: Bench) -> None:
    cap, written = 16 * 2**20, 300_000_000
    runner = bench.runner(log_cap=cap)
    runner.submit([bench.run(f"echo first; yes xxxxxxxxxxxxxxx | head -c {written}; echo last")])
    path = bench.directory / "logs/20260101/1-1.log"
    most, until = 0, time.monotonic() + 60
    while not (results := runner.wait(0.002)):
        assert time.monotonic() < until
        most = max(most, path.stat().st_blocks * 512 if path.exists() else 0)
    runner.acknowledge(results)
    assert most < written // 2
    assert path.stat().st_blocks * 512 <= cap + 4096
    text = bench.log()
    assert text.startswith("first\nxxx")
    assert text.endswith("xxx\nlast\n")
    assert text.count(" bytes left out ...]") == 1
