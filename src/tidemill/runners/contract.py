"""What the scheduler asks of a runner, and what a runner answers.

A runner executes *runs*: one execution of an instance, named by (instance, run_number). Submitting is repeatable: a run
that the runner already knows is ignored, so a server that restarts simply submits every run that its database calls
Running. A result is delivered again after every reconnection until it has been acknowledged.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

Outcome = Literal[
    "exited",  # the program ended by itself: exit_code says how (negative: the signal that ended it)
    "stopped",  # an operator's stop ended it, or it was stopped before it began
    "timed_out",  # its timeout ended it
    "limited",  # it used more than a run may (`message`, and the log's last line, say what), and was killed
    "lost",  # its runner died and took it along
    "refused",  # it could not be started: `message` says why, and the log holds it too
]

PythonStart = Literal[
    "fresh",  # an interpreter of its own
    "forked",  # a fork of one that was started before, see runners/tasks/fork_server.py
]

SERVER_STOPPED = "server stopped"
"""The message of a `lost` result whose run was ended, or not begun, because the server shut down: not a failure."""


@dataclass(frozen=True, slots=True)
class Run:
    """One execution to start. `log` is relative to the data directory; `timeout` in seconds, 0 for none.

    `script` is the text after parameters were replaced; `arguments` are passed to it by position. `python` says how a
    script in Python starts, where it says so itself.
    """

    instance: int
    run_number: int
    task_type: str
    script: str
    log: str
    timeout: int
    arguments: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict[str, str])
    python: PythonStart | None = None


@dataclass(frozen=True, slots=True)
class Result:
    """How a run ended. Times are epoch milliseconds; `started` is 0 when nothing was started."""

    instance: int
    run_number: int
    outcome: Outcome
    exit_code: int | None
    started: int
    ended: int
    process_id: int = 0
    message: str = ""


class Runner(Protocol):
    """One thread (the scheduler's loop) calls all but `wake`, which any thread may call."""

    name: str

    def start(self) -> None:
        """Find the runner that an earlier server left, or start one; then results begin to arrive."""
        ...

    def submit(self, runs: Sequence[Run]) -> None:
        """Hand over runs that were committed as Running; those already known are ignored."""
        ...

    def stop(self, instance: int, run_number: int) -> None:
        """Ask for the end of a run: SIGTERM to its process group, SIGKILL 10 s later. Its result follows.

        A run that was never submitted is answered as `stopped` too; until that result is acknowledged, submitting the
        run does not start it.
        """
        ...

    def alive(self) -> set[tuple[int, int]]:
        """(instance, run number) of the runs known to be with the runner; one that began just now may be missing."""
        ...

    def acknowledge(self, results: Sequence[Result]) -> None:
        """Say that these results are committed and need not be delivered again."""
        ...

    def wait(self, timeout: float | None) -> list[Result]:
        """Sleep until results arrive, `wake` is called or `timeout` seconds pass (None: no limit)."""
        ...

    def output(self, log: str) -> str:
        """The last line that is not blank of an ended run's log, up to 2 MB of it and a little more; empty for none."""
        ...

    def wake(self) -> None:
        """End the current or next `wait`."""
        ...

    def close(self, *, stop_runs: bool, grace: float) -> list[Result]:
        """Leave: with `stop_runs`, wait `grace` seconds for runs to end, stop the others and end the runner.

        Returns the results that arrived meanwhile; those that were stopped are `lost` with the message SERVER_STOPPED.
        """
        ...
