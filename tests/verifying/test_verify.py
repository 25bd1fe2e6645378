"""The checker says nothing of a sound history, and names the promise of one that was broken on purpose."""

import pytest
from sqlalchemy import Connection, delete, func, insert, select, text, update

from tests.conftest import assert_promises_held
from tests.scheduler.conftest import World
from tests.scheduler.conftest import world as _world  # noqa: F401 - its project
from tidemill.store.engine import Database
from tidemill.store.tables import event, instance_edge, iteration, project, run, task_instance, workflow_instance
from tidemill.store.verifying import CHECKS, verify

t = task_instance.c
e = instance_edge.c
h = event.c
r = run.c


@pytest.fixture
def midway(database: Database) -> World:
    """`a` and `s` have succeeded, `b` runs, `c` waits for it, `f` has failed, and a second run has just begun."""
    with database.write() as db:
        db.execute(
            insert(project).values(
                id=10_000, name="p", owner="1", status="Available", time_zone="Asia/Shanghai", create_time=0,
                modify_time=0,
            )
        )  # fmt: skip
    world = World(database)
    world.define({"a": [], "s": [], "b": ["a"], "c": ["b"], "f": []}, s={"Type": "VIRTUAL"})
    world.create()
    world.turn()
    world.end("a")
    world.end("f", exit_code=1)
    assert world.statuses() == {"a": "Success", "s": "Success", "b": "Running", "c": "NotRun", "f": "Failure"}
    assert_promises_held(database)
    return world


class Broken:
    """Statements that spoil the books of a world, in terms of its tasks' names."""

    def __init__(self, world: World, db: Connection) -> None:
        self.db = db
        self.id = {name: world.instance(name) for name in world.tasks}
        self.whole = db.execute(select(t.id).where(t.kind == "Workflow")).scalar_one()

    def set(self, name: str, **values: object) -> None:
        id = self.whole if name == "whole" else self.id[name]
        self.db.execute(update(task_instance).where(t.id == id).values(values))

    def tell(self, name: str, number: int, before: str, after: str, cause: str) -> None:
        self.db.execute(
            insert(event).values(
                instance_id=self.id[name], run_number=number, from_status=before, to_status=after, cause=cause, time=1
            )
        )

    def copy(self, table: object, key: int, **values: object) -> None:
        row = self.db.execute(select(table).where(table.c.id == key)).mappings().one()  # type: ignore[attr-defined]
        self.db.execute(insert(table).values({**row, **values}))  # type: ignore[arg-type]

    def drop_unique(self) -> None:
        """Without the key, as a restored or hand-made database could be: the rows of `task_instance` once more."""
        self.db.execute(text("CREATE TABLE spare AS SELECT * FROM task_instance"))
        self.db.execute(text("ALTER TABLE task_instance RENAME TO sound"))
        self.db.execute(text("ALTER TABLE spare RENAME TO task_instance"))


def doubled(it: Broken) -> None:
    it.drop_unique()
    it.copy(task_instance, it.id["c"], id=999_999)


def doubled_workflow(it: Broken) -> None:
    it.db.execute(update(workflow_instance).values(origin=0))
    id = it.db.execute(select(workflow_instance.c.id)).scalar_one()
    it.copy(workflow_instance, id, id=999_999)


def began_early(it: Broken) -> None:
    it.tell("c", 0, "NotRun", "WaitResource", "time came")
    it.tell("c", 1, "WaitResource", "Running", "started")


def waved_early(it: Broken) -> None:
    it.tell("c", 1, "NotRun", "Success", "skipped")


def began_before_its_workflow(it: Broken) -> None:
    it.db.execute(delete(event).where(h.instance_id == it.whole))


def jumped(it: Broken) -> None:
    it.tell("a", 1, "Running", "Success", "succeeded")


def number_skipped(it: Broken) -> None:
    it.db.execute(update(event).where(h.instance_id == it.id["f"], h.cause == "started").values(run_number=7))


def number_fell(it: Broken) -> None:
    it.tell("f", 0, "Failure", "NotRun", "rerun")


def began_twice(it: Broken) -> None:
    it.tell("b", 1, "WaitResource", "Running", "started")


def other_status(it: Broken) -> None:
    it.set("f", status="NotRun", finished_time=None)


def ended_twice(it: Broken) -> None:
    it.tell("f", 1, "Running", "Failure", "failed")


def success_of_nothing(it: Broken) -> None:
    it.db.execute(delete(run).where(r.instance_id == it.id["a"]))


def success_of_a_failure(it: Broken) -> None:
    it.db.execute(update(run).where(r.instance_id == it.id["a"]).values(status="Failure"))


def unknown_run(it: Broken) -> None:
    it.db.execute(insert(run).values(instance_id=it.id["f"], run_number=2, runner="x", boot="x", started_time=1,
                                     finished_time=2))  # fmt: skip


def edge_to_nowhere(it: Broken) -> None:
    it.db.execute(insert(instance_edge).values(downstream_id=it.id["c"], upstream_id=5, type="Normal", satisfied=1))


def wrong_count(it: Broken) -> None:
    it.set("c", pending_upstreams=0)


def never_told(it: Broken) -> None:
    it.db.execute(update(instance_edge).where(e.downstream_id == it.id["b"]).values(satisfied=0))
    it.set("b", status="NotRun", pending_upstreams=1)


def told_too_early(it: Broken) -> None:
    it.db.execute(update(instance_edge).where(e.downstream_id == it.id["c"]).values(satisfied=1))
    it.set("c", pending_upstreams=0)


def entry_forgotten(it: Broken) -> None:
    it.set("c", waits_entry=1, pending_upstreams=2)


def end_without_time(it: Broken) -> None:
    it.set("f", finished_time=None)


def queued_too_early(it: Broken) -> None:
    it.set("c", status="WaitResource")


def nobody_runs_it(it: Broken) -> None:
    it.db.execute(update(run).where(r.instance_id == it.id["b"]).values(finished_time=1))


def loop_without_turns(it: Broken) -> None:
    it.set("b", control="CONTROLLER_CYCLE")
    it.db.execute(delete(iteration))


def run_left_open(it: Broken) -> None:
    it.db.execute(update(run).where(r.instance_id == it.id["f"]).values(finished_time=None))


def wrong_counters(it: Broken) -> None:
    it.set("whole", unfinished=2)


def workflow_instance_stuck(it: Broken) -> None:
    it.set("b", status="Failure", finished_time=1)
    it.set("whole", failed=2)


def workflow_instance_given_up(it: Broken) -> None:
    it.set("whole", status="Failure", finished_time=1)


def in_a_circle(it: Broken) -> None:
    it.db.execute(insert(instance_edge).values(downstream_id=it.id["c"], upstream_id=it.id["c"], type="CrossCycle"))
    it.set("c", pending_upstreams=2)


CASES = {
    doubled: ("P1", "one instance"),
    doubled_workflow: ("P1", "one workflow instance"),
    began_early: ("P2", "upstreams first"),
    waved_early: ("P2", "upstreams first"),
    began_before_its_workflow: ("P2", "workflow first"),
    told_too_early: ("P2", "upstreams not done"),
    jumped: ("P3", "unbroken history"),
    number_skipped: ("P3", "rising run numbers"),
    number_fell: ("P3", "rising run numbers"),
    began_twice: ("P3", "one start a run"),
    other_status: ("P3", "present status"),
    run_left_open: ("P3", "runs of what runs"),
    ended_twice: ("P4", "one end a run"),
    success_of_nothing: ("P4", "success by a run"),
    success_of_a_failure: ("P4", "success by a run"),
    unknown_run: ("P4", "runs in the history"),
    edge_to_nowhere: ("P6", "edges join instances"),
    wrong_count: ("P6", "pending upstreams"),
    never_told: ("P6", "told of its upstream"),
    entry_forgotten: ("P6", "entry"),
    end_without_time: ("P6", "ended or not"),
    queued_too_early: ("P6", "queued too early"),
    nobody_runs_it: ("P6", "a run for what runs"),
    loop_without_turns: ("P6", "a turn for what loops"),
    wrong_counters: ("P6", "counters of a workflow instance"),
    workflow_instance_stuck: ("P6", "end of a workflow instance"),
    workflow_instance_given_up: ("P6", "end of a workflow instance"),
    in_a_circle: ("P6", "circle"),
}


@pytest.mark.parametrize("spoil", CASES, ids=lambda case: case.__name__)
def test_a_history_broken_on_purpose_is_found(midway: World, spoil: object) -> None:
    with midway.database.write(announce=False) as db:
        spoil(Broken(midway, db))  # type: ignore[operator]
    try:
        found = {(it.promise, it.check) for it in verify(midway.database)}
        assert CASES[spoil] in found  # type: ignore[index]
    finally:
        with midway.database.write(announce=False) as db:
            if spoil is doubled:
                db.execute(text("DROP TABLE task_instance"))
                db.execute(text("ALTER TABLE sound RENAME TO task_instance"))


def test_every_check_has_a_history_that_breaks_it() -> None:
    assert {(it.promise, it.name) for it in CHECKS} | {("P6", "circle")} == set(CASES.values())


def test_only_so_many_of_each_kind_are_named(midway: World) -> None:
    with midway.database.write(announce=False) as db:
        db.execute(update(task_instance).values(pending_upstreams=9))
        assert db.execute(select(func.count()).select_from(task_instance)).scalar_one() > 2
    found = [it.check for it in verify(midway.database, most=1)]
    assert found.count("pending upstreams") == 1
