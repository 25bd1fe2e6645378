"""A calendar takes days away from a schedule: dry runs on some, paused instances on others."""

from typing import Any

from sqlalchemy import select

from tests.planning.conftest import Site, t, task

NOON = "0 0 12 * * ?"
WEEK = [f"2025-11-{day:02}" for day in range(4, 9)]


def calendar(site: Site, **fields: Any) -> int:
    given = {"Name": "c", "Description": "five or more", "Owner": "1000", "AllProjects": True, **fields}
    return site.call("CreateCalendar", **given)["Id"]


def recurrences(site: Site, name: str) -> list[str]:
    return [row.recurrence for row in site.rows(name)]


def test_days_of_a_weak_calendar(site: Site) -> None:
    id = calendar(
        site, Type="WeakConstraint", FallbackPolicy="Skip", SchedulePolicy={"NormalDates": [WEEK[1], WEEK[3]]}
    )
    site.deploy("a", NOON, task("a"), task("p", Trigger={"Recurrence": "Pause"}), Trigger={"CalendarId": id})
    site.deploy("b", NOON, task("b", "a"))
    site.run_until(f"{WEEK[-1]} 13:00")
    assert recurrences(site, "a") == ["SkipCalendar", "Normal", "SkipCalendar", "Normal", "SkipCalendar"]
    assert recurrences(site, "p") == ["Pause"] * 5
    assert {row.status for row in site.rows("b")} == {"Success"}
    assert len(site.runner.runs) == 2 + 5


def test_after_the_end_of_a_strong_calendar(site: Site) -> None:
    id = calendar(
        site, Type="StrongConstraint", StartDate=WEEK[0], EndDate=WEEK[2], ExpirationReminder="OneWeekBefore",
        OverduePolicy="Pause", SchedulePolicy={"NormalDates": [WEEK[0], WEEK[2]], "SkipDates": [WEEK[1]]},
    )  # fmt: skip
    site.deploy("a", NOON, Trigger={"CalendarId": id})
    site.run_until(f"{WEEK[3]} 13:00")
    assert recurrences(site, "a") == ["Normal", "SkipCalendar", "Normal", "PauseCalendar"]
    assert [row.status for row in site.rows("a")] == ["Success", "Success", "Success", "Failure"]


def test_a_changed_calendar_holds_from_the_next_planning_on(site: Site) -> None:
    weak: dict[str, Any] = {"Type": "WeakConstraint", "SchedulePolicy": {"NormalDates": []}}
    id = calendar(site, FallbackPolicy="Skip", **weak)
    site.deploy("a", NOON, Trigger={"CalendarId": id})
    site.run_until(f"{WEEK[0]} 09:00")
    site.call("UpdateCalendar", Id=id, Description="another one", Owner="1000", AllProjects=True,
              FallbackPolicy="Normal", **weak)  # fmt: skip
    site.run_until(f"{WEEK[1]} 13:00")
    assert recurrences(site, "a") == ["SkipCalendar", "Normal"]


def test_resuming_a_paused_day_leaves_what_the_task_itself_says(site: Site) -> None:
    id = calendar(site, Type="WeakConstraint", FallbackPolicy="Pause", SchedulePolicy={"NormalDates": []})
    site.deploy("a", NOON, task("a"), task("dry", "a", Trigger={"Recurrence": "Skip"}), Trigger={"CalendarId": id})
    site.run_until(f"{WEEK[0]} 09:00")
    (early,) = [row.id for row in site.rows("dry")]
    assert site.call("ResumeTaskInstances", Ids=[early])["SuccessInfo"][str(early)]["Success"], "before it is due"
    site.run_until(f"{WEEK[0]} 13:00")
    assert site.statuses("a", WEEK[0]) + site.statuses("dry", WEEK[0]) == ["Failure", "NotRun"]
    (failed,) = [row.id for row in site.rows("a")]
    site.call("ResumeTaskInstances", Ids=[failed])
    site.run_until(f"{WEEK[0]} 14:00")
    assert site.statuses("a", WEEK[0]) + site.statuses("dry", WEEK[0]) == ["Success", "Success"]
    assert recurrences(site, "a") + recurrences(site, "dry") == ["Normal", "Skip"]
    assert [number[0] for number in site.runner.runs] == [failed]


def test_a_week_as_the_api_shows_it(site: Site) -> None:
    """Tuesday to Friday in the period, of which Thursday is skipped; paused from Saturday on."""
    id = calendar(
        site, Type="StrongConstraint", StartDate=WEEK[0], EndDate=WEEK[3], ExpirationReminder="OneWeekBefore",
        OverduePolicy="Pause", SchedulePolicy={"NormalDates": [*WEEK[:2], WEEK[3]], "SkipDates": [WEEK[2]]},
    )  # fmt: skip
    site.deploy("a", NOON, task("a"), task("b", "a"), Trigger={"CalendarId": id})
    site.run_until("2025-11-10 13:00")
    shown = [
        tuple((item["TriggerRecurrence"], item["Status"]) for item in listed(site, day)) for day in range(3, 10)
    ]  # by business date, 3 to 9 November
    ran, skipped = ("Normal", "Success"), ("SkipCalendar", "Success")
    paused = (("PauseCalendar", "Failure"), ("PauseCalendar", "NotRun"))
    assert shown == [(ran, ran), (ran, ran), (skipped, skipped), (ran, ran), paused, paused, paused]
    assert len(site.runner.runs) == 6


def listed(site: Site, bizdate: int, **fields: Any) -> list[dict[str, Any]]:
    day = site.moment(f"2025-11-{bizdate:02} 00:00")
    given = {"ProjectId": 10_000, "Bizdate": day, "SortBy": "Id Asc", **fields}
    return site.call("ListTaskInstances", **given)["PagingInfo"]["TaskInstances"]


def begun(site: Site, type: str, first: str, last: str, **properties: Any) -> None:
    """Ask for instances of `a`, business dates `first` to `last`, that start at once."""
    given = {"RunPolicy": {"Immediately": True}, **properties}
    site.call(
        "CreateWorkflowInstances", ProjectId=10_000, WorkflowId=site.workflows["a"], Name="r", Type=type,
        Periods={"BizDates": [{"StartBizDate": first, "EndBizDate": last}]}, DefaultRunProperties=given,
    )  # fmt: skip


def begun_recurrences(site: Site) -> list[str]:
    with site.database.read() as db:
        statement = select(t.recurrence).where(t.kind == "Task", t.origin != 0).order_by(t.trigger_time)
        return list(db.execute(statement).scalars())


def test_a_backfill_follows_the_calendar_as_it_was_when_it_was_asked_for(site: Site) -> None:
    weak: dict[str, Any] = {"Type": "WeakConstraint", "SchedulePolicy": {"NormalDates": [WEEK[1]]}}
    id = calendar(site, FallbackPolicy="Skip", **weak)
    site.deploy("a", NOON, Trigger={"CalendarId": id})
    begun(site, "SupplementData", "2025-11-03", "2025-11-05")
    site.clock.time += 1_000
    site.call("UpdateCalendar", Id=id, Description="another one", Owner="1000", AllProjects=True,
              FallbackPolicy="Pause", **weak)  # fmt: skip
    site.run_until("2025-11-03 13:00")
    assert begun_recurrences(site) == ["SkipCalendar", "Normal", "SkipCalendar"]


def test_a_test_runs_on_any_day(site: Site) -> None:
    id = calendar(site, Type="WeakConstraint", FallbackPolicy="Pause", SchedulePolicy={"NormalDates": []})
    site.deploy("a", NOON, Trigger={"CalendarId": id})
    (task_id,) = [id for id, name in site.names.items() if name == "a"]
    begun(site, "SmokeTest", "2025-10-31", "2025-10-31", RootTaskIds=[task_id])
    site.run_until("2025-11-03 13:00")
    assert begun_recurrences(site) == ["Normal"]


def test_a_deleted_calendar_holds_for_what_was_in_force_with_it(site: Site) -> None:
    id = calendar(site, Type="WeakConstraint", FallbackPolicy="Skip", SchedulePolicy={"NormalDates": []})
    site.deploy("a", NOON, Trigger={"CalendarId": id})
    site.run_until("2025-11-03 23:00")
    site.at("2025-11-03 23:40")  # nothing was planned yet
    site.deploy("a", NOON)
    site.call("DeleteCalendar", Id=id)
    site.run_until(f"{WEEK[1]} 13:00")
    assert recurrences(site, "a") == ["SkipCalendar", "Normal"]
