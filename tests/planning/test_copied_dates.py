"""A date that is copied from the one before is what it would have been had it been made by itself."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select

from tests.planning.conftest import SELF, Site, task
from tidemill.scheduler import creation_dates
from tidemill.scheduler.creation import create
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
    pytest.param(layered(DAILY), [("2025-10-30", "2025-11-06")], {}, 2, id="around today"),
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
