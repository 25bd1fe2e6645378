"""Real runners on real processes; whatever a test starts is ended by its process id, and nothing may be left."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tidemill.runners.contract import Result, Run
from tidemill.runners.local import layout, processes
from tidemill.runners.local.client import LocalRunner
from tidemill.runners.local.forks import SERVER_MARK

DEADLINE = 30.0  # seconds; only a broken runner needs as long


def command_line(pid: int) -> bytes:
    """Empty if it has ended."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


class Bench:
    """A data directory, and runners on it."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.open: list[LocalRunner] = []

    def runner(self, **settings: Any) -> LocalRunner:
        """A started runner's client; the earlier ones should be closed or dead."""
        runner = LocalRunner(self.directory, **({"stop_grace": 0.3} | settings))
        self.open.append(runner)
        runner.start()
        return runner

    def run(self, script: str, instance: int = 1, run_number: int = 1, **fields: Any) -> Run:
        defaults = {"task_type": "DIDE_SHELL", "timeout": 0, "log": f"logs/20260101/{instance}-{run_number}.log"}
        return Run(instance=instance, run_number=run_number, script=script, **(defaults | fields))

    def log(self, instance: int = 1, run_number: int = 1) -> str:
        return (self.directory / f"logs/20260101/{instance}-{run_number}.log").read_text()

    def number_in(self, name: str) -> int:
        """The process id that a task wrote into a file of the data directory, once it is there."""
        file = self.directory / name
        return int(self.eventually(lambda: file.exists() and file.read_text().endswith("\n") and file.read_text()))

    def guard(self) -> int:
        return int((self.directory / layout.LOCK).read_text())

    def runner_process(self) -> int:
        """The guard's child that is not a task's stray."""
        mark = processes.variable(processes.DATA_VARIABLE, str(self.directory))
        children = processes.children(self.guard())
        return next(child for child in children if mark not in processes.environment(child))

    def guards(self) -> list[int]:
        """All guards and runners of this directory."""
        numbers = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
        mine = f"\0{self.directory}\0".encode()
        return [pid for pid in numbers if b"guard.main()" in (line := command_line(pid)) and mine in line]

    def tasks(self) -> list[int]:
        """All living processes that carry this directory's mark, but for the fork server."""
        server = processes.variable(processes.RUN_VARIABLE, SERVER_MARK)
        return [pid for pid, environment in self._marked() if server not in environment]

    def fork_server(self) -> int:
        """The one that runs; 0 for none."""
        server = processes.variable(processes.RUN_VARIABLE, SERVER_MARK)
        found = [pid for pid, environment in self._marked() if server in environment]
        return next((pid for pid in found if (its := processes.status(pid)) and its.session == pid), 0)

    def _marked(self) -> list[tuple[int, bytes]]:
        mark = processes.variable(processes.DATA_VARIABLE, str(self.directory))
        numbers = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
        return [(pid, found) for pid in numbers if mark in (found := processes.environment(pid))]

    def results(self, runner: LocalRunner, count: int = 1) -> list[Result]:
        """The next so many results, which are then acknowledged."""
        found: list[Result] = []
        until = time.monotonic() + DEADLINE
        while len(found) < count:
            assert time.monotonic() < until, f"only {found}"
            found += runner.wait(until - time.monotonic())
        runner.acknowledge(found)
        return found

    def result(self, runner: LocalRunner) -> Result:
        (found,) = self.results(runner)
        return found

    def alive(self, pid: int) -> bool:
        its = processes.status(pid)
        return its is not None and not its.dead

    def kill(self, *pids: int) -> None:
        """SIGKILL, and wait until they are dead."""
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        self.eventually(lambda: not any(self.alive(pid) for pid in pids))

    def eventually(self, condition: Callable[[], Any]) -> Any:
        """The first true value of `condition`."""
        until = time.monotonic() + DEADLINE
        while not (value := condition()):
            assert time.monotonic() < until, "it did not happen"
            time.sleep(0.005)
        return value


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path)
    yield bench
    finished(bench)


def finished(bench: Bench) -> None:
    """End what a test started, and see that nothing is left."""
    for runner in bench.open:
        runner.close(stop_runs=True, grace=0)
    bench.eventually(lambda: not bench.guards())
    assert not bench.tasks()
    assert not bench.fork_server()
