"""A date that is copied from the one before is what it would have been had it been made by itself."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select

from tests.planning.conftest import SELF, Site, task
from tidemill.scheduler import creation, creation_dates
from tidemill.scheduler.creation import create
from tidemill.store import repeating
from tidemill.store.tables import instance_edge, operation, tag, task_instance, workflow_instance

DAILY = "0 30 0 * * ?"
HOURLY = "0 0 0-23/4 * * ?"
NOW = "2025-11-03 10:00"
ANY = 1
LAYERED = [
    task("a", Dependencies=[SELF]),
    task("b", Script={"Content": "true", "Parameters": "day=$bizdate me=$taskid hour=$[hh24]"}, Dependencies=[
        {"Type": "Normal", "UpstreamOutput": "x.a"}, {"Type": "CrossCycleDependsOnChildren"},
    ]),
    task("c", "a", "b", Type="VIRTUAL", Trigger={"Recurrence": "Skip"}),
    task("d", "b", "c", Script={"Content": "true", "Parameters": "$bizdate"}),
]  # fmt: skip
Prepare = Callable[[Site], dict[str, Any]]


def layered(cron: str, **fields: Any) -> Prepare:
    def prepare(site: Site) -> dict[str, Any]:
        site.deploy("w", cron, *LAYERED, **fields)
        return {"WorkflowId": site.workflows["w"]}

    return prepare


def with_calendar(site: Site) -> dict[str, Any]:
    id = site.call(
        "CreateCalendar", Name="c", Description="five or more", Owner="1000", AllProjects=True, Type="WeakConstraint",
        FallbackPolicy="Skip", SchedulePolicy={"NormalDates": ["2025-03-18", "2025-03-19"]},
    )["Id"]  # fmt: skip
    return layered(DAILY, Trigger={"CalendarId": id})(site)


def without_earlier_cycles(site: Site) -> dict[str, Any]:
    site.deploy("w", DAILY, task("a"), task("b", "a"))
    return {"WorkflowId": site.workflows["w"]}


def of_several_workflows(site: Site) -> dict[str, Any]:
    site.deploy("w", HOURLY, *LAYERED)
    site.deploy("v", DAILY, task("e", "d"), task("f", "e"), task("g"))
    chosen = [id for id, name in site.names.items() if name in "af"]
    return {"WorkflowId": ANY, "DefaultRunProperties": {"Mode": "Chain", "IncludeTaskIds": chosen}}


WEEK = [("2025-03-14", "2025-03-20")]
CASES = [
    pytest.param(layered(DAILY), WEEK, {}, 5, id="one after the other"),
    pytest.param(layered(HOURLY), WEEK, {}, 5, id="several cycles"),
    pytest.param(layered(HOURLY), WEEK, {"Hours": {"StartTime": "08:00:00", "EndTime": "20:00:00"}}, 5, id="hours"),
    pytest.param(layered(DAILY), WEEK, {"Parallelism": 7}, 6, id="side by side"),
    pytest.param(layered(DAILY), WEEK, {"Parallelism": 2}, 3, id="two groups"),
    pytest.param(without_earlier_cycles, WEEK, {"Order": "Desc"}, 6, id="backwards"),
    pytest.param(layered(DAILY), [("2025-03-01", "2025-03-05"), ("2025-03-11", "2025-03-15")], {}, 6, id="a gap"),
    pytest.param(layered(DAILY), [("2025-10-30", "2025-11-06")], {}, 6, id="around today"),
    pytest.param(layered("0 30 0 ? * MON-FRI"), WEEK, {}, 3, id="a weekend"),
    pytest.param(
        layered(HOURLY, Trigger={"TimeZone": "Europe/Berlin"}),
        [("2025-03-26", "2025-04-02")],
        {},
        3,
        id="a clock change",
    ),
    pytest.param(with_calendar, WEEK, {}, 1, id="a calendar"),
    pytest.param(of_several_workflows, WEEK, {}, 5, id="chosen tasks of several workflows, some dry"),
    pytest.param(layered(DAILY), WEEK, {"RunPolicy": {"Immediately": True}, "Parallelism": 7}, 6, id="at once"),
]


@pytest.mark.parametrize(("prepare", "ranges", "more", "copies"), CASES)
def test_a_copied_date_is_what_it_would_be_otherwise(
    site: Site, monkeypatch: pytest.MonkeyPatch, prepare: Prepare, ranges: Any, more: dict[str, Any], copies: int
) -> None:
    site.at(NOW)
    asked = prepare(site)
    with monkeypatch.context() as alone:
        alone.setattr(creation_dates._Date, "_model", lambda *_: None)
        expected = made(site, asked, ranges, dict(more))
    copied = 0
    repeat = creation_dates._Date._repeat

    def counting(*arguments: Any) -> None:
        nonlocal copied
        copied += 1
        repeat(*arguments)

    monkeypatch.setattr(creation_dates._Date, "_repeat", counting)
    found = made(site, asked, ranges, dict(more))
    assert found == expected
    assert copied == copies


def test_a_date_after_one_that_could_not_be_made_is_no_copy(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.at(NOW)
    asked = layered(DAILY)(site)
    store = creation_dates._Date._store

    def failing(self: Any, *arguments: Any) -> None:
        if self.bizdate == "2025-03-15":
            raise ValueError("bad")
        store(self, *arguments)

    monkeypatch.setattr(creation_dates._Date, "_store", failing)
    found = made(site, asked, WEEK, {})
    monkeypatch.setattr(creation_dates._Date, "_model", lambda *_: None)
    assert found == made(site, asked, WEEK, {})
    assert len(found["workflows"]) == 6


def ask(site: Site, *tasks: dict[str, Any]) -> str:
    """A backfill of ten dates side by side, one date a turn; the OperationId."""
    site.at(NOW)
    site.deploy("w", DAILY, *tasks)
    periods = {"BizDates": [{"StartBizDate": "2025-03-01", "EndBizDate": "2025-03-10"}]}
    return site.call(
        "CreateWorkflowInstances", ProjectId=10_000, WorkflowId=site.workflows["w"], Name="r", Type="SupplementData",
        Periods=periods, DefaultRunProperties={"Parallelism": 10},
    )["OperationId"]  # fmt: skip


def create_all(site: Site) -> None:
    while create(site.database, site.clock.now()):
        pass


def rows_of_runs(site: Site, name: str) -> list[Any]:
    id = next(id for id, known in site.names.items() if known == name)
    with site.database.read() as db:
        chosen = select(task_instance).where(task_instance.c.task_id == id, task_instance.c.origin > 0)
        return list(db.execute(chosen.order_by(task_instance.c.bizdate)))


def test_tasks_that_are_removed_while_dates_are_made_run_on_none(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(creation, "_WORK", 1)
    ask(site, task("a"), task("b", "a"), task("c", "b"))
    for _ in range(4):
        create(site.database, site.clock.now())
    site.deploy("w", DAILY, task("a"), task("b", "a"))
    create_all(site)
    assert [(row.recurrence, row.reason) for row in rows_of_runs(site, "c")] == [("Skip", "Undeployed")] * 10
    site.run_until("2025-11-03 12:00", minutes=5)
    assert {site.name_of(id) for id, _ in site.runner.runs} == {"a", "b"}
    assert {row.status for row in rows_of_runs(site, "c")} == {"Success"}
    assert {site.causes(row.id).count("undeployed") for row in rows_of_runs(site, "c")} == {1}


def test_instances_that_are_being_made_do_not_exist_yet(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(creation, "_WORK", 1)
    ask(site, task("a"), task("b", "a"))
    create(site.database, site.clock.now())
    row = rows_of_runs(site, "a")[0]
    for action in ("SetSuccessTaskInstances", "SuspendTaskInstances", "StopTaskInstances", "RerunTaskInstances"):
        answer = site.call(action, Ids=[row.id])["SuccessInfo"][str(row.id)]
        assert not answer["Success"], action
        assert "does not exist" in answer["Message"], action
    for action in ("StopWorkflowInstances", "StartWorkflowInstances"):
        answer = site.call(action, Ids=[row.workflow_instance_id])["SuccessInfo"][str(row.workflow_instance_id)]
        assert "does not exist" in answer["Message"], action
    create_all(site)
    assert {each.pending_upstreams for each in rows_of_runs(site, "b")} == {1}
    site.run_until("2025-11-03 12:00", minutes=5)
    assert len(site.runner.runs) == 20


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.parametrize("room", [10, 25])
def test_a_disk_that_is_full_in_the_middle_loses_no_date(site: Site, room: int) -> None:
    """SQLite then ends the whole transaction, not only the savepoint of a date."""
    operation = ask(site, *(task(f"t{i}") for i in range(40)))

    def pages(most: int | None = None) -> None:
        with site.database.write() as db:
            driver: Any = db.connection.driver_connection
            number = driver.execute("PRAGMA page_count").fetchone()[0]
            driver.execute(f"PRAGMA max_page_count = {most or number + room}")

    pages()
    with pytest.raises(Exception, match="full"):
        create_all(site)
    assert site.call("GetCreateWorkflowInstancesResult", OperationId=operation)["Result"]["Status"] == "Creating"
    pages(10**6)
    create_all(site)
    result = site.call("GetCreateWorkflowInstancesResult", OperationId=operation)["Result"]
    assert (result["Status"], len(result["WorkflowInstanceIds"])) == ("Created", 10)


def test_a_copy_has_every_column() -> None:
    """Those not named are as the table's defaults say, as in an instance that is made from scratch."""
    at_first = {
        "unchosen", "frozen", "isolated", "upstreams_done_time", "wait_resource_time", "started_time", "finished_time",
        "reason", "run_number", "retries_used", "lost_runs", "stop_requested", "stop_user", "held", "unfinished",
        "failed", "operation_type",
    }  # fmt: skip
    assert {*repeating._SAME, *repeating._OWN, *at_first} == set(task_instance.c.keys())


def made(site: Site, asked: dict[str, Any], ranges: Any, more: dict[str, Any]) -> dict[str, list[Any]]:
    """What a backfill makes, with dates, tasks and times in the place of ids."""
    hours = more.pop("Hours", {})
    properties = {**asked.get("DefaultRunProperties", {}), **more}
    periods = {"BizDates": [{"StartBizDate": first, "EndBizDate": last} for first, last in ranges], **hours}
    uuid = site.call(
        "CreateWorkflowInstances", ProjectId=10_000, WorkflowId=asked["WorkflowId"], Name="r", Type="SupplementData",
        Periods=periods, DefaultRunProperties=properties, Tags=[{"Key": "k", "Value": "v"}],
    )["OperationId"]  # fmt: skip
    while create(site.database, site.clock.now()):
        pass
    with site.database.read() as db:
        origin = db.execute(select(operation.c.id).where(operation.c.uuid == uuid)).scalar_one()
        rows = db.execute(select(task_instance).where(task_instance.c.origin == origin)).all()
        wholes = db.execute(select(workflow_instance).where(workflow_instance.c.origin == origin)).all()
        edges = db.execute(select(instance_edge).where(instance_edge.c.downstream_id.in_([row.id for row in rows])))
        tags = db.execute(select(tag).where(tag.c.object_id.in_([row.id for row in wholes])))
        names = {row.id: f"{row.bizdate} {row.kind} {row.task_id} {row.trigger_time}" for row in rows}
        names |= {row.id: f"{row.bizdate} whole" for row in wholes}
        return {
            "instances": sorted(told(row, names) for row in rows),
            "workflows": sorted(told(row, names) for row in wholes),
            "edges": sorted(
                (names[e.downstream_id], names[e.upstream_id], e.type, e.satisfied, e.skips) for e in edges
            ),
            "tags": sorted((names[each.object_id], each.key, each.value) for each in tags),
        }


def told(row: Any, names: dict[int, str]) -> tuple[str, list[tuple[str, Any]]]:
    ids = {"id", "workflow_instance_id", "representative_id", "task_instance_id"}
    left_out = {"origin", "planning_id", "unified_id"}
    said = {
        name: names[value]
        if name in ids
        else value.replace(str(row.id), "ID")
        if name == "parameters" and value
        else value
        for name, value in row._mapping.items()
        if name not in left_out
    }
    return names[row.id], sorted(said.items())
