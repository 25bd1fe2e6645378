"""Days, validity periods and clock changes. Ids C01 to C49 are worked examples of the scheduling reference."""

from datetime import date, datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidemill.domain import schedule
from tidemill.domain.cron import Cron, CycleClass
from tidemill.domain.definitions import WorkflowTrigger
from tidemill.domain.errors import Malformed
from tidemill.domain.moments import moment, wall_clock
from tidemill.domain.schedule import (
    ALWAYS,
    Validity,
    check_trigger,
    expand_day,
    next_times,
    parse_time,
    parse_validity,
)

SHANGHAI, BERLIN = ZoneInfo("Asia/Shanghai"), ZoneInfo("Europe/Berlin")
MONDAY = date(2025, 11, 3)


def walls(text: str, day: date, zone: ZoneInfo = SHANGHAI, validity: Validity = ALWAYS) -> list[str]:
    """Wall clocks of a day's cycles, with `dry` after those that are dry runs."""
    return [
        f"{wall_clock(cycle.trigger_time, zone):%H:%M}{' dry' if cycle.dry_run else ''}"
        for cycle in expand_day(Cron.parse(text), day, zone, validity)
    ]


@pytest.mark.parametrize(
    ("text", "count", "first", "last"),
    [
        pytest.param("00 30 05 * * ?", 1, "05:30", "05:30", id="C01"),
        pytest.param("00 15 00-23/1 * * ?", 24, "00:15", "23:15", id="C02"),
        pytest.param("00 15 * * * ?", 24, "00:15", "23:15", id="C03"),
        pytest.param("00 00/10 * * * ?", 144, "00:00", "23:50", id="C04"),
        pytest.param("00 00-59/10 8-17 * * ?", 60, "08:00", "17:50", id="C05"),
        pytest.param("00 */30 00-23 * * ?", 48, "00:00", "23:30", id="C06"),
        pytest.param("00 00 */6 * * ?", 4, "00:00", "18:00", id="C07"),
        pytest.param("00 00 00-23/6 * * ?", 4, "00:00", "18:00", id="C08"),
        pytest.param("00 00 00-03/1 * * ?", 4, "00:00", "03:00", id="C09"),
        pytest.param("00 00 09,15,21 * * ?", 3, "09:00", "21:00", id="C10"),
        pytest.param("0 0 4 * * ? *", 1, "04:00", "04:00", id="C28"),
        pytest.param("00 00 01 ? * MON", 1, "01:00", "01:00", id="C17"),
    ],
)
def test_a_day_has_one_cycle_for_each_time(text: str, count: int, first: str, last: str) -> None:
    times = walls(text, MONDAY)
    assert (len(times), times[0], times[-1]) == (count, first, last)
    assert [cycle.number for cycle in expand_day(Cron.parse(text), MONDAY, SHANGHAI)] == list(range(1, count + 1))


@pytest.mark.parametrize(
    ("text", "day", "expected"),
    [
        pytest.param("00 20 00 1 * ?", date(2025, 11, 2), ["00:20 dry"], id="C12"),
        pytest.param("00 10 00 1 1-12/3 ?", date(2025, 5, 1), ["00:10 dry"], id="C14"),
        pytest.param("00 05 00 * * 2,5", MONDAY, ["00:05 dry"], id="C16"),
        pytest.param("00 00 02 L * ?", date(2025, 4, 29), ["02:00 dry"], id="C21"),
        pytest.param("00 00 02 1,L 1,4,7,10 ?", date(2025, 7, 31), ["02:00"], id="C22"),
        pytest.param("00 00 00 31 * ?", date(2025, 4, 30), ["00:00 dry"], id="C23"),
        pytest.param("00 00 02 13 * FRI", date(2025, 11, 14), ["02:00 dry"], id="C27"),
        pytest.param("00 00 09,15 ? * MON-FRI", date(2025, 11, 2), ["09:00 dry", "15:00 dry"], id="sub-day, a Sunday"),
    ],
)
def test_a_day_that_does_not_match_is_all_dry_runs(text: str, day: date, expected: list[str]) -> None:
    assert walls(text, day) == expected


@pytest.mark.parametrize(
    ("text", "start", "end", "expected"),
    [
        pytest.param("00 00 */6 * * ?", "2025-11-03 10:00:00", "", ["12:00", "18:00"], id="C31 starts within the day"),
        pytest.param("00 30 05 * * ?", "", "2025-11-02 23:59:59", [], id="C32 expired"),
        pytest.param("00 30 05 * * ?", "", "2025-11-03 05:30:00", ["05:30"], id="the end is inclusive"),
        pytest.param("00 30 05 * * ?", "", "2025-11-03 05:29:59", [], id="a second before the end is outside"),
        pytest.param("00 30 05 * * ?", "2025-11-03 05:30:00", "", ["05:30"], id="the start is inclusive"),
        pytest.param("00 30 05 * * SUN", "2025-11-03 05:30:01", "", [], id="no dry run outside the period"),
        pytest.param("00 30 05 * * ?", "2025-11-04 00:00:00", "", [], id="not begun"),
    ],
)
def test_only_cycles_in_the_validity_period_exist(text: str, start: str, end: str, expected: list[str]) -> None:
    validity = parse_validity(start, end)
    assert walls(text, MONDAY, validity=validity) == expected
    cycles = expand_day(Cron.parse(text), MONDAY, SHANGHAI, validity)
    assert [cycle.number for cycle in cycles] == list(range(1, len(cycles) + 1))


SPRING, AUTUMN = date(2025, 3, 30), date(2025, 10, 26)


def test_c40_no_hourly_cycle_falls_in_the_gap() -> None:
    assert len(walls("00 00 * * * ?", SPRING, BERLIN)) == 23
    assert "02:00" not in walls("00 00 * * * ?", SPRING, BERLIN)


def test_c41_cycles_after_the_gap_keep_their_wall_clocks() -> None:
    assert walls("00 00 01-23/1 * * ?", SPRING, BERLIN)[3] == "05:00"


def test_c42_a_daily_cycle_in_the_gap_moves_an_hour_and_is_a_dry_run() -> None:
    assert walls("00 30 02 * * ?", SPRING, BERLIN) == ["03:30 dry"]


def test_c46_a_repeated_hour_is_kept_at_its_second_occurrence() -> None:
    cycles = expand_day(Cron.parse("00 00 * * * ?"), AUTUMN, BERLIN)
    assert len(cycles) == 24
    assert wall_clock(cycles[2].trigger_time, ZoneInfo("UTC")) == datetime.fromisoformat("2025-10-26T01:00:00Z")


def test_a_daily_cycle_in_the_repeated_hour_runs_once_at_the_second_occurrence() -> None:
    (cycle,) = expand_day(Cron.parse("00 30 02 * * ?"), AUTUMN, BERLIN)
    assert (cycle.trigger_time, cycle.dry_run) == (moment(datetime(2025, 10, 26, 1, 30), ZoneInfo("UTC")), False)


@pytest.mark.parametrize(
    ("zone", "day", "text", "expected"),
    [
        pytest.param(
            "Australia/Lord_Howe", date(2025, 10, 5), "00 15 02 * * ?", ["02:45 dry"], id="a gap of half an hour"
        ),
        pytest.param("Africa/Cairo", date(2025, 4, 25), "00 00 00 * * ?", ["01:00 dry"], id="a gap at midnight"),
        pytest.param("Africa/Cairo", date(2025, 10, 30), "00 30 23 * * ?", ["23:30"], id="a last hour that repeats"),
        pytest.param("Pacific/Apia", date(2011, 12, 30), "00 00 05 * * ?", [], id="a date that never was"),
    ],
)
def test_unusual_clock_changes(zone: str, day: date, text: str, expected: list[str]) -> None:
    assert walls(text, day, ZoneInfo(zone)) == expected


def test_the_next_times_are_those_at_which_something_runs() -> None:
    saturday = moment(datetime(2025, 3, 29, 12), BERLIN)
    upcoming = islice(next_times(Cron.parse("00 30 02 * * ?"), saturday, BERLIN), 2)
    assert [f"{wall_clock(time, BERLIN):%m-%d %H:%M}" for time in upcoming] == ["03-31 02:30", "04-01 02:30"]


def test_the_next_times_end_with_the_validity_period() -> None:
    validity = parse_validity("2025-11-03 10:00:00", "2025-11-04 12:00:00")
    times = next_times(Cron.parse("00 00 */6 * * ?"), 0, SHANGHAI, validity)
    assert [f"{wall_clock(time, SHANGHAI):%d %H}" for time in times] == ["03 12", "03 18", "04 00", "04 06", "04 12"]


FIELDS = st.tuples(
    st.sampled_from(["0", "30", "*/20", "5-50/15", "0,59"]),
    st.sampled_from(["0", "2", "*", "1-3", "*/6", "2,23"]),
    st.sampled_from(["?", "1,L", "*/7"]),
    st.sampled_from(["*", "3,10"]),
    st.sampled_from(["?", "SUN", "0L", "7#5"]),
)
ZONES = st.sampled_from(["UTC", "Asia/Shanghai", "Europe/Berlin", "America/New_York", "Africa/Cairo", "Asia/Kathmandu"])


@given(FIELDS, ZONES, st.dates(date(2024, 1, 1), date(2026, 12, 31)))
def test_a_days_cycles_ascend_within_the_date_and_are_numbered(
    fields: tuple[str, ...], zone_name: str, day: date
) -> None:
    cron, zone = Cron.parse("00 " + " ".join(fields)), ZoneInfo(zone_name)
    cycles = expand_day(cron, day, zone)
    assert [cycle.number for cycle in cycles] == list(range(1, len(cycles) + 1))
    assert sorted({cycle.trigger_time for cycle in cycles}) == [cycle.trigger_time for cycle in cycles]
    assert {wall_clock(cycle.trigger_time, zone).date() for cycle in cycles} <= {day}
    if cron.cycle_class is CycleClass.DAY:
        assert len(cycles) == 1


def test_a_hundred_thousand_tasks_are_planned_without_evaluating_an_expression_twice() -> None:
    texts = [f"00 {n % 60:02} {n % 24:02} * * ?" for n in range(120)] + [f"00 {n % 60}/15 * * * ?" for n in range(60)]
    evaluated = schedule._whole_day.cache_info().misses
    for task in range(100_000):
        validity = ALWAYS._replace(start=datetime(2025, 1, 1) + timedelta(seconds=task))
        expand_day(Cron.parse(texts[task % len(texts)]), date(2028, 11, 3), SHANGHAI, validity)
    assert schedule._whole_day.cache_info().misses - evaluated == len(set(texts))


@pytest.mark.parametrize("text", ["2025-11-03", "2025-11-03T00:00:00", "2025-13-01 00:00:00", "2025-2-1 0:0:0", "x"])
def test_a_time_is_in_the_one_documented_form(text: str) -> None:
    with pytest.raises(Malformed):
        parse_time(text)


def test_absent_ends_of_a_validity_period_have_the_documented_defaults() -> None:
    assert parse_validity(None, "") == (datetime(1970, 1, 1), datetime(9999, 1, 1))


@pytest.mark.parametrize(
    ("trigger", "expected"),
    [
        pytest.param(WorkflowTrigger(type="Scheduler", cron="00 30 05 * * ?"), [], id="a good one"),
        pytest.param(WorkflowTrigger(type="Manual"), [], id="a manual one needs no cron"),
        pytest.param(WorkflowTrigger(type="Scheduler"), ["Trigger.Cron"], id="a scheduled one does"),
        pytest.param(WorkflowTrigger(type="Manual", cron="x"), ["Trigger.Cron"], id="a bad cron is never stored"),
        pytest.param(
            WorkflowTrigger(type="Scheduler", cron="x", start_time="y", end_time="z"),
            ["Trigger.Cron", "Trigger.StartTime", "Trigger.EndTime"],
            id="every fault is told, in document order",
        ),
        pytest.param(
            WorkflowTrigger(
                type="Scheduler",
                cron="00 30 05 * * ?",
                start_time="2025-11-03 00:00:00",
                end_time="2025-11-02 23:59:59",
            ),
            ["Trigger.EndTime"],
            id="the end is before the start",
        ),
        pytest.param(
            WorkflowTrigger(type="Scheduler", cron="00 30 05 * * ?", end_time="1969-12-31 00:00:00"),
            ["Trigger.EndTime"],
            id="the end is before the default start",
        ),
        pytest.param(
            WorkflowTrigger(type="Scheduler", cron="00 30 05 * * ?", start_time="9999-12-31 00:00:00"),
            ["Trigger.EndTime"],
            id="the start is after the default end",
        ),
    ],
)
def test_the_faults_of_a_trigger(trigger: WorkflowTrigger, expected: list[str]) -> None:
    faults, _ = check_trigger(trigger)
    assert [fault.path for fault in faults] == expected


def test_an_installation_may_limit_how_often_and_how_early_a_trigger_fires() -> None:
    often, early = (
        WorkflowTrigger(type="Scheduler", cron="00 * * * * ?"),
        WorkflowTrigger(type="Scheduler", cron="00 04 00 * * ?"),
    )
    assert [fault.message for fault in check_trigger(often, shortest_interval=5)[0]] == [
        "fires every 1 min; here the shortest interval is 5"
    ]
    assert [fault.message for fault in check_trigger(early, earliest_minute=5)[0]] == [
        "fires before 00:05, the earliest time here"
    ]


def test_a_warning_does_not_stop_an_update() -> None:
    faults, warnings = check_trigger(WorkflowTrigger(type="Scheduler", cron="0 0 4 * * ? *"))
    assert (faults, len(warnings)) == ([], 1)
