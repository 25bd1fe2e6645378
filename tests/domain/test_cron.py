"""Cron: Spring's own vectors, and the worked examples C01 to C49 of the reference."""

import json
from datetime import date, datetime
from itertools import islice
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from tidemill.domain.cron import InvalidCron, check_trigger_times, expand_day, next_times, parse_cron

VECTORS = json.loads((Path(__file__).parents[1] / "data" / "cron-vectors.json").read_text())
SHANGHAI = "Asia/Shanghai"


def test_valid_vectors_trigger_when_spring_says() -> None:
    wrong = []
    for vector in VECTORS:
        if vector["valid"]:
            zone = ZoneInfo(vector["timezone"])
            after = datetime.fromisoformat(vector["after"]).replace(tzinfo=zone)
            expected = [datetime.fromisoformat(text) for text in vector["next"]]
            if list(islice(next_times(parse_cron(vector["cron"]), after), len(expected))) != expected:
                wrong.append(vector["cron"])
    assert not wrong


@pytest.mark.parametrize("cron", [vector["cron"] for vector in VECTORS if not vector["valid"]])
def test_what_spring_or_dataworks_refuses_is_refused(cron: str) -> None:
    with pytest.raises(InvalidCron):
        parse_cron(cron)


def hours(cron: str, day: str, zone: str = SHANGHAI, **validity: str) -> list[str]:
    """The cycles of a day as HH:MM, dry runs marked."""
    cycles = expand_day(cron, date.fromisoformat(day), zone, **validity)
    there = ZoneInfo(zone)
    assert [cycle.number for cycle in cycles] == list(range(1, len(cycles) + 1))
    return [
        f"{datetime.fromtimestamp(c.trigger_time / 1000, there):%H:%M}{' dry' if c.dry_run else ''}" for c in cycles
    ]


@pytest.mark.parametrize(
    ("cron", "day", "count", "first", "last", "cycle"),
    [
        pytest.param("00 30 05 * * ?", "2025-11-03", 1, "05:30", "05:30", "day", id="C01"),
        pytest.param("00 15 00-23/1 * * ?", "2025-11-03", 24, "00:15", "23:15", "hour", id="C02"),
        pytest.param("00 15 * * * ?", "2025-11-03", 24, "00:15", "23:15", "hour", id="C03"),
        pytest.param("00 00/10 * * * ?", "2025-11-03", 144, "00:00", "23:50", "minute", id="C04"),
        pytest.param("00 00-59/10 8-17 * * ?", "2025-11-03", 60, "08:00", "17:50", "minute", id="C05"),
        pytest.param("00 */30 00-23 * * ?", "2025-11-03", 48, "00:00", "23:30", "minute", id="C06"),
        pytest.param("00 00 */6 * * ?", "2025-11-03", 4, "00:00", "18:00", "hour", id="C07"),
        pytest.param("00 00 00-23/6 * * ?", "2025-11-03", 4, "00:00", "18:00", "hour", id="C08"),
        pytest.param("00 00 00-03/1 * * ?", "2025-11-03", 4, "00:00", "03:00", "hour", id="C09"),
        pytest.param("00 00 09,15,21 * * ?", "2025-11-03", 3, "09:00", "21:00", "hour", id="C10"),
        pytest.param("00 20 00 1 * ?", "2025-11-01", 1, "00:20", "00:20", "month", id="C11"),
        pytest.param("00 20 00 1 * ?", "2025-11-02", 1, "00:20 dry", "00:20 dry", "month", id="C12"),
        pytest.param("00 10 00 1 1-12/3 ?", "2025-04-01", 1, "00:10", "00:10", "year", id="C13"),
        pytest.param("00 10 00 1 1-12/3 ?", "2025-05-01", 1, "00:10 dry", "00:10 dry", "year", id="C14"),
        pytest.param("00 05 00 * * 2,5", "2025-11-04", 1, "00:05", "00:05", "week", id="C15"),
        pytest.param("00 05 00 * * 2,5", "2025-11-03", 1, "00:05 dry", "00:05 dry", "week", id="C16"),
        pytest.param("00 00 01 ? * MON", "2025-11-03", 1, "01:00", "01:00", "week", id="C17"),
        pytest.param("00 00 01 ? * 1", "2025-11-03", 1, "01:00", "01:00", "week", id="C18"),
        pytest.param("00 00 01 ? * 0", "2025-11-02", 1, "01:00", "01:00", "week", id="C19-0"),
        pytest.param("00 00 01 ? * 7", "2025-11-02", 1, "01:00", "01:00", "week", id="C19-7"),
        pytest.param("00 00 02 L * ?", "2024-02-29", 1, "02:00", "02:00", "month", id="C20-leap"),
        pytest.param("00 00 02 L * ?", "2025-02-28", 1, "02:00", "02:00", "month", id="C20"),
        pytest.param("00 00 02 L * ?", "2025-04-29", 1, "02:00 dry", "02:00 dry", "month", id="C21"),
        pytest.param("00 00 02 1,L 1,4,7,10 ?", "2025-07-31", 1, "02:00", "02:00", "year", id="C22"),
        pytest.param("00 00 00 31 * ?", "2025-04-30", 1, "00:00 dry", "00:00 dry", "month", id="C23"),
        pytest.param("00 00 02 ? * 5#2", "2025-11-14", 1, "02:00", "02:00", "week", id="C24"),
        pytest.param("00 00 02 ? * 5L", "2025-11-28", 1, "02:00", "02:00", "week", id="C25"),
        pytest.param("00 00 02 13 * FRI", "2025-06-13", 1, "02:00", "02:00", "week", id="C26"),
        pytest.param("00 00 02 13 * FRI", "2025-11-13", 1, "02:00 dry", "02:00 dry", "week", id="C27"),
        pytest.param("0 0 4 * * ? *", "2025-11-03", 1, "04:00", "04:00", "day", id="C28"),
        pytest.param("00 00 01 ? * 5-7", "2025-11-09", 1, "01:00", "01:00", "week", id="C33"),
    ],
)
def test_a_day_has_these_cycles(cron: str, day: str, count: int, first: str, last: str, cycle: str) -> None:
    found = hours(cron, day)
    assert (len(found), found[0], found[-1]) == (count, first, last)
    assert parse_cron(cron).cycle == cycle


def test_c28_seventh_field_is_left_out_with_a_warning() -> None:
    assert parse_cron("0 0 4 * * ? *").warnings


@pytest.mark.parametrize(
    ("cron", "says"),
    [
        pytest.param("30 00 00 * * ?", "second: 00 is expected", id="C29"),
        pytest.param("00 00 02 15W * ?", "no W", id="C30"),
        pytest.param("00 00 01 ? * FRI-MON", "backwards", id="C34"),
        pytest.param(
            "00 00-59/10 8-17 * * * ?", "00 00-59/10 8-17 \\* \\* \\?", id="the likely fix of a seventh field"
        ),
        pytest.param("0 0 * * *", "six fields", id="five fields"),
        pytest.param("00 00/0 * * * ?", "step of 0", id="step 0"),
    ],
)
def test_an_error_names_the_field_and_what_would_be_right(cron: str, says: str) -> None:
    with pytest.raises(InvalidCron, match=says):
        parse_cron(cron)


def test_c31_and_c32_the_validity_period_leaves_cycles_out() -> None:
    assert hours("00 00 */6 * * ?", "2025-11-03", start="2025-11-03 10:00:00") == ["12:00", "18:00"]
    assert hours("00 30 05 * * ?", "2025-11-03", end="2025-11-02 23:59:59") == []
    assert hours("00 00 */6 * * ?", "2025-11-03", start="2025-11-03 06:00:00", end="2025-11-03 12:00:00") == [
        "06:00",
        "12:00",
    ]


@pytest.mark.parametrize(
    ("cron", "day", "index", "expected", "count"),
    [
        pytest.param("00 00 * * * ?", "2025-03-30", 2, "03:00", 23, id="C40"),
        pytest.param("00 00 01-23/1 * * ?", "2025-03-30", 3, "05:00", 22, id="C41"),
        pytest.param("00 30 02 * * ?", "2025-03-30", 0, "03:30 dry", 1, id="C42"),
        pytest.param("00 00 * * * ?", "2025-10-26", 2, "02:00", 24, id="C46"),
        pytest.param("00 30 02 * * ?", "2025-10-26", 0, "02:30", 1, id="day-class in the repeated hour"),
    ],
)
def test_clock_changes_in_berlin(cron: str, day: str, index: int, expected: str, count: int) -> None:
    found = hours(cron, day, "Europe/Berlin")
    assert (found[index], len(found)) == (expected, count)


def test_c46_the_repeated_hour_counts_at_its_second_pass() -> None:
    cycle = expand_day("00 00 * * * ?", date(2025, 10, 26), "Europe/Berlin")[2]
    assert cycle.trigger_time == datetime.fromisoformat("2025-10-26T01:00:00+00:00").timestamp() * 1000


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("0 5 0 * * ?", "00 05 00 * * ?"),
        ("0 0-59/10 8-17 * * ?", "00 00-59/10 08-17 * * ?"),
        ("00 */5 1,2 L * ?", "00 */5 01,02 L * ?"),
    ],
)
def test_canonical_text_has_two_digits(text: str, canonical: str) -> None:
    assert parse_cron(text).canonical == canonical


def test_a_validity_period_is_checked() -> None:
    assert check_trigger_times("1970-01-01 00:00:00", "9999-01-01 00:00:00") == []
    assert [name for name, _ in check_trigger_times("today", "2025-1-1")] == ["StartTime", "EndTime"]
    assert check_trigger_times("2025-02-01 00:00:00", "2025-01-01 00:00:00")[0][0] == "EndTime"
