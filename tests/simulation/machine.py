"""A machine with a runner that outlives the server on it, and the server's side of that runner."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Any

from tests.simulation.faults import Crash, Faults
from tidemill.runners.contract import Result, Run

Key = tuple[int, int]
_LENGTHS = (0, 1, 1_000, 20_000, 300_000, 3_000_000)  # ms; the hours of servers that share a database are short


@dataclass
class Live:
    run: Run
    began: int
    ends: float
    exit_code: int


class Machine:
    """What survives its server: the runs, the journal of results, and the boot that they belong to.

    `now` is the true time in ms; `spawned` is told of each start. `lease` is how long (ms) runs live unrenewed, 0 for
    ever. A run that the journal knows is not started again; one that was acknowledged is forgotten, as in life.
    """

    def __init__(
        self, name: str, random: Random, faults: Faults, now: Callable[[], int], spawned: Callable[[str, Run], None],
        lease: int = 0,
    ) -> None:  # fmt: skip
        self.name = name
        self.boot = "boot 1"
        self.live: dict[Key, Live] = {}
        self.journal: dict[Key, Result] = {}
        self.ended: list[tuple[str, Result]] = []
        self.renewed = now()
        self._random = random
        self._faults = faults
        self._now = now
        self._spawned = spawned
        self._lease = lease

    def submit(self, runs: Sequence[Run]) -> None:
        for run in runs:
            key = (run.instance, run.run_number)
            if key in self.live or key in self.journal:
                continue
            self._spawned(self.name, run)
            length = self._random.choice(_LENGTHS[:-1] if self._lease else _LENGTHS)
            code = 0 if self._random.random() < 0.9 else 1
            self.live[key] = Live(run, self._now(), self._now() + length, code)

    def stop(self, key: Key) -> None:
        if key in self.live:
            self._end(key, "stopped", None)
        elif key not in self.journal:
            self._note(Result(*key, "stopped", None, 0, self._now()))

    def acknowledge(self, keys: Sequence[Key]) -> None:
        for key in keys:
            self.journal.pop(key, None)

    def pass_time(self) -> None:
        """End what has ended by now, by itself or because nobody renewed the runner."""
        if self._lease and self._now() - self.renewed > self._lease:
            for key in list(self.live):
                self._end(key, "lost", None)
        for key, it in list(self.live.items()):
            if it.ends <= self._now():
                self._end(key, "exited", it.exit_code)

    def next_end(self) -> float:
        return min((it.ends for it in self.live.values()), default=math.inf)

    def lose_runner(self) -> None:
        """The guard ends what the runner had started, and notes that it is lost."""
        for key in list(self.live):
            self._end(key, "lost", None)

    def lose_power(self) -> None:
        """Nothing lives, and the end of the journal was not on the disk."""
        self.boot = f"boot {int(self.boot.split()[1]) + 1}"
        self.live.clear()
        self.journal.clear()

    def _end(self, key: Key, outcome: Any, exit_code: int | None) -> None:
        it = self.live.pop(key)
        self._note(Result(*key, outcome, exit_code, it.began, self._now()))

    def _note(self, result: Result) -> None:
        self.journal[result.instance, result.run_number] = result
        self.ended.append((self.name, result))


class Client:
    """The runner's contract, for one life of one server. Messages are lost with it, come late, or twice."""

    def __init__(self, machine: Machine, faults: Faults) -> None:
        self.name = machine.name
        self._machine = machine
        self._faults = faults
        self._told: set[Key] = set()

    def start(self) -> None:
        self._told.clear()  # a new connection: all that was never acknowledged comes again

    def submit(self, runs: Sequence[Run]) -> None:
        self._perhaps_crash("handing over")
        self._machine.submit(runs)
        if self._faults.strikes("runner lost", 0.3):
            self._machine.lose_runner()

    def stop(self, instance: int, run_number: int) -> None:
        self._perhaps_crash("stopping")
        self._machine.stop((instance, run_number))

    def alive(self) -> set[Key]:
        return set(self._machine.live)

    def acknowledge(self, results: Sequence[Result]) -> None:
        self._perhaps_crash("acknowledging")
        if self._faults.strikes("acknowledgement lost"):
            self._told.clear()
            return
        self._machine.acknowledge([(it.instance, it.run_number) for it in results])

    def wait(self, timeout: float | None) -> list[Result]:
        """What has ended; time does not pass here. Some of it later, some of it twice."""
        fresh = [it for key, it in self._machine.journal.items() if key not in self._told]
        if fresh and self._faults.strikes("results late"):
            fresh = fresh[: len(fresh) // 2]
        self._told |= {(it.instance, it.run_number) for it in fresh}
        if fresh and self._faults.strikes("result repeated"):
            fresh = [*fresh, replace(fresh[0])]
        self._perhaps_crash("hearing")
        return fresh

    def output(self, log: str) -> str:
        return ""

    def wake(self) -> None: ...

    def close(self, *, stop_runs: bool, grace: float) -> list[Result]:
        """In order: what still runs is ended as lost to the server's end."""
        from tidemill.runners.contract import SERVER_STOPPED

        for key in list(self._machine.live):
            self._machine._end(key, "lost", None)
        found = [
            replace(it, message=SERVER_STOPPED) if it.outcome == "lost" else it for it in self._machine.journal.values()
        ]
        self._machine.journal.clear()
        return found

    def _perhaps_crash(self, where: str) -> None:
        if self._faults.strikes(f"crash {where}"):
            raise Crash
