"""The nightly pass: which instances a run date gets, from which definitions, and that it can be cut off anywhere."""

from datetime import date
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.planning.conftest import SELF, SHANGHAI, Site, task
from tidemill.domain.business_date import bizdate_milliseconds
from tidemill.scheduler import planning
from tidemill.store.engine import Database, open_database

NOON = "0 0 12 * * ?"
MONDAY, TUESDAY, WEDNESDAY, THURSDAY = "2025-11-03", "2025-11-04", "2025-11-05", "2025-11-06"


@pytest.mark.parametrize(
    ("deployed", "first"),
    [
        pytest.param("15:00", TUESDAY, id="G01 in the afternoon"),
        pytest.param("23:29:59", TUESDAY, id="G02 just before the planning time"),
        pytest.param("23:30:00", WEDNESDAY, id="G03 at the planning time"),
        pytest.param("23:59:59", WEDNESDAY, id="G03 at the end of the window"),
    ],
)
@pytest.mark.parametrize("mode", ["T+1", "Immediately"])
def test_the_first_run_date_of_a_definition(site: Site, deployed: str, first: str, mode: str) -> None:
    site.run_until(f"{MONDAY} {deployed}")
    site.deploy("a", "0 30 0 * * ?", mode=mode)
    site.run_until(f"{THURSDAY} 12:00")
    dates = [site.local(row.trigger_time)[:10] for row in site.rows("a") if row.recurrence != "RealtimeDeprecated"]
    assert dates[0] == first
    assert dates[-1] == THURSDAY
    assert len(set(dates)) == len(dates)


def test_what_is_deployed_in_the_window_changes_nothing_of_tomorrow(site: Site) -> None:
    site.deploy("a", NOON)
    site.run_until(f"{MONDAY} 23:40")
    site.deploy("a", "0 0 13 * * ?")
    site.run_until(f"{WEDNESDAY} 23:59")
    assert [site.times("a", day) for day in (TUESDAY, WEDNESDAY)] == [["12:00"], ["13:00"]]


@pytest.mark.parametrize(
    ("cron", "time", "bizdate", "number"),
    [
        pytest.param("0 0 2 * * ?", f"{TUESDAY} 02:00", MONDAY, 1, id="T01 daily"),
        pytest.param("0 0 0 * * ?", f"{TUESDAY} 00:00", MONDAY, 1, id="T02 at midnight"),
        pytest.param("0 0 0-23/1 * * ?", f"{TUESDAY} 23:00", MONDAY, 24, id="T03 hourly"),
        pytest.param("0 0 0-23/6 * * ?", f"{TUESDAY} 12:00", MONDAY, 3, id="T04 every six hours"),
        pytest.param("0 */30 0-23 * * ?", f"{TUESDAY} 00:30", MONDAY, 2, id="T05 every half hour"),
        pytest.param("0 0 0 ? * 2", f"{TUESDAY} 00:00", MONDAY, 1, id="T06 weekly"),
        pytest.param("0 0 0 4 * ?", f"{TUESDAY} 00:00", MONDAY, 1, id="T07 monthly"),
    ],
)
def test_the_times_of_an_instance(site: Site, cron: str, time: str, bizdate: str, number: int) -> None:
    site.deploy("a", cron)
    site.run_until(f"{MONDAY} 23:31")
    row = next(row for row in site.rows("a") if site.local(row.trigger_time) == time)
    assert (row.bizdate, row.period_number, row.recurrence) == (bizdate, number, "Normal")
    shown = site.call("GetTaskInstance", Id=row.id)["TaskInstance"]
    assert shown["Bizdate"] == bizdate_milliseconds(date.fromisoformat(bizdate), SHANGHAI)
    assert (shown["TriggerTime"], shown["PeriodNumber"]) == (row.trigger_time, number)


@pytest.mark.parametrize(
    ("start", "cron", "run_date", "bizdate"),
    [
        pytest.param("2024-12-31", "0 0 0 * * ?", "2025-01-01", "2024-12-31", id="T02 at the turn of the year"),
        pytest.param("2024-02-29", "0 */30 0-23 * * ?", "2024-03-01", "2024-02-29", id="T05 after a leap day"),
        pytest.param("2025-01-30", "0 0 0 L * ?", "2025-01-31", "2025-01-30", id="T08 the end of a month"),
        pytest.param("2025-10-31", "0 0 0 * * ?", "2025-11-01", "2025-10-31", id="T10 data of a Friday"),
    ],
)
def test_the_business_date(
    database: Database, tmp_path: Path, start: str, cron: str, run_date: str, bizdate: str
) -> None:
    site = Site(database, tmp_path, f"{start} 12:00")
    site.deploy("a", cron)
    site.run_until(f"{start} 23:31")
    assert {row.bizdate for row in site.rows("a", run_date)} == {bizdate}
    assert all(row.recurrence == "Normal" for row in site.rows("a", run_date))


def test_days_that_a_weekly_schedule_leaves_out_are_dry_runs(site: Site) -> None:
    """G-rule of 1.3: a weekly task has an instance every day, so that what is after it goes on."""
    site.deploy("a", "0 0 9 ? * 3")
    site.deploy("b", NOON, task("b", "a"))
    site.run_until(f"{WEDNESDAY} 13:00")
    assert [site.times("a", day) for day in (TUESDAY, WEDNESDAY)] == [["09:00 SkipCycle"], ["09:00"]]
    assert [site.statuses("b", day) for day in (TUESDAY, WEDNESDAY)] == [["Success"], ["Success"]]
    assert len(site.runner.runs) == 3  # b twice, a only on Wednesday


def test_dev_is_never_planned(site: Site) -> None:
    site.deploy("a", NOON, EnvType="Dev")
    site.run_until(f"{TUESDAY} 13:00")
    assert site.rows("a") == []


def test_nothing_after_the_workflow_is_deleted_or_started_by_hand(site: Site) -> None:
    site.deploy("a", NOON)
    site.deploy("b", NOON)
    site.run_until(f"{TUESDAY} 13:00")
    site.call("DeleteWorkflow", Id=site.workflows["a"])
    site.deploy("b", None)
    site.run_until(f"{THURSDAY} 13:00")
    for name in "ab":
        assert [site.local(row.trigger_time)[:10] for row in site.rows(name)] == [TUESDAY]


def test_instances_outside_the_validity_period_are_not_made(site: Site) -> None:
    trigger = {"StartTime": "2025-11-05 00:00:00", "EndTime": "2025-11-05 23:59:59"}
    site.deploy("a", NOON, Trigger=trigger)
    site.run_until(f"{THURSDAY} 23:59")
    assert [site.local(row.trigger_time)[:10] for row in site.rows("a")] == [WEDNESDAY]


def recurrence(value: str, name: str = "a") -> dict[str, Any]:
    return task(name, Trigger={"Recurrence": value})


def test_g13_a_task_frozen_at_ten(site: Site) -> None:
    site.deploy("a", "0 0 18 * * ?")
    site.run_until(f"{TUESDAY} 10:00")
    site.deploy("a", "0 0 18 * * ?", recurrence("Pause"))
    site.run_until(f"{WEDNESDAY} 19:00")
    assert site.times("a", TUESDAY) == ["18:00"]
    assert site.times("a", WEDNESDAY) == ["18:00 Pause"]
    assert [site.statuses("a", day) for day in (TUESDAY, WEDNESDAY)] == [["Success"], ["Failure"]]


def test_g14_a_task_unfrozen_at_ten(site: Site) -> None:
    site.deploy("a", "0 0 18 * * ?", recurrence("Pause"))
    site.run_until(f"{TUESDAY} 10:00")
    site.deploy("a", "0 0 18 * * ?")
    site.run_until(f"{WEDNESDAY} 19:00")
    assert [site.statuses("a", day) for day in (TUESDAY, WEDNESDAY)] == [["Failure"], ["Success"]]


def test_g15_running_today_what_was_redeployed_today(site: Site) -> None:
    site.deploy("a", "0 0 2 * * ?", task("a", Script={"Content": "echo $1", "Parameters": "v=old"}))
    site.run_until(f"{TUESDAY} 10:00")
    site.deploy("a", "0 0 2 * * ?", task("a", Script={"Content": "echo $1", "Parameters": "v=$bizdate"}))
    site.call(
        "CreateWorkflowInstances", ProjectId=10_000, WorkflowId=site.workflows["a"], Name="again",
        Type="SupplementData", Periods={"BizDates": [{"StartBizDate": MONDAY, "EndBizDate": MONDAY}]},
    )  # fmt: skip
    site.run_until(f"{TUESDAY} 10:01")
    runs = [run.arguments for run in site.runner.runs.values()]
    assert runs == [("old",), ("20251103",)]


def test_an_instance_runs_the_version_that_it_was_planned_from(site: Site) -> None:
    site.deploy("a", NOON, task("a", Script={"Content": "one"}))
    site.run_until(f"{TUESDAY} 10:00")
    site.deploy("a", NOON, task("a", Script={"Content": "two"}))
    site.run_until(f"{WEDNESDAY} 13:00")
    assert [run.script for run in site.runner.runs.values()] == ["one", "two"]


# --- in time, once, whole ---------------------------------------------------------------------------------------------


def test_planning_again_changes_nothing(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.deploy("a", "0 0 0-23/6 * * ?", task("a", Dependencies=[SELF]))
    site.deploy("b", NOON, task("b", "a"), task("c", "b"))
    site.run_until(f"{MONDAY} 23:31")
    before = site.everything()
    with site.database.write() as db:
        found = (
            db.exec_driver_sql("SELECT id FROM operation WHERE kind = 'Planning' ORDER BY id DESC").scalars().first()
        )
        db.exec_driver_sql(f'UPDATE operation SET "cursor" = 0, finished_time = NULL WHERE id = {found}')
    site.turn()
    assert site.everything() == before


class Crash(BaseException):
    pass


def test_a_pass_cut_off_anywhere_is_finished_by_the_next_server(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planning, "_WORKFLOWS", 1)
    monkeypatch.setattr("tidemill.scheduler.creation._WORK", 1)
    site.deploy("a", "0 0 0-23/6 * * ?", task("a", Dependencies=[SELF]))
    site.deploy("b", NOON, task("b", "a"))
    site.deploy("c", NOON, task("c", "b"))
    site.at(f"{MONDAY} 23:30")
    plan_unit, left = planning.plan_unit, 0

    def crashing(*given: Any) -> int:
        nonlocal left
        rows = plan_unit(*given)
        if left == 0:
            left = 1
            raise Crash
        left -= 1
        return rows

    monkeypatch.setattr("tidemill.scheduler.creation.plan_unit", crashing)
    for _ in range(60):
        try:
            pause = site.turn()
        except Crash:
            assert site.runner.runs == {}
            site.restart()
        else:
            if pause:
                break
    else:
        pytest.fail("the pass never ends")
    assert [len(site.rows(name, TUESDAY)) for name in ("a", "a*", "b", "c")] == [4, 4, 1, 1]
    assert site.upstreams("b", TUESDAY) == {"12:00": [f"a {hour:02}:00" for hour in (0, 6, 12)][-1:]}
    assert site.upstreams("c", TUESDAY) == {"12:00": ["b 12:00"]}


def test_a_date_is_not_run_before_it_is_whole(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tidemill.scheduler.creation._WORK", 1)
    monkeypatch.setattr(planning, "_WORKFLOWS", 1)
    for name in "abc":
        site.deploy(name, "0 0 0 * * ?")
    site.at(f"{TUESDAY} 00:10")  # nothing was planned in time
    while not site.rows("a"):
        site.turn()
    assert site.runner.runs == {}
    site.run_until(f"{TUESDAY} 00:11")
    assert len(site.runner.runs) == 3


def test_one_workflow_that_cannot_be_planned_keeps_no_other_from_its_day(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in "abc":
        site.deploy(name, NOON)
    make = planning.Maker.make

    def failing(self: planning.Maker, *given: Any) -> None:
        if self._workflow.id == site.workflows["b"]:
            raise ValueError("bad")
        make(self, *given)

    monkeypatch.setattr(planning.Maker, "make", failing)
    site.run_until(f"{TUESDAY} 13:00")
    assert [site.statuses(name, TUESDAY) for name in "abc"] == [["Success"], [], ["Success"]]
    with site.database.read() as db:
        messages = db.exec_driver_sql("SELECT message FROM operation WHERE message IS NOT NULL").scalars().all()
    assert messages == [f"workflow {site.workflows['b']} could not be planned"]


@pytest.mark.parametrize(
    ("rule", "days", "planned"),
    [
        ("all", 3, ["07", "08", "09", "10", "11"]),
        ("all", 1, ["09", "10", "11"]),
        ("last", 3, ["09", "10", "11"]),
        ("none", 3, ["10", "11"]),
    ],
)
def test_dates_missed_while_no_server_ran(
    database: Database, tmp_path: Path, rule: str, days: int, planned: list[str]
) -> None:
    site = Site(database, tmp_path, f"{MONDAY} 12:00", catch_up=rule, catch_up_days=days)
    site.deploy("a", NOON)
    site.run_until(f"{TUESDAY} 13:00")
    site.at("2025-11-10 10:00")
    site.restart()
    site.run_until("2025-11-11 13:00")
    dates = [site.local(row.trigger_time)[8:10] for row in site.rows("a")]
    assert dates == ["04", *planned]
    assert {row.status for row in site.rows("a")} == {"Success"}


def test_a_missed_date_is_planned_from_what_was_deployed_then(site: Site) -> None:
    site.deploy("a", NOON)
    site.at(f"{WEDNESDAY} 10:00")
    site.deploy("a", "0 0 13 * * ?")
    site.run_until(f"{THURSDAY} 14:00")
    assert [site.times("a", day) for day in (TUESDAY, WEDNESDAY, THURSDAY)] == [[], ["12:00"], ["13:00"]]


# --- clocks -----------------------------------------------------------------------------------------------------------


def test_a_trigger_in_another_zone_has_its_own_midnight(site: Site) -> None:
    site.deploy("a", "0 0 9 * * ?", Trigger={"TimeZone": "America/New_York"})
    site.run_until(f"{WEDNESDAY} 23:00")
    rows = site.rows("a")  # at noon it is before 23:30 there
    assert [site.local(row.trigger_time) for row in rows] == [f"{day} 22:00" for day in (MONDAY, TUESDAY, WEDNESDAY)]
    assert [row.bizdate for row in rows] == ["2025-11-02", MONDAY, TUESDAY]


def test_the_days_on_which_clocks_change(tmp_path: Path) -> None:
    """In Berlin the hour from 02:00 is missing on 2025-03-30 and comes twice on 2025-10-26."""
    hours: dict[str, int] = {}
    for index, day in enumerate(("2025-03-30", "2025-10-26")):
        data = tmp_path / str(index)
        data.mkdir()
        database = open_database(f"sqlite:///{data / 't.db'}", "OFF")
        site = Site(database, data, f"{day[:8]}24 12:00", ZoneInfo("Europe/Berlin"))
        site.deploy("h", "0 0 0-23/1 * * ?", task("h", Dependencies=[SELF]))
        site.deploy("d", "0 30 2 * * ?")
        site.run_until(f"{day[:8]}31 12:00")
        hours[day] = len(site.rows("h", day))
        assert len(site.rows("d", day)) == 1
        assert {row.status for row in site.rows("h") + site.rows("d") if row.trigger_time <= site.clock.now()} == {
            "Success"
        }
        assert all(run == 1 for _, run in site.runner.runs)
        database.close()
    assert hours == {"2025-03-30": 23, "2025-10-26": 24}


def test_a_leap_day_and_the_end_of_its_month(database: Database, tmp_path: Path) -> None:
    site = Site(database, tmp_path, "2028-02-26 12:00")
    site.deploy("daily", NOON, task("daily", Dependencies=[SELF]))
    site.deploy("last", "0 0 13 L * ?", task("last", "daily"))
    site.run_until("2028-03-01 23:00")
    days = ["2028-02-27", "2028-02-28", "2028-02-29", "2028-03-01"]
    assert [site.statuses("daily", day) for day in days] == [["Success"]] * 4
    assert [row.recurrence for row in site.rows("last")] == ["SkipCycle", "SkipCycle", "Normal", "SkipCycle"]
    assert [row.bizdate for row in site.rows("daily")] == ["2028-02-26", *days[:3]]
