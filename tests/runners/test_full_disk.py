"""A disk that becomes full under the runner: nothing is refused for it, and nothing that has ended is lost."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from tests.runners.conftest import Bench, finished

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import SmallDisk

import pytest


@pytest.fixture
def bench(small_disk: SmallDisk) -> Iterator[Bench]:
    """On a disk of its own."""
    bench = Bench(small_disk.path)
    yield bench
    finished(bench)


def test_runs_wait_in_their_order_while_the_disk_is_full(bench: Bench, small_disk: SmallDisk) -> None:
    runner = bench.runner()
    script = f"echo $TIDEMILL_RUN >>{small_disk.path.parent}/all #{'x' * 10_000}"
    small_disk.fill()
    runner.submit([bench.run(script, n) for n in range(1, 21)])
    bench.eventually(lambda: '"withdrawn"' in (bench.directory / "runner/journal").read_text())
    runner.stop(20, 1)
    assert [(result.instance, result.outcome) for result in bench.results(runner)] == [(20, "stopped")]
    assert not (small_disk.path.parent / "all").exists()
    small_disk.make_room()
    results = bench.results(runner, 19)
    assert {(result.outcome, result.exit_code) for result in results} == {("exited", 0)}
    assert sorted((small_disk.path.parent / "all").read_text().split()) == sorted(f"{n}.1" for n in range(1, 20))


def test_what_ends_on_a_full_disk_is_known_even_if_the_runner_dies(bench: Bench, small_disk: SmallDisk) -> None:
    runner = bench.runner()
    gate = small_disk.path.parent / "gate"
    os.mkfifo(gate)
    runner.submit([bench.run(f"read x <{gate}; exit {n}", n) for n in range(1, 9)])
    bench.eventually(lambda: len(bench.tasks()) == 8)
    runner.close(stop_runs=False, grace=0)
    small_disk.fill()
    writing = os.open(gate, os.O_RDWR)
    os.write(writing, b"\n" * 8)
    journal = bench.directory / "runner/journal"
    bench.eventually(lambda: journal.read_text().count('["ended"') == 8)
    os.close(writing)
    bench.kill(bench.runner_process())
    again = bench.runner()
    found = {result.instance: (result.outcome, result.exit_code) for result in bench.results(again, 8)}
    assert found == {n: ("exited", n) for n in range(1, 9)}
    small_disk.make_room()
    again.submit([bench.run("exit 3", 9)])
    assert bench.result(again).exit_code == 3


def test_what_a_task_filled_the_disk_with_is_removed_when_it_ends_though_others_wait(
    bench: Bench, small_disk: SmallDisk
) -> None:
    runner = bench.runner()
    gate = small_disk.path.parent / "gate"
    os.mkfifo(gate)
    runner.submit([bench.run(f"cat /dev/zero >big 2>/dev/null; read x <{gate}", 1)])
    bench.eventually(lambda: os.statvfs(small_disk.path).f_bavail == 0)
    runner.submit([bench.run("exit 2", 2)])
    bench.eventually(lambda: '"withdrawn"' in (bench.directory / "runner/journal").read_text())
    gate.write_text("\n")
    assert {result.instance: result.exit_code for result in bench.results(runner, 2)} == {1: 0, 2: 2}
