"""A runner that executes nothing: time jumps to whatever comes next, and each run ends when it is said to."""

import heapq
from collections.abc import Callable, Mapping, Sequence

from tidemill.clock import VirtualClock
from tidemill.runners.contract import Result, Run

Ending = tuple[int, int]
"""How long a run takes, in milliseconds, and its exit code."""


class SimulatedRunner:
    """Implements the runner's contract over a clock that it moves itself.

    `endings` says of submitted runs, by instance, how each ends. When nothing is left to happen, or nothing before
    `horizon` (epoch ms), `finished` is called once and time stands still.
    """

    name = "simulated"

    def __init__(
        self,
        clock: VirtualClock,
        endings: Callable[[Sequence[Run]], Mapping[int, Ending]],
        horizon: int,
        finished: Callable[[], None],
    ) -> None:
        self._clock = clock
        self._endings = endings
        self._horizon = horizon
        self._finished = finished
        self._running: list[tuple[int, int, Result]] = []

    def start(self) -> None: ...

    def submit(self, runs: Sequence[Run]) -> None:
        now = self._clock.now()
        endings = self._endings(runs)
        for run in runs:
            length, exit_code = endings[run.instance]
            end = now + length
            heapq.heappush(
                self._running, (end, run.instance, Result(run.instance, run.run_number, "exited", exit_code, now, end))
            )

    def stop(self, instance: int, run_number: int) -> None:
        raise NotImplementedError("nobody operates on a simulation")

    def alive(self) -> set[tuple[int, int]]:
        return {(result.instance, result.run_number) for _, _, result in self._running}

    def acknowledge(self, results: Sequence[Result]) -> None: ...

    def output(self, log: str) -> str:
        return ""

    def wait(self, timeout: float | None) -> list[Result]:
        """Move the clock to the next end of a run, or by `timeout`, whichever is sooner."""
        moments = [item[0] for item in self._running[:1]]
        if timeout is not None:
            moments.append(self._clock.now() + round(timeout * 1000))
        following = min(moments, default=self._horizon + 1)
        if following > self._horizon:
            self._finished()
            return []
        self._clock.time = following
        ended: list[Result] = []
        while self._running and self._running[0][0] <= following:
            ended.append(heapq.heappop(self._running)[2])
        return ended

    def wake(self) -> None: ...

    def close(self, *, stop_runs: bool, grace: float) -> list[Result]:
        return []
