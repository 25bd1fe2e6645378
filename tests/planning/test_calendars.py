"""A calendar takes days away from a schedule: dry runs on some, paused instances on others."""

from typing import Any

from tests.planning.conftest import Site, task

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
