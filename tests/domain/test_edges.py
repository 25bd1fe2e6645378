"""Edges between instances. Ids D01 to D25 are worked examples of the scheduling reference; 2025-11-03 is a Monday."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidemill.domain.cron import Cron, CycleClass
from tidemill.domain.edges import DaySchedule, cross_cycle_edges, same_cycle_edges, self_edges
from tidemill.domain.moments import wall_clock
from tidemill.domain.schedule import expand_day

SHANGHAI = ZoneInfo("Asia/Shanghai")
MONDAY = date(2025, 11, 3)
HOURLY, HALF_HOURLY, MIDNIGHT = "00 00 * * * ?", "00 */30 * * * ?", "00 00 00 * * ?"


def day(text: str, run_date: date = MONDAY, self_dependent: bool = False) -> DaySchedule:
    """The schedule of a cron expression, or of a list of hours as in `00,08,16`."""
    cron = Cron.parse(text if " " in text else f"00 00 {text} * * ?")
    times = tuple(cycle.trigger_time for cycle in expand_day(cron, run_date, SHANGHAI))
    return DaySchedule(times, cron.cycle_class, self_dependent)


def clock(schedule: DaySchedule, index: int) -> str:
    return f"{wall_clock(schedule.times[index], SHANGHAI):%H:%M}".removesuffix(":00")


def picked(edges: list[range], upstream: DaySchedule, downstream: DaySchedule) -> dict[str, str]:
    """Downstream's clock: upstream's clocks; a `-` in front is the previous run date."""
    return {
        clock(downstream, k): " ".join(("-" if index < 0 else "") + clock(upstream, index) for index in indexes)
        for k, indexes in enumerate(edges)
    }


def same(upstream: DaySchedule, downstream: DaySchedule) -> dict[str, str]:
    return picked(same_cycle_edges(upstream, downstream), upstream, downstream)


def cross(upstream: DaySchedule, downstream: DaySchedule) -> dict[str, str]:
    """With an equal day before."""
    return picked(cross_cycle_edges(upstream, upstream, downstream), upstream, downstream)


ALL_HOURS = " ".join(f"{hour:02}" for hour in range(24))


@pytest.mark.parametrize(
    ("upstream", "downstream", "edges"),
    [
        pytest.param(day("07"), day("00,08,16"), {"00": "07", "08": "07", "16": "07"}, id="D01"),
        pytest.param(day("07"), day("00,08,16", self_dependent=True), {"00": "07", "08": "", "16": ""}, id="D02"),
        pytest.param(day(HOURLY), day(MIDNIGHT), {"00": ALL_HOURS}, id="D03"),
        pytest.param(day(HOURLY, self_dependent=True), day("12"), {"12": "12"}, id="D04"),
        pytest.param(day(HOURLY, self_dependent=True), day(MIDNIGHT), {"00": "00"}, id="D05"),
        pytest.param(day("06,12", self_dependent=True), day("00 30 00 * * ?"), {"00:30": "06"}, id="D06"),
        pytest.param(day("00,08,16"), day("01,02,03"), {"01": "00", "02": "08", "03": "16"}, id="D07"),
        pytest.param(day("00,06,12,18"), day("00,08,16"), {"00": "00", "08": "06", "16": "12"}, id="D08"),
        pytest.param(day("00,08,16"), day("00,06,12,18"), {"00": "00", "06": "00", "12": "08", "18": "16"}, id="D09"),
        pytest.param(day("00,06,12,18"), day("00,12"), {"00": "00", "12": "06 12"}, id="D10"),
        pytest.param(
            day("00 00 */2 * * ?"),
            day("08,12,16,20"),
            {"08": "00 02 04 06 08", "12": "10 12", "16": "14 16", "20": "18 20"},
            id="D11",
        ),
        pytest.param(day("06,12,18"), day("05,07"), {"05": "06", "07": "06"}, id="D12"),
        pytest.param(day("03,05"), day("09"), {"09": "03 05"}, id="a daily task waits for the whole day"),
        pytest.param(DaySchedule((), CycleClass.DAY), day("05,07"), {"05": "", "07": ""}, id="an empty upstream"),
    ],
)
def test_same_cycle_edges(upstream: DaySchedule, downstream: DaySchedule, edges: dict[str, str]) -> None:
    assert same(upstream, downstream) == edges


@pytest.mark.parametrize(
    ("upstream", "downstream", "edges"),
    [
        pytest.param(day(HALF_HOURLY), day(HOURLY), {"00": "00", "01": "00:30 01", "02": "01:30 02"}, id="D13"),
        pytest.param(
            day(HALF_HOURLY, self_dependent=True),
            day(HOURLY, self_dependent=True),
            {"00": "00", "01": "01", "02": "02"},
            id="D14",
        ),
        pytest.param(day(HOURLY), day(HALF_HOURLY), {"00": "00", "00:30": "00", "01": "01", "01:30": "01"}, id="D15"),
    ],
)
def test_same_cycle_edges_of_the_first_cycles(
    upstream: DaySchedule, downstream: DaySchedule, edges: dict[str, str]
) -> None:
    found = same(upstream, downstream)
    assert {clock: found[clock] for clock in edges} == edges


WEEKLY = "00 00 02 ? * MON,FRI"


@pytest.mark.parametrize("run_date", [MONDAY, date(2025, 11, 4)], ids=["D17 Monday", "D16 Tuesday"])
def test_dry_runs_take_part_in_edges(run_date: date) -> None:
    assert same(day(WEEKLY, run_date), day("03", run_date)) == {"03": "02"}
    assert same(day("03", run_date), day(WEEKLY, run_date)) == {"02": "03"}


def test_g10_all_that_a_replacement_left_of_a_daily_upstream_count() -> None:
    left = DaySchedule(day("00,06,12,16").times, CycleClass.DAY)
    assert same(left, day("20")) == {"20": "00 06 12 16"}


def test_equal_counts_of_unequal_classes_go_by_time() -> None:
    by_minute = day("00 0,10,20 5 * * ?")
    assert by_minute.cycle_class is CycleClass.MINUTE
    assert same(by_minute, day("01,05,06")) == {"01": "05", "05": "05", "06": "05:10 05:20"}


@pytest.mark.parametrize(
    ("upstream", "downstream", "edges"),
    [
        pytest.param(day("02"), day("03"), {"03": "-02"}, id="day on day"),
        pytest.param(day(HOURLY), day("03"), {"03": " ".join(f"-{h:02}" for h in range(24))}, id="D19"),
        pytest.param(day(HOURLY, self_dependent=True), day("03"), {"03": "-23"}, id="D20"),
        pytest.param(day("01,02,03"), day("01,02,03"), {"01": "-03", "02": "01", "03": "02"}, id="D18, three hours"),
        pytest.param(day("02"), day("01,05"), {"01": "-02", "05": "-02"}, id="sub-day on day"),
        pytest.param(day("02"), day("01,05", self_dependent=True), {"01": "-02", "05": ""}, id="only the first"),
        pytest.param(
            day("00,06,12,18"), day("00,12"), {"00": "-18", "12": "06"}, id="the one before the same-cycle rule's last"
        ),
    ],
)
def test_cross_cycle_edges(upstream: DaySchedule, downstream: DaySchedule, edges: dict[str, str]) -> None:
    assert cross(upstream, downstream) == edges


def test_d18_hourly_on_hourly_crosses_midnight() -> None:
    found = cross(day(HOURLY), day(HOURLY))
    assert (found["00"], found["02"]) == ("-23", "01")


def test_d21_a_task_waits_for_yesterdays_instances_of_its_children() -> None:
    assert [cross(day(child), day("02")) for child in ("03", "04")] == [{"02": "-03"}, {"02": "-04"}]


def test_d24_a_task_may_wait_for_today_and_yesterday_of_one_upstream() -> None:
    assert (same(day("02"), day("03")), cross(day("02"), day("03"))) == ({"03": "02"}, {"03": "-02"})


NOTHING = DaySchedule((), CycleClass.DAY)


def test_d23_without_a_previous_cycle_there_is_no_edge() -> None:
    assert self_edges(NOTHING, day("02")) == [range(0)]
    assert [list(edge) for edge in cross_cycle_edges(NOTHING, day("02"), day("03"))] == [[]]
    nothing = DaySchedule((), CycleClass.HOUR, self_dependent=True)
    assert [list(edge) for edge in cross_cycle_edges(nothing, day("01,02"), day("03"))] == [[]]
    assert [list(edge) for edge in cross_cycle_edges(nothing, day("01,02"), day("01,02"))] == [[], [0]]


def test_d02_a_self_dependent_task_is_a_chain_across_days() -> None:
    today = day("00,08,16")
    assert picked(self_edges(today, today), today, today) == {"00": "-16", "08": "00", "16": "08"}


def test_d25_the_chain_of_a_monthly_task_passes_its_dry_runs() -> None:
    monthly, last_of_month = day("00 00 02 1 * ?", date(2025, 11, 1)), day("00 00 02 1 * ?", date(2025, 10, 31))
    assert self_edges(last_of_month, monthly) == [range(-1, 0)]


TIMES = st.lists(st.integers(0, 12), min_size=1, max_size=8, unique=True).map(lambda times: tuple(sorted(times)))
SUB_DAY = st.builds(DaySchedule, TIMES, st.sampled_from([CycleClass.HOUR, CycleClass.MINUTE]), st.booleans())
DAILY = st.builds(DaySchedule, TIMES.map(lambda times: times[:1]), st.just(CycleClass.DAY), st.booleans())
SCHEDULES = st.one_of(SUB_DAY, DAILY)


def as_published(upstream: DaySchedule, downstream: DaySchedule, k: int) -> set[int]:
    """The table of rules read word by word: times of the upstream cycles that downstream cycle `k` waits for."""
    u, v = upstream.times, downstream.times
    up_daily, down_daily = upstream.cycle_class is CycleClass.DAY, downstream.cycle_class is CycleClass.DAY
    not_later = [time for time in u if time <= v[k]]
    if up_daily and down_daily:
        return {u[0]}
    if up_daily:
        return {u[0]} if not downstream.self_dependent or k == 0 else set()
    if down_daily and not upstream.self_dependent:
        return set(u)
    if not down_daily and upstream.cycle_class is downstream.cycle_class and len(u) == len(v):
        return {u[k]}
    since_previous = [time for time in not_later if k == 0 or time > v[k - 1]]
    if not upstream.self_dependent and not down_daily and since_previous:
        return set(since_previous)
    return {not_later[-1]} if not_later else {u[0]}


@given(SCHEDULES, SCHEDULES)
def test_edges_are_those_of_the_published_rules(upstream: DaySchedule, downstream: DaySchedule) -> None:
    edges = same_cycle_edges(upstream, downstream)
    assert [{upstream.times[i] for i in picks} for picks in edges] == [
        as_published(upstream, downstream, k) for k in range(len(downstream.times))
    ]


@given(SUB_DAY, SUB_DAY)
def test_cross_cycle_edges_come_before_same_cycle_edges(upstream: DaySchedule, downstream: DaySchedule) -> None:
    for before, here in zip(
        cross_cycle_edges(upstream, upstream, downstream), same_cycle_edges(upstream, downstream), strict=True
    ):
        assert list(before) == [here[-1] - 1]


def test_a_day_of_minutes_on_a_day_of_minutes_is_quick_work() -> None:
    start = int(datetime(2025, 11, 3).timestamp() * 1000)
    minutes = DaySchedule(tuple(start + 60_000 * n for n in range(1440)), CycleClass.MINUTE)
    assert len(same_cycle_edges(minutes, minutes)) == timedelta(days=1) // timedelta(minutes=1)
