"""Several schedulers on one database, over a virtual clock: one leads, another follows it, none interferes."""

import logging
from collections.abc import Sequence
from contextlib import suppress

import pytest
from sqlalchemy import select

from tests.conftest import assert_promises_held
from tests.scheduler.conftest import FakeRunner, World
from tidemill.scheduler.loop import Scheduler
from tidemill.scheduler.membership import Membership, NotLeading
from tidemill.store.cluster import Place
from tidemill.store.engine import Database
from tidemill.store.tables import run, task_instance

t = task_instance.c


class Server:
    """One of several: its own runner and scheduler over the database and the clock of a world."""

    def __init__(self, world: World, name: str) -> None:
        self.world = world
        self.runner = FakeRunner(world.clock, name)
        self.membership = Membership(
            world.database,
            Place(name, "boot", f"http://{name}"),
            f"{name} 1",
            time=lambda db: world.clock.time,
            monotonic=lambda: world.clock.time / 1000,
        )
        self.scheduler = Scheduler(
            world.database, self.runner, world.clock, boot="boot", default_slots=world.slots,
            membership=self.membership,
        )  # fmt: skip

    @property
    def leads(self) -> bool:
        return self.membership.leads

    def turn(self) -> None:
        self.scheduler._unsettled += self.runner.wait(0)
        with suppress(NotLeading):
            self.scheduler.turn()

    def names(self) -> set[str]:
        names = {self.world.instance(name): name for name in self.world.tasks}
        return {names[id] for id in self.runner.live}

    def end_all(self, exit_code: int = 0) -> None:
        for id in list(self.runner.live):
            self.runner.end(id, exit_code)
        self.turn()


class Servers:
    def __init__(self, world: World, *names: str) -> None:
        self.world = world
        self.all = {name: Server(world, name) for name in names}

    def __getitem__(self, name: str) -> Server:
        return self.all[name]

    def pass_time(self, seconds: float, names: Sequence[str] | None = None) -> None:
        """Let time pass; only the named servers turn, each second."""
        for _ in range(round(seconds)):
            self.world.clock.time += 1_000
            for name in names or list(self.all):
                self.all[name].turn()

    def leaders(self) -> list[str]:
        return [name for name, server in self.all.items() if server.leads]

    def runners(self) -> dict[str, str]:
        """Task: the runner of its latest run."""
        with self.world.database.read() as db:
            rows = db.execute(
                select(t.task_id, run.c.runner)
                .join_from(task_instance, run, (run.c.instance_id == t.id) & (run.c.run_number == t.run_number))
                .order_by(t.id)
            ).all()
        names = {id: name for name, id in self.world.tasks.items()}
        return {names[row[0]]: row[1] for row in rows}


@pytest.fixture
def servers(world: World) -> Servers:
    made = Servers(world, "one", "two")
    made["one"].turn()
    made["two"].turn()
    assert made.leaders() == ["one"]
    return made


def fan(count: int) -> dict[str, list[str]]:
    return {f"t{number}": [] for number in range(count)}


def test_the_first_leads_and_stays_leader(servers: Servers) -> None:
    servers.pass_time(60)
    assert servers.leaders() == ["one"]
    assert servers["one"].membership.epoch == 1


def test_runs_are_spread_over_all_runners(servers: Servers, world: World) -> None:
    world.define(fan(6))
    world.create()
    servers.pass_time(2)
    assert [len(server.runner.live) for server in servers.all.values()] == [3, 3]
    servers["two"].end_all()
    servers["one"].end_all()
    assert world.workflow_statuses() == ["Success"]


def test_another_leads_when_the_leader_was_silent_for_three_seconds(servers: Servers) -> None:
    servers.pass_time(2, ["two"])
    assert not servers["two"].leads
    servers.pass_time(2, ["two"])
    assert servers["two"].leads


def test_a_leader_that_wakes_up_late_does_nothing_and_follows(servers: Servers, world: World) -> None:
    servers.pass_time(5, ["two"])
    world.define(fan(1))
    world.create()
    servers["one"].membership.beaten = float("inf")  # it has not looked yet: it still believes that it leads
    assert servers["one"].leads
    servers["one"].turn()
    assert not servers["one"].leads
    assert world.statuses() == {}, "the creation was left to the leader"
    servers["one"].membership.beaten = float("-inf")
    servers.pass_time(1)
    assert servers.leaders() == ["two"]
    assert world.statuses() == {"t0": "Running"}


def test_a_follower_settles_what_its_own_runner_did(servers: Servers, world: World) -> None:
    world.define({"a": [], "b": ["a"]})
    world.create()
    servers.pass_time(2)
    where = "two" if servers["two"].runner.live else "one"
    servers[where].end_all()
    assert world.statuses()["a"] == "Success"
    servers.pass_time(1)
    assert world.statuses()["b"] == "Running"


def test_runs_of_a_server_that_is_gone_begin_again_after_its_lease(servers: Servers, world: World) -> None:
    world.define(fan(4))
    world.create()
    servers.pass_time(2)
    lost = servers["two"].names()
    assert len(lost) == 2
    servers.pass_time(18, ["one"])
    assert servers["one"].names() == set(world.tasks) - lost, "not before the lease and its grace are over"
    servers.pass_time(3, ["one"])
    assert servers["one"].names() == set(world.tasks)
    servers["one"].end_all()
    assert world.workflow_statuses() == ["Success"]


def test_a_server_that_comes_back_ends_what_is_not_its_own_any_more(servers: Servers, world: World) -> None:
    world.define(fan(2))
    world.create()
    servers.pass_time(2)
    (key,) = servers["two"].runner.alive()
    servers.pass_time(22, ["one"])
    servers["two"].turn()
    assert servers["two"].runner.asked_to_stop == [key]
    servers["two"].runner.end(key[0], exit_code=0)
    servers["two"].turn()
    assert world.statuses()[next(iter(servers["one"].names()))] == "Running", "the old result changed nothing"
    servers["one"].end_all()
    assert world.workflow_statuses() == ["Success"]


def test_a_database_that_was_away_for_all_loses_nothing(servers: Servers, world: World) -> None:
    world.define(fan(2))
    world.create()
    servers.pass_time(2)
    world.clock.time += 60_000
    servers.pass_time(30)
    assert [len(server.runner.live) for server in servers.all.values()] == [1, 1]
    assert dict.fromkeys(world.tasks, 1) == {name: _number(world, name) for name in world.tasks}
    for server in servers.all.values():
        server.end_all()
    assert world.workflow_statuses() == ["Success"]


def _number(world: World, name: str) -> int:
    with world.database.read() as db:
        return db.execute(select(t.run_number).where(t.id == world.instance(name))).scalar_one()


def test_a_new_leader_waits_a_lease_before_it_calls_anything_lost(servers: Servers, world: World) -> None:
    world.define(fan(1))
    world.create()
    servers.pass_time(2)
    assert servers.runners() == {"t0": "one"}
    world.clock.time += 600_000
    third = servers.all["three"] = Server(world, "three")
    servers.pass_time(19, ["three"])
    assert third.leads
    assert not third.runner.live
    servers.pass_time(3, ["three"])
    assert third.names() == {"t0"}
    third.end_all()


def test_who_leaves_in_order_is_followed_at_once(servers: Servers, world: World) -> None:
    world.define(fan(2))
    world.create()
    servers.pass_time(2)
    (id,) = servers["one"].runner.live
    servers["one"].scheduler._unsettled.append(_ended_by_the_server(servers["one"].runner, id))
    servers["one"].scheduler.leave(0)
    servers.pass_time(1, ["two"])
    assert servers["two"].leads
    assert servers["two"].names() == set(world.tasks)
    servers["two"].end_all()
    assert world.workflow_statuses() == ["Success"]


def _ended_by_the_server(runner: FakeRunner, id: int):
    runner.end(id, None, "lost")
    result = runner.results.pop()
    from dataclasses import replace

    from tidemill.runners.contract import SERVER_STOPPED

    return replace(result, message=SERVER_STOPPED)


def test_a_stop_reaches_the_runner_that_has_the_run(servers: Servers, world: World) -> None:
    from tidemill.scheduler import operate
    from tidemill.scheduler.operate import Operator

    world.define(fan(2))
    world.create()
    servers.pass_time(2)
    (key,) = servers["two"].runner.alive()
    with world.database.write() as db:
        operate.stop(db, Operator("op", world.clock.time), [key[0]])
    servers.pass_time(1)
    assert servers["two"].runner.asked_to_stop == [key]
    assert servers["one"].runner.asked_to_stop == []
    servers["two"].runner.end(key[0], None, "stopped")
    servers["two"].turn()
    servers["one"].end_all()


@pytest.fixture(autouse=True)
def _promises(database: Database):
    yield
    assert_promises_held(database)


def test_to_lead_is_no_warning_and_to_lead_no_longer_is_one(world: World, caplog: pytest.LogCaptureFixture) -> None:
    servers = Servers(world, "a", "b")
    with caplog.at_level(logging.INFO):
        servers.pass_time(2, ["a"])
        servers.pass_time(30, ["b"])
        servers.pass_time(1, ["a"])
    said = [(record.levelname, record.message) for record in caplog.records if "leads" in record.message]
    assert said == [
        ("INFO", "this server leads, with epoch 1"),
        ("INFO", "this server leads, with epoch 2"),
        ("WARNING", "this server leads no longer"),
    ]
