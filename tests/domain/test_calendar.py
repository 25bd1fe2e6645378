"""Which days a calendar marks how, what is wrong with one, and what an instance makes of both."""

from datetime import date, timedelta
from typing import Any

import pytest

from tidemill.domain.calendar import Calendar, CalendarDefinition, calendar_faults, recurrence_on, stored_calendar


def strong(**fields: Any) -> dict[str, Any]:
    """Friday to Monday, of which Saturday and Sunday are skipped."""
    return {
        "Description": "working days",
        "Owner": "1000",
        "ProjectIds": [10_000],
        "Type": "StrongConstraint",
        "StartDate": "2026-01-02",
        "EndDate": "2026-01-05",
        "ExpirationReminder": "OneWeekBefore",
        "OverduePolicy": "Pause",
        "SchedulePolicy": {"NormalDates": ["2026-01-02", "2026-01-05"], "SkipDates": ["2026-01-03", "2026-01-04"]},
        **fields,
    }


def weak(**fields: Any) -> dict[str, Any]:
    return {
        "Description": "closing days",
        "Owner": "1000",
        "ProjectIds": [10_000],
        "Type": "WeakConstraint",
        "FallbackPolicy": "Skip",
        "SchedulePolicy": {"NormalDates": ["2026-01-31", "2026-02-28"]},
        **fields,
    }


def definition(fields: dict[str, Any]) -> CalendarDefinition:
    return CalendarDefinition.model_validate({name: value for name, value in fields.items() if value is not ...})


def calendar(fields: dict[str, Any]) -> Calendar:
    return Calendar.of(definition(fields))


def every_day(first: str, last: str) -> list[str]:
    start, end = date.fromisoformat(first), date.fromisoformat(last)
    return [(start + timedelta(days=offset)).isoformat() for offset in range((end - start).days + 1)]


@pytest.mark.parametrize(
    ("fields", "day", "mark"),
    [
        pytest.param(strong(), "2026-01-02", "Normal", id="the first day counts"),
        pytest.param(strong(), "2026-01-05", "Normal", id="the last day counts"),
        pytest.param(strong(), "2026-01-03", "Skip", id="a day of SkipDates"),
        pytest.param(strong(), "2026-01-01", "Normal", id="before StartDate the calendar does not speak yet"),
        pytest.param(strong(OverduePolicy="Pause"), "2026-01-06", "Pause", id="after EndDate, paused"),
        pytest.param(strong(OverduePolicy="Skip"), "2030-01-06", "Skip", id="after EndDate, skipped"),
        pytest.param(strong(OverduePolicy="Normal"), "2026-01-06", "Normal", id="after EndDate, normal"),
        pytest.param(weak(), "2026-01-31", "Normal", id="a listed day of a weak calendar"),
        pytest.param(weak(FallbackPolicy="Skip"), "2026-02-01", "Skip", id="another day, skipped"),
        pytest.param(weak(FallbackPolicy="Pause"), "1999-02-01", "Pause", id="another day, paused"),
        pytest.param(weak(FallbackPolicy="Normal"), "2999-02-01", "Normal", id="another day, normal"),
        pytest.param(weak(SchedulePolicy={}), "2026-01-31", "Skip", id="a weak calendar may list no day at all"),
    ],
)
def test_a_calendar_marks_each_day(fields: dict[str, Any], day: str, mark: str) -> None:
    assert calendar(fields).mark(date.fromisoformat(day)) == mark


NORMAL, SKIPPED, PAUSED = date(2026, 1, 2), date(2026, 1, 3), date(2026, 1, 6)


@pytest.mark.parametrize(
    ("recurrence", "normal", "skipped", "paused"),
    [
        ("Normal", "Normal", "SkipCalendar", "PauseCalendar"),
        ("Skip", "Skip", "Skip", "PauseCalendar"),
        ("Pause", "Pause", "Pause", "Pause"),
        ("Manual", "Manual", "Manual", "Manual"),
        ("SkipCycle", "SkipCycle", "SkipCycle", "SkipCycle"),
        ("SkipUnchoose", "SkipUnchoose", "SkipUnchoose", "SkipUnchoose"),
        ("RealtimeDeprecated", "RealtimeDeprecated", "RealtimeDeprecated", "RealtimeDeprecated"),
    ],
)
def test_the_stricter_of_task_and_calendar_wins(recurrence: str, normal: str, skipped: str, paused: str) -> None:
    with_calendar = [recurrence_on(calendar(strong()), day, recurrence) for day in (NORMAL, SKIPPED, PAUSED)]
    assert with_calendar == [normal, skipped, paused]
    assert recurrence_on(None, SKIPPED, recurrence) == recurrence


LONG = {"StartDate": "2026-01-01", "SchedulePolicy": {}}


@pytest.mark.parametrize(
    ("fields", "faults"),
    [
        (strong(), []),
        (weak(), []),
        (strong(ProjectIds=[], AllProjects=True), []),
        (strong(FallbackPolicy="Skip"), []),
        (weak(StartDate="2026-01-02", OverduePolicy="Skip"), []),
        (weak(SchedulePolicy={"NormalDates": ["2026-01-31"], "SkipDates": ["2026-01-31"]}), []),
        (strong(StartDate="2026-01-05", SchedulePolicy={"NormalDates": ["2026-01-05"]}), []),
        (strong(AllProjects=True), ["ProjectIds: no project is expected where AllProjects is true"]),
        (strong(ProjectIds=[]), ["ProjectIds: at least one project is expected unless AllProjects is true"]),
        (weak(FallbackPolicy=""), ["FallbackPolicy: is mandatory for a calendar of type WeakConstraint"]),
        (
            strong(StartDate=..., EndDate="", ExpirationReminder=..., OverduePolicy=...),
            [
                f"{name}: is mandatory for a calendar of type StrongConstraint"
                for name in ("StartDate", "EndDate", "ExpirationReminder", "OverduePolicy")
            ],
        ),
        (strong(EndDate="2026-01-01"), ["EndDate: not before StartDate, which is 2026-01-02"]),
        (strong(**LONG, EndDate="2031-01-01"), ["EndDate: less than 5 years after StartDate, which is 2026-01-01"]),
        (
            strong(SchedulePolicy={"NormalDates": every_day("2026-01-02", "2026-01-06")}),
            ["SchedulePolicy.NormalDates: dates from 2026-01-02 to 2026-01-05 are expected, not 2026-01-06"],
        ),
        (
            strong(SchedulePolicy={"NormalDates": ["2026-01-05"], "SkipDates": every_day("2025-12-31", "2026-01-05")}),
            [
                "SchedulePolicy.SkipDates: dates from 2026-01-02 to 2026-01-05 are expected, "
                "not 2025-12-31, 2026-01-01",
                "SchedulePolicy.SkipDates: not in NormalDates as well, as 2026-01-05",
            ],
        ),
        (
            strong(EndDate="2026-01-18", SchedulePolicy={"NormalDates": every_day("2026-01-02", "2026-01-06")}),
            [
                "SchedulePolicy: each day of the period is in NormalDates or SkipDates; not yet "
                + ", ".join(every_day("2026-01-07", "2026-01-16"))
                + " and 2 more"
            ],
        ),
    ],
)
def test_faults_say_what_would_be_right(fields: dict[str, Any], faults: list[str]) -> None:
    assert [f"{fault.path}: {fault.message}" for fault in calendar_faults(definition(fields))] == faults


@pytest.mark.parametrize(
    ("start", "end", "right"),
    [
        ("2026-01-01", "2030-12-31", True),
        ("2026-01-01", "2031-01-01", False),
        ("2024-02-29", "2029-02-28", True),
        ("2024-02-29", "2029-03-01", False),
        ("9998-01-01", "9999-12-31", True),
    ],
)
def test_a_period_is_shorter_than_five_years(start: str, end: str, right: bool) -> None:
    asked = strong(StartDate=start, EndDate=end, SchedulePolicy={"NormalDates": every_day(start, end)})
    assert (calendar_faults(definition(asked)) == []) is right


def test_only_absent_fields_count_as_missing() -> None:
    faults = {
        fault.path: fault.missing for fault in calendar_faults(definition(strong(StartDate=..., AllProjects=True)))
    }
    assert faults == {"ProjectIds": False, "StartDate": True}


def test_what_is_stored_is_sorted_and_has_only_its_type_s_fields() -> None:
    dates = {"NormalDates": ["2026-02-28", "2026-01-31", "2026-02-28"], "SkipDates": ["2026-01-01"]}
    stored = definition(weak(ProjectIds=[2, 1, 2], StartDate="2026-01-01", SchedulePolicy=dates)).canonical()
    assert stored.model_dump(by_alias=True, exclude_none=True) == {
        **weak(),
        "AllProjects": False,
        "ProjectIds": (1, 2),
        "SchedulePolicy": {"NormalDates": ("2026-01-31", "2026-02-28"), "SkipDates": ()},
    }
    assert definition(strong(FallbackPolicy="Skip")).canonical().fallback_policy is None


def test_a_stored_calendar_is_read_once() -> None:
    text = definition(weak()).canonical().model_dump_json(by_alias=True, exclude_none=True)
    assert stored_calendar(text) == calendar(weak())
    assert stored_calendar(text) is stored_calendar(str(text.encode(), "utf-8"))
