"""Real processes, killed at random while thousands of shell tasks run; then files and history are held together.

Each task writes a line when it begins and one when it ends, with the run that it is. From these files, which no server
wrote, and from the history in the database follows what became of each run.
"""

import os
import signal
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from sqlalchemy import select

from tests.whole.conftest import Server, task
from tidemill.store.engine import Database, open_database
from tidemill.store.tables import event, run, task_instance
from tidemill.store.verifying import verify

t = task_instance.c
r = run.c
_WIDTH = 8  # chains of this many tasks each, side by side
_LENGTH = 5
_BUSY = 200  # unfinished instances that there shall be


@dataclass
class Report:
    """What a campaign did, and what it found broken."""

    seed: int
    seconds: float = 0.0
    instances: int = 0
    runs: int = 0
    lost: int = 0
    faults: Counter[str] = field(default_factory=Counter[str])
    broken: list[str] = field(default_factory=list[str])

    def __str__(self) -> str:
        faults = ", ".join(f"{count} × {name}" for name, count in sorted(self.faults.items()))
        return (
            f"seed {self.seed}: {self.seconds:.0f} s, {self.instances:,} instances, {self.runs:,} runs, {self.lost:,} "
            f"lost and repeated; {sum(self.faults.values())} faults ({faults}); {len(self.broken)} broken promises"
        )


class Campaign:
    """`url` is the database to look into; `crash_database`, where there is one, kills it as by kill -9."""

    def __init__(self, place: Path, seed: int, url: str = "", crash_database: Callable[[], None] | None = None) -> None:
        self.random = Random(seed)
        self.report = Report(seed)
        self.marks = place / "marks"
        self.marks.mkdir(parents=True)
        self._crash_database = crash_database
        options = ("--database", url) if url else ()
        environment = {"TIDEMILL_SECRET_KEY": "k", "TIDEMILL_STOP_GRACE": "0.5", "TIDEMILL_LEASE": "6"}
        self.server = Server(place / "data", *options, **environment)
        self.database = open_database(url or f"sqlite:///{place / 'data' / 'tidemill.db'}")
        self.workflow = self.server.create(*self._tasks())["Id"]

    def _tasks(self) -> list[dict[str, Any]]:
        tasks = []
        for lane in range(_WIDTH):
            for place in range(_LENGTH):
                name = f"t{lane}_{place}"
                above = [f"t{lane}_{place - 1}"] if place else []
                pause = self.random.choice((0, 0, 0.01, 0.1, 0.5))
                mark = f'{self.marks}/"${{TIDEMILL_RUN%.*}}"'
                script = f'echo "$TIDEMILL_RUN b" >> {mark}; sleep {pause}; echo "$TIDEMILL_RUN e" >> {mark}'
                mode = "AllDenied" if lane == 0 else "AllAllowed"
                tasks.append(task(name, script, *above, RerunMode=mode))
        return tasks

    # --- what happens --------------------------------------------------------------------------------------------

    def run(self, seconds: float) -> Report:
        begin = time.monotonic()
        while time.monotonic() - begin < seconds:
            self._keep_busy()
            self._spoil()
            time.sleep(self.random.choice((0.05, 0.3, 0.8)))
        self._settle()
        self.report.seconds = time.monotonic() - begin
        self._check()
        self.server.end()
        self.database.close()
        return self.report

    def _keep_busy(self) -> None:
        with suppress(Exception):  # the server, or its database, is away: the next turn asks again
            with self.database.read() as db:
                unfinished = len(db.execute(select(t.id).where(t.finished_time.is_(None))).all())
            if unfinished < _BUSY:
                self.server.call(
                    "CreateWorkflowInstances", ProjectId=10_000, WorkflowId=self.workflow, Name="c",
                    Type="ManualWorkflow",
                )  # fmt: skip

    def _spoil(self) -> None:
        faults = [self._kill_server, self._kill_runner, self._kill_both, self._kill_task, self._kill_task, self._stop]
        faults += [self._crash_db, self._crash_db] if self._crash_database else []
        fault = self.random.choice(faults)
        with suppress(ProcessLookupError, FileNotFoundError, ValueError, AssertionError):
            fault()
            self.report.faults[fault.__name__.strip("_").replace("_", " ")] += 1

    def _kill_server(self) -> None:
        self.server.kill()
        time.sleep(self.random.choice((0, 0, 0.5)))
        self._start()

    def _start(self) -> None:
        """Start the server; while its database recovers it cannot."""
        for _ in range(100):
            with suppress(AssertionError):
                return self.server.start()
            time.sleep(0.2)
        raise RuntimeError("the server does not start")

    def _kill_runner(self) -> None:
        os.kill(self.server.runner(), signal.SIGKILL)

    def _kill_both(self) -> None:
        guard, runner = self.server.guard(), self.server.runner()
        self.server.kill()
        os.kill(guard, signal.SIGKILL)
        os.kill(runner, signal.SIGKILL)
        self._start()

    def _kill_task(self) -> None:
        os.kill(self.random.choice(self.server.task_processes() or [2**22 + 1]), signal.SIGKILL)

    def _stop(self) -> None:
        assert self.server.process is not None
        self.server.process.send_signal(signal.SIGSTOP)
        time.sleep(0.5)
        self.server.process.send_signal(signal.SIGCONT)

    def _crash_db(self) -> None:
        assert self._crash_database is not None
        self._crash_database()

    def _settle(self) -> None:
        """No more faults: what may run again is run again, the rest is set successful, until all is done."""
        if self.server.process is None:
            self._start()
        deadline = time.monotonic() + 120
        rows: Sequence[Any] = ["the database has not answered"]
        while time.monotonic() < deadline:
            answered = False
            with suppress(Exception), self.database.read() as db:
                rows = db.execute(
                    select(t.id, t.status, t.rerun_mode).where(t.kind == "Task", t.status != "Success")
                ).all()
                if not rows:
                    return
                answered = True
            if not answered:
                time.sleep(0.2)
                continue
            failed = [row for row in rows if row.status == "Failure"][:400]
            for action, ids in (
                ("SetSuccessTaskInstances", [row.id for row in failed if row.rerun_mode == "AllDenied"]),
                ("RerunTaskInstances", [row.id for row in failed if row.rerun_mode != "AllDenied"]),
            ):
                if ids:
                    with suppress(Exception):
                        self.server.call(action, Ids=ids)
            time.sleep(0.2)
        self.report.broken.append(f"P6: {len(rows)} instances never came to their end, the first {rows[0]}")

    # --- what it came to -----------------------------------------------------------------------------------------

    def _check(self) -> None:
        broken = self.report.broken
        broken += [f"{it.promise} {it.check}: {it.text}" for it in verify(self.database)]
        lines = {int(path.name): path.read_text().splitlines() for path in self.marks.iterdir()}
        with self.database.read() as db:
            instances = db.execute(select(t.id, t.rerun_mode, t.run_number).where(t.kind == "Task")).all()
            ended = db.execute(select(r.instance_id, r.run_number, r.status, r.outcome)).all()
            asked = set(db.execute(select(event.c.instance_id).where(event.c.cause == "set successful")).scalars())
        known = {(row[0], row[1]) for row in ended}
        good: defaultdict[int, list[int]] = defaultdict(list)
        for row in ended:
            if row.status == "Success":
                good[row.instance_id].append(row.run_number)
        for row in instances:
            self._check_one(row, lines.get(row.id, []), good[row.id], row.id in asked, known)
        self.report.instances, self.report.runs = len(instances), len(ended)
        self.report.lost = sum(row.outcome == "lost" for row in ended)

    def _check_one(
        self, row: Any, lines: list[str], good: list[int], was_set: bool, known: set[tuple[int, int]]
    ) -> None:
        broken = self.report.broken
        said = [(int(line.split(".")[1].split()[0]), line[-1]) for line in lines]
        begun = [number for number, what in said if what == "b"]
        for number, count in Counter(begun).items():
            if count > 1:
                broken.append(f"P3: run {number} of {row.id} began {count} times")
            if (row.id, number) not in known:
                broken.append(f"P4: run {number} of {row.id} began, and nobody knows of it")
        if begun != sorted(begun):
            broken.append(f"P3: {row.id} went back to an older run: {said}")
        for place, (number, what) in enumerate(said):
            if what == "e" and any(other > number for other, _ in said[:place]):
                broken.append(f"P3: run {number} of {row.id} lived while a later one did: {said}")
        if row.rerun_mode == "AllDenied" and len(begun) > 1:
            broken.append(f"P4: {row.id} may run once, and began {begun}")
        if not good and not was_set:
            broken.append(f"P4: {row.id} has no run that succeeded")
        for number in good:
            if (number, "b") not in said or (number, "e") not in said:
                broken.append(f"P4: run {number} of {row.id} is Success, but wrote {said}")


def crash_postgresql(database: Database) -> None:
    """Kill a process that serves the database: PostgreSQL ends all others and recovers as after a crash."""
    victim = None
    with suppress(Exception), database.read() as db:
        pids = db.exec_driver_sql(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        ).scalars()
        victim = next(iter(pids), None)
    if victim is not None:
        os.kill(victim, signal.SIGKILL)
