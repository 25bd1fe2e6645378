"""A runner with real processes in a directory of its own; whatever a test started is gone when it ends."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tidemill.runners.contract import Result, Run
from tidemill.runners.local.client import LocalRunner
from tidemill.runners.local.processes import all_processes, children_of, marked

PATIENCE = 20.0


def run(instance: int, script: str = "true", number: int = 1, **fields: object) -> Run:
    given: dict[str, object] = {"task_type": "DIDE_SHELL", "timeout": 0, **fields}
    return Run(instance, number, script=script, log=f"logs/20260101/{instance}/{number}.log", **given)  # type: ignore[arg-type]


class Station:
    """One data directory and the servers' sides that come and go."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.guards: list[subprocess.Popen[bytes] | None] = []
        data.mkdir(parents=True, exist_ok=True)
        self.runner = self.server()

    def server(self, **options: object) -> LocalRunner:
        self.runner = LocalRunner(self.data, **{"grace": 0.3, "idle": 5.0, **options})  # type: ignore[arg-type]
        self.runner.start()
        return self.runner

    def results(self, count: int, *, acknowledge: bool = True) -> list[Result]:
        """Wait for so many results."""
        found: dict[tuple[int, int], Result] = {}
        end = time.monotonic() + PATIENCE
        while len(found) < count:
            assert time.monotonic() < end, f"only {sorted(found)} of {count}"
            for result in self.runner.wait(1.0):
                found[result.instance, result.run_number] = result
        if acknowledge:
            self.runner.acknowledge(list(found.values()))
        return [found[key] for key in sorted(found)]

    def log(self, instance: int, number: int = 1) -> str:
        path = self.data / f"logs/20260101/{instance}/{number}.log"
        return path.read_text() if path.exists() else ""

    def until(self, condition: Callable[[], object]) -> None:
        end = time.monotonic() + PATIENCE
        while not condition():
            assert time.monotonic() < end
            time.sleep(0.005)

    @property
    def guard(self) -> int:
        return int((self.data / "runner/guard.lock").read_text())

    @property
    def runner_process(self) -> int:
        self.until(lambda: children_of(self.guard))
        return min(children_of(self.guard))

    def alive(self) -> list[int]:
        """Processes of tasks that still live."""
        return marked(str(self.data.resolve()), None, lambda: [*all_processes()])

    def vanish(self) -> None:
        """The server's side dies without a word."""
        self.runner._disconnect()
        self.guards.append(self.runner._guard)

    def end(self) -> None:
        self.runner.close(stop_runs=True, grace=0)
        for pid in [*self.alive(), self.guard]:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        assert not self.alive()
        for guard in filter(None, self.guards):
            guard.wait(PATIENCE)


@pytest.fixture
def station(tmp_path: Path) -> Iterator[Station]:
    opened = Station(tmp_path / "data")
    yield opened
    opened.end()
