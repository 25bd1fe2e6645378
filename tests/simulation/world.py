"""A whole installation in one thread, over a virtual clock, with faults that a seed decides.

Everything that decides is real: the planner, the scheduler, the store, the actions. The clock, the runners and what
goes wrong are not. The same seed gives the same history.
"""

import hashlib
import logging
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from pydantic import SecretStr
from sqlalchemy import select

from tests.planning.conftest import SELF, task
from tests.simulation.faults import Crash, Faults, FaultyDatabase
from tests.simulation.machine import Client, Machine
from tidemill.actions.caller import Caller
from tidemill.actions.perform import Services, perform
from tidemill.domain.errors import SchedulerError
from tidemill.runners.contract import Run
from tidemill.runners.shared_logs import Logs
from tidemill.scheduler.loop import Scheduler
from tidemill.scheduler.membership import Membership
from tidemill.scheduler.planner import PlanningRules
from tidemill.settings import Settings
from tidemill.store.accounts import ensure_first_start
from tidemill.store.cluster import Place
from tidemill.store.engine import Database
from tidemill.store.tables import event, run, task_instance
from tidemill.store.verifying import verify

START = 1_762_142_400_000  # 2025-11-03 12:00 in Shanghai
HOUR = 3_600_000
MINUTE = 60_000
# Servers that share a database look around each second: their hours are shorter, and full of short cycles.
_SHARED_START = START + 11 * HOUR + 15 * MINUTE
_SHARED_CRONS = ("0 */10 0 * * ?", "0 */15 0-1 * * ?", "0 5 0-2/1 * * ?")
_CRONS = ("0 0 0-23/1 * * ?", "0 30 0-23/2 * * ?", "0 15 1 * * ?", "0 */30 * * * ?", "0 0 23 * * ?")
t = task_instance.c


class Server:
    """A server's place: its machine, and the life that it has now, if any. `skew` is how wrong its clock is, in ms."""

    def __init__(self, world: "World", name: str, *, shared: bool) -> None:
        self.world = world
        self.shared = shared
        lease = 10_000 if shared else 0
        self.machine = Machine(name, world.random, world.faults, lambda: world.time, world.spawned, lease)
        self.skew = 0
        self.down_until = 0
        self.stopped_until = 0
        self.cut_off_until = 0
        self.lives = 0
        self.scheduler: Scheduler | None = None
        self.membership: Membership | None = None

    def now(self) -> int:
        return self.world.time + self.skew

    def away(self) -> bool:
        return self.world.time < max(self.cut_off_until, self.world.away_until)

    def begin(self) -> None:
        """A process starts."""
        self.lives += 1
        world = self.world
        database = FaultyDatabase.over(
            world.database, world.faults, self.away, lambda: world.time < world.full_until, world.dawdle
        )
        database.id = f"{self.machine.name} {self.lives}"
        if self.shared:
            self.membership = Membership(
                database,
                Place(self.machine.name, self.machine.boot, "http://nowhere"),
                f"{self.machine.name} {self.lives}",
                time=lambda _: world.time,
                monotonic=lambda: world.time / 1000,
            )
        self.scheduler = Scheduler(
            database,
            Client(self.machine, world.faults),
            self,
            boot=self.machine.boot,
            default_slots=world.slots,
            planning=PlanningRules(),
            membership=self.membership,
        )
        self.scheduler._changed.set()
        self.last_failed = False

    def crash(self) -> None:
        self.scheduler = self.membership = None
        self.down_until = self.world.time + self.world.random.choice((0, 1_000, 5_000, 60_000))

    def step(self) -> None:
        """One round, if the process is there and not stopped; also what its renewing thread does."""
        if self.world.time < max(self.down_until, self.stopped_until):
            return
        if self.scheduler is None:
            self.begin()
        assert self.scheduler is not None
        if self.membership is not None and (
            self.world.time < self.world.away_until or self.world.time - self.membership.beaten * 1000 < 2_500
        ):
            self.machine.renewed = self.world.time
        try:
            self.last_failed = not self.scheduler.step()
        except Crash:
            self.crash()

    def due(self) -> float:
        """When its next round is due, in true time."""
        if self.scheduler is None or self.world.time < self.stopped_until:
            return max(self.down_until, self.stopped_until, self.world.time)
        pause = 1.0 if self.last_failed else self.scheduler.pause
        return float("inf") if pause is None else self.world.time + pause * 1000


@dataclass
class Report:
    """What a simulation was: virtual hours, runs that began, faults by name, and a digest of its whole history."""

    seed: int
    hours: float
    runs: int
    instances: int
    faults: dict[str, int]
    digest: str
    broken: list[str] = field(default_factory=list)


class World:
    def __init__(self, seed: int, database: Database, place: Path, *, servers: int = 1, rate: float = 0.01) -> None:
        self.seed = seed
        self.random = Random(seed)
        self.faults = Faults(Random(seed + 1), 0.0)
        self.rate = rate
        self.database = database
        self.shared = servers > 1
        self.start = self.time = _SHARED_START if self.shared else START
        self.away_until = self.full_until = 0
        self.slots = 8
        self.begun: dict[tuple[int, int], str] = {}
        self.broken: list[str] = []
        settings = Settings(
            data=place, access_key_id="k", access_key_secret=SecretStr("s"), secret_key=SecretStr("k"),
        )  # fmt: skip
        with database.write() as db:
            ensure_first_start(db, settings, self.time)
        self._services = Services(database, settings, self, logs=Logs(place, "nowhere"))
        self.servers = [Server(self, f"m{number}", shared=servers > 1) for number in range(servers)]
        self.workflows: dict[str, int] = {}

    def now(self) -> int:
        return self.time

    # --- what users do -------------------------------------------------------------------------------------------

    def call(self, action: str, **parameters: Any) -> Any:
        answer = perform(self._services, Caller("1000"), action, parameters, self.time)
        for server in self.servers:
            if server.scheduler is not None:
                server.scheduler._changed.set()
        return answer

    def deploy(self, name: str, mode: str = "T+1") -> None:
        """Make or change a workflow: tasks after each other, after those of others, after their own last cycle."""
        upstreams = [f"{other}{place}" for other in self.workflows if other < name for place in range(2)]
        tasks = []
        for place in range(self.random.randint(2, 4)):
            above = [f"{name}{place - 1}"] if place and self.random.random() < 0.7 else []
            above += [self.random.choice(upstreams)] if upstreams and self.random.random() < 0.5 else []
            made = task(f"{name}{place}", *dict.fromkeys(above))
            made["RerunTimes"], made["RerunInterval"] = self.random.choice((0, 2)), 120
            made["RerunMode"] = self.random.choice(("AllAllowed", "AllAllowed", "AllDenied"))
            made["Type"] = self.random.choice(("DIDE_SHELL", "DIDE_SHELL", "DIDE_SHELL", "VIRTUAL"))
            made["Dependencies"] += [SELF] if self.random.random() < 0.2 else []
            tasks.append(made)
        given = {
            "Name": name, "Owner": "1000", "Tasks": tasks, "InstanceMode": mode,
            "Trigger": {"Type": "Scheduler", "Cron": self.random.choice(_SHARED_CRONS if self.shared else _CRONS)},
        }  # fmt: skip
        try:
            if name in self.workflows:
                self.call("UpdateWorkflow", Id=self.workflows[name], **given)
            else:
                self.workflows[name] = self.call("CreateWorkflow", ProjectId=10_000, **given).id
        except SchedulerError:
            pass  # somebody depends on a task that would go: refused, and nothing has changed

    def interfere(self) -> None:
        """Something that a person does."""
        deed = self.random.choice(
            ["StopTaskInstances", "RerunTaskInstances", "SetSuccessTaskInstances", "SuspendTaskInstances",
             "ResumeTaskInstances", "deploy", "backfill"]
        )  # fmt: skip
        if deed == "deploy":
            self.deploy(self.random.choice(list(self.workflows)), self.random.choice(("T+1", "Immediately")))
        elif deed == "backfill":
            dates = [{"StartBizDate": "2025-10-20", "EndBizDate": self.random.choice(("2025-10-20", "2025-10-22"))}]
            self.call(
                "CreateWorkflowInstances", ProjectId=10_000, Name="b", Type="SupplementData",
                WorkflowId=self.random.choice(list(self.workflows.values())), Periods={"BizDates": dates},
            )  # fmt: skip
        else:
            with self.database.read() as db:
                ids = list(db.execute(select(t.id).where(t.kind == "Task").order_by(t.id.desc()).limit(60)).scalars())
            if ids:
                self.call(deed, Ids=self.random.sample(ids, min(3, len(ids))))

    # --- what goes wrong -----------------------------------------------------------------------------------------

    def spoil(self) -> None:
        """Faults that are not bound to a step: of machines, of disks, of clocks."""
        if self.shared and self.random.random() > 0.05:
            return
        server = self.random.choice(self.servers)
        if self.faults.strikes("server killed", 2):
            server.crash()
        if self.faults.strikes("server stopped", 2 if server.shared else 0):
            server.stopped_until = self.time + self.random.choice((2_000, 5_000, 40_000))
        if self.faults.strikes("runner lost", 2):
            server.machine.lose_runner()
        if self.faults.strikes("power lost", 0.5):
            server.machine.lose_power()
            server.crash()
        if self.faults.strikes("database away", 1):
            self.away_until = self.time + self.random.choice((1_000, 10_000, 90_000))
        if self.faults.strikes("server cut off", 1 if server.shared else 0):
            server.cut_off_until = self.time + self.random.choice((5_000, 60_000))
        if self.faults.strikes("disk full", 1):
            self.full_until = self.time + self.random.choice((1_000, 60_000))
        if self.faults.strikes("clock jumps", 1):
            server.skew = self.random.choice((0, 0, -30_000, 45_000, 90 * MINUTE))

    def dawdle(self) -> None:
        """A commit takes its time, and tasks end meanwhile."""
        self.time += self.random.choice((20, 400, 2_500))
        for server in self.servers:
            server.machine.pass_time()

    def spawned(self, machine: str, run: Run) -> None:
        """P3 as the machines see it: no run begins while another of the same instance lives."""
        key = (run.instance, run.run_number)
        for server in self.servers:
            for other in server.machine.live:
                if other[0] == run.instance:
                    self.broken.append(f"P3: run {key} began on {machine} while {other} lived on {server.machine.name}")
        self.begun[key] = machine

    # --- time ----------------------------------------------------------------------------------------------------

    def run_until(self, end: int) -> None:
        while self.time < end:
            self.spoil()
            for server in self.servers:
                server.machine.pass_time()
                server.step()
            soon = min([*(s.due() for s in self.servers), *(s.machine.next_end() for s in self.servers), end])
            self.time = int(min(max(soon, self.time + 1), end))

    def simulate(self) -> Report:
        """Some hours with faults, then without until all is done; what was found is in the report."""
        parts, length = (16, 5 * MINUTE) if self.shared else (30, HOUR // 2)
        logging.disable(logging.CRITICAL)
        try:
            for name in ("a", "b", "c", "d"):
                self.deploy(name)
            self.faults.rate = self.rate
            for _ in range(parts):
                self.run_until(self.time + length)
                if self.random.random() < 0.6:
                    self.interfere()
                self.run_until(self.time + length)
            self._heal()
            self._finish()
            return self._report()
        finally:
            logging.disable(logging.NOTSET)

    def _heal(self) -> None:
        self.faults.rate = 0.0
        self.away_until = self.full_until = 0
        for server in self.servers:
            server.down_until = server.stopped_until = server.cut_off_until = server.skew = 0

    def _finish(self) -> None:
        """No more cycles: what is there comes to its end, with the help of a person where one is needed."""
        with self.database.write() as db:
            db.exec_driver_sql("DELETE FROM dependency")
            db.exec_driver_sql("DELETE FROM workflow")
        for _ in range(60):
            self.run_until(self.time + (10 * MINUTE if self.shared else 2 * HOUR))
            with self.database.read() as db:
                unfinished = list(db.execute(select(t.id).where(t.finished_time.is_(None))).scalars())
                held = list(db.execute(select(t.id).where(t.kind == "Task", t.status != "Success")).scalars())
                isolated = set(db.execute(select(t.id).where(t.isolated == 1)).scalars())
            if not unfinished:
                return
            failed = [id for id in held if id not in set(unfinished) or id in isolated]
            frozen = [id for id in held if id in set(unfinished)]
            for start in range(0, len(frozen), 100):
                self.call("ResumeTaskInstances", Ids=frozen[start : start + 100])
            for start in range(0, len(failed), 100):
                self.call("SetSuccessTaskInstances", Ids=failed[start : start + 100])
        self.broken += [f"P6: instance {id} never came to its end" for id in unfinished[:20]]

    def _report(self) -> Report:
        broken = [*self.broken, *(f"{it.promise} {it.check}: {it.text}" for it in verify(self.database))]
        digest = hashlib.sha256()
        with self.database.read() as db:
            for row in db.execute(select(event).order_by(event.c.id)):
                digest.update(repr(tuple(row)).encode())
            rows = db.execute(
                select(run.c.instance_id, run.c.run_number, run.c.outcome).where(run.c.runner != "")
            ).all()
            known = {(row[0], row[1]) for row in rows}
            count = db.exec_driver_sql("SELECT count(*) FROM task_instance").scalar_one()
        broken += [f"P4: run {key} began, and nobody knows of it" for key in self.begun.keys() - known][:20]
        good = {
            (it.instance, it.run_number)
            for server in self.servers
            for _, it in server.machine.ended
            if it.outcome == "exited" and it.exit_code == 0
        }
        lies = [row for row in rows if row[2] == "exited" and (row[0], row[1]) not in good and self._succeeded(row)]
        broken += [f"P4: run {tuple(row[:2])} is Success, and never ended well" for row in lies[:20]]
        return Report(
            self.seed,
            (self.time - self.start) / HOUR,
            len(self.begun),
            count,
            self.faults.counts,
            digest.hexdigest(),
            broken,
        )

    def _succeeded(self, row: Any) -> bool:
        with self.database.read() as db:
            status = db.execute(
                select(run.c.status).where(run.c.instance_id == row[0], run.c.run_number == row[1])
            ).scalar_one()
        return status == "Success"
