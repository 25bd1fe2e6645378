"""A server over a virtual clock that is moved from one due moment to the next: what is planned, and what runs when."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select, update

from tests.api.conftest import Api
from tests.conftest import assert_promises_held
from tests.scheduler.conftest import FakeRunner
from tidemill.domain.moments import moment, wall_clock
from tidemill.scheduler.loop import Scheduler
from tidemill.scheduler.planner import PlanningRules
from tidemill.store.engine import Database, open_database
from tidemill.store.tables import event, instance_edge, resource_group, task_instance, workflow_instance

SHANGHAI = ZoneInfo("Asia/Shanghai")
t = task_instance.c


class Site:
    """Workflows of scheduled tasks; moments are written as wall clocks of `zone`, `2025-11-03 12:00`."""

    def __init__(
        self, database: Database, data: Path, start: str = "2025-11-03 12:00", zone: ZoneInfo = SHANGHAI, **rules: Any
    ) -> None:
        self.zone = zone
        self.database = database
        self.api = Api(database, data, time_zone=str(zone))
        self.clock = self.api.clock
        self.runner = FakeRunner(self.clock)  # type: ignore[arg-type]
        self.rules = PlanningRules(**rules)
        self.workflows: dict[str, int] = {}
        self.names: dict[int, str] = {}
        self.starts: dict[int, str] = {}
        self.slots(1000)
        self.restart()
        self.at(start)

    def slots(self, number: int) -> None:
        """How many runs there may be at once."""
        with self.database.write() as db:
            db.execute(update(resource_group).values(slots=number))

    def restart(self) -> None:
        """Another server over the same database, as after a crash."""
        self.scheduler = Scheduler(
            self.database, self.runner, self.clock, boot="boot", default_slots=16, planning=self.rules
        )
        self.scheduler._changed.set()

    # --- the clock ------------------------------------------------------------------------------------------------

    def moment(self, local: str) -> int:
        return moment(datetime.fromisoformat(local), self.zone)

    def local(self, time: int) -> str:
        return f"{wall_clock(time, self.zone):%Y-%m-%d %H:%M}"

    def at(self, local: str) -> None:
        """Set the clock without any turn of the scheduler."""
        self.clock.time = self.moment(local)

    def turn(self) -> float | None:
        self.scheduler._unsettled += self.runner.wait(0)
        return self.scheduler.turn()

    def run_until(self, local: str, *, minutes: int = 0, failing: Iterable[str] = ()) -> None:
        """Let time pass; each run takes so many minutes, and those of the tasks in `failing` fail."""
        end, failing = self.moment(local), set(failing)
        ends: dict[int, int] = {}
        while True:
            pause = self.turn()
            now = self.clock.time
            for id in self.runner.live.keys() - ends.keys():
                self.starts[id] = self.local(now)
                ends[id] = now + minutes * 60_000
            over = [id for id, time in ends.items() if time <= now]
            for id in over:
                del ends[id]
                self.runner.end(id, 1 if failing and self.name_of(id) in failing else 0)
            if over:
                continue
            times = [*ends.values(), *([] if pause is None else [now + round(pause * 1000)])]
            following = min(times, default=end)
            if following > end:
                self.clock.time = end
                return
            self.clock.time = following

    # --- definitions ----------------------------------------------------------------------------------------------

    def deploy(
        self, name: str, cron: str | None, *tasks: dict[str, Any], mode: str = "T+1", **fields: Any
    ) -> dict[str, Any]:
        """Create or update the workflow `name`; without tasks it has one of its own name."""
        trigger = {"Type": "Scheduler", "Cron": cron} if cron else {"Type": "Manual"}
        given = {
            "Name": name, "Owner": "1000", "Trigger": {**trigger, **fields.pop("Trigger", {})},
            "Tasks": list(tasks or [task(name)]), "InstanceMode": mode, **fields,
        }  # fmt: skip
        if name in self.workflows:
            answer = self.call("UpdateWorkflow", Id=self.workflows[name], **given)
        else:
            answer = self.call("CreateWorkflow", ProjectId=10_000, **given)
            self.workflows[name] = answer["Id"]
        env = fields.get("EnvType", "Prod")
        listed = self.call("GetWorkflow", Id=self.workflows[name], EnvType=env)["Workflow"]["Tasks"]
        self.names |= {item["Id"]: item["Name"] for item in listed} | {self.workflows[name]: f"{name}*"}
        return answer

    def call(self, action: str, **parameters: Any) -> dict[str, Any]:
        status, answer = self.api.call(action, **parameters)
        assert status == 200, answer
        return answer

    # --- instances ------------------------------------------------------------------------------------------------

    def rows(self, name: str, run_date: str | None = None) -> list[Any]:
        """Periodic instances of a task, or of a workflow as `name*`, in the order of their times."""
        ids = [id for id, known in self.names.items() if known == name]
        with self.database.read() as db:
            statement = select(task_instance).where(t.task_id.in_(ids), t.origin == 0)
            found = db.execute(statement.order_by(t.trigger_time)).all()
        return [row for row in found if run_date is None or self.local(row.trigger_time).startswith(run_date)]

    def times(self, name: str, run_date: str) -> list[str]:
        """`hh:mm`, with the instance's recurrence where that is not Normal."""
        return [
            self.local(row.trigger_time)[11:] + ("" if row.recurrence == "Normal" else f" {row.recurrence}")
            for row in self.rows(name, run_date)
        ]

    def name_of(self, id: int) -> str:
        with self.database.read() as db:
            return self.names[db.execute(select(t.task_id).where(t.id == id)).scalar_one()]

    def statuses(self, name: str, run_date: str) -> list[str]:
        return [row.status for row in self.rows(name, run_date)]

    def upstreams(self, name: str, run_date: str) -> dict[str, list[str]]:
        """The time of each instance: what it waits for, `<name> hh:mm`, with the date where that is another."""
        return {
            self.local(row.trigger_time)[11:]: self._upstreams(row.id, run_date) for row in self.rows(name, run_date)
        }

    def _upstreams(self, id: int, run_date: str) -> list[str]:
        e = instance_edge.c
        statement = (
            select(t.task_id, t.trigger_time)
            .join_from(instance_edge, task_instance, t.id == e.upstream_id)
            .where(e.downstream_id == id)
            .order_by(t.trigger_time, t.task_id)
        )
        with self.database.read() as db:
            found = [(self.names[row[0]], self.local(row[1])) for row in db.execute(statement)]
        return [f"{name} {time[11:] if time.startswith(run_date) else time}" for name, time in found]

    def causes(self, id: int) -> list[str]:
        with self.database.read() as db:
            return list(
                db.execute(select(event.c.cause).where(event.c.instance_id == id).order_by(event.c.id)).scalars()
            )

    def everything(self) -> tuple[list[Any], list[Any], list[Any]]:
        """All instances and edges."""
        with self.database.read() as db:
            return (
                [tuple(row) for row in db.execute(select(task_instance).order_by(t.id))],
                [tuple(row) for row in db.execute(select(workflow_instance).order_by(workflow_instance.c.id))],
                sorted(tuple(row) for row in db.execute(select(instance_edge))),
            )


def nothing_dangles(site: Site) -> None:
    """Every edge joins two instances, every workflow instance holds some, and every counter counts what there is."""
    instances, containers, edges = site.everything()
    ids = {row[0] for row in instances}
    assert {id for edge in edges for id in edge[:2]} <= ids
    by_id = {row[0]: dict(zip(t.keys(), row, strict=True)) for row in instances}
    assert {row["workflow_instance_id"] for row in by_id.values()} == {row[0] for row in containers}
    pending: dict[int, int] = {}
    for edge in edges:
        values = dict(zip(instance_edge.c.keys(), edge, strict=True))
        pending[values["downstream_id"]] = pending.get(values["downstream_id"], 0) + (not values["satisfied"])
        upstream = by_id[values["upstream_id"]]
        assert (
            not values["satisfied"] or upstream["status"] == "Success" or by_id[values["downstream_id"]]["run_number"]
        )
    for own in by_id.values():
        expected = pending.get(own["id"], 0) + own["waits_entry"] + own["held"] + own["isolated"]
        assert own["pending_upstreams"] == expected, own


def task(name: str, *upstreams: str, **fields: Any) -> dict[str, Any]:
    """A shell task with the output `x.<name>`, after the outputs of the tasks named; `-name` is a previous cycle."""
    return {
        "Name": name, "Type": "DIDE_SHELL", "Owner": "1000", "RerunMode": "AllAllowed",
        "Trigger": {"Recurrence": "Normal"}, "RuntimeResource": {"ResourceGroupId": "S_res_group_default"},
        "ClientUniqueCode": name, "Script": {"Content": "true"}, "Outputs": {"TaskOutputs": [{"Output": f"x.{name}"}]},
        "Dependencies": [{"Type": "Normal", "UpstreamOutput": f"x.{up}"} for up in upstreams],
        **fields,
    }  # fmt: skip


SELF = {"Type": "CrossCycleDependsOnSelf"}


@pytest.fixture
def site(database: Database, tmp_path: Path) -> Iterator[Site]:
    site = Site(database, tmp_path)
    yield site
    nothing_dangles(site)
    assert_promises_held(database)


@pytest.fixture
def fast_site(tmp_path: Path) -> Iterator[Site]:
    """On SQLite only, for long spans of time."""
    database = open_database(f"sqlite:///{tmp_path / 'test.db'}", synchronous="OFF")
    yield Site(database, tmp_path)
    database.close()
