"""The cron dialect. Ids C01 to C34 are worked examples of the scheduling reference; 2025-11-03 is a Monday."""

import json
from datetime import date, datetime
from itertools import islice
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tidemill.domain.cron import Cron, CycleClass
from tidemill.domain.errors import Malformed
from tidemill.domain.moments import moment, wall_clock
from tidemill.domain.schedule import next_times

DATA = Path(__file__).parent.parent / "data"
VECTORS: list[dict[str, Any]] = json.loads((DATA / "cron-vectors.json").read_text())


def vectors(valid: bool) -> list[Any]:
    return [
        pytest.param(vector, id=f"{vector['cron']} after {vector['after']}")
        for vector in VECTORS
        if vector["valid"] is valid
    ]


@pytest.mark.parametrize("vector", vectors(valid=True))
def test_the_next_times_are_those_of_spring(vector: dict[str, Any]) -> None:
    zone = ZoneInfo(vector["timezone"])
    after = moment(datetime.fromisoformat(vector["after"]), zone)
    times = islice(next_times(Cron.parse(vector["cron"]), after, zone), len(vector["next"]))
    assert [wall_clock(time, zone) for time in times] == [datetime.fromisoformat(time) for time in vector["next"]]


@pytest.mark.parametrize("vector", vectors(valid=False))
def test_what_spring_or_dataworks_refuses_is_refused(vector: dict[str, Any]) -> None:
    with pytest.raises(Malformed):
        Cron.parse(vector["cron"])


def test_all_vectors_are_read() -> None:
    assert len(VECTORS) == 561


MONDAY = date(2025, 11, 3)


@pytest.mark.parametrize(
    ("text", "day", "matches"),
    [
        pytest.param("00 20 00 1 * ?", date(2025, 11, 1), True, id="C11 the first of the month"),
        pytest.param("00 20 00 1 * ?", date(2025, 11, 2), False, id="C12 not the first"),
        pytest.param("00 10 00 1 1-12/3 ?", date(2025, 4, 1), True, id="C13 a step counts from the range's start"),
        pytest.param("00 10 00 1 1-12/3 ?", date(2025, 5, 1), False, id="C14 not a quarter's month"),
        pytest.param("00 05 00 * * 2,5", date(2025, 11, 4), True, id="C15 Tuesday"),
        pytest.param("00 05 00 * * 2,5", date(2025, 11, 7), True, id="C15 Friday"),
        pytest.param("00 05 00 * * 2,5", MONDAY, False, id="C16 Monday is neither"),
        pytest.param("00 00 01 ? * MON", MONDAY, True, id="C17 a weekday by name"),
        pytest.param("00 00 01 ? * 1", MONDAY, True, id="C18 1 is Monday"),
        pytest.param("00 00 01 ? * 0", date(2025, 11, 2), True, id="C19 0 is Sunday"),
        pytest.param("00 00 01 ? * 7", date(2025, 11, 2), True, id="C19 7 is Sunday"),
        pytest.param("00 00 02 L * ?", date(2024, 2, 29), True, id="C20 the last day of a leap February"),
        pytest.param("00 00 02 L * ?", date(2025, 2, 28), True, id="C20 the last day of a February"),
        pytest.param("00 00 02 L * ?", date(2025, 4, 29), False, id="C21 not the last day"),
        pytest.param("00 00 02 1,L 1,4,7,10 ?", date(2025, 7, 31), True, id="C22 first and last of a quarter's month"),
        pytest.param("00 00 00 31 * ?", date(2025, 4, 30), False, id="C23 no 31st, no clamp"),
        pytest.param("00 00 02 ? * 5#2", date(2025, 11, 14), True, id="C24 the second Friday"),
        pytest.param("00 00 02 ? * 5#2", date(2025, 11, 7), False, id="C24 the first Friday is not the second"),
        pytest.param("00 00 02 ? * 5L", date(2025, 11, 28), True, id="C25 the last Friday"),
        pytest.param("00 00 02 ? * 5L", date(2025, 11, 21), False, id="C25 a Friday before the last"),
        pytest.param("00 00 02 13 * FRI", date(2025, 6, 13), True, id="C26 both day fields match"),
        pytest.param("00 00 02 13 * FRI", date(2025, 11, 13), False, id="C27 a Thursday the 13th"),
        pytest.param("00 00 02 13 * FRI", date(2025, 11, 14), False, id="C27 a Friday the 14th"),
        pytest.param("00 00 01 ? * 5-7", date(2025, 11, 7), True, id="C33 Friday"),
        pytest.param("00 00 01 ? * 5-7", date(2025, 11, 8), True, id="C33 Saturday"),
        pytest.param("00 00 01 ? * 5-7", date(2025, 11, 9), True, id="C33 Sunday"),
        pytest.param("00 00 01 ? * 5-7", date(2025, 11, 6), False, id="C33 Thursday"),
        pytest.param("00 00 01 */2 * ?", date(2025, 11, 1), True, id="steps of days count from the first"),
        pytest.param("00 00 01 L 12 ?", date(9999, 12, 31), True, id="the last day there is"),
        pytest.param("00 00 01 ? * fril", date(2025, 11, 28), True, id="the last Friday by name, in small letters"),
    ],
)
def test_the_day_fields_match(text: str, day: date, matches: bool) -> None:
    assert Cron.parse(text).matches(day) is matches


@pytest.mark.parametrize(
    ("text", "cycle_class", "display"),
    [
        pytest.param("00 30 05 * * ?", CycleClass.DAY, "Day", id="C01 daily"),
        pytest.param("00 15 00-23/1 * * ?", CycleClass.HOUR, "Hour", id="C02 hourly in a window"),
        pytest.param("00 00/10 * * * ?", CycleClass.MINUTE, "Minute", id="C04 every ten minutes"),
        pytest.param("00 00-59/10 8-17 * * ?", CycleClass.MINUTE, "Minute", id="C05 the same in a window"),
        pytest.param("00 00 09,15,21 * * ?", CycleClass.HOUR, "Hour", id="C10 a list of times"),
        pytest.param("00 20 00 1 * ?", CycleClass.DAY, "Month", id="C11 monthly"),
        pytest.param("00 00 02 L * ?", CycleClass.DAY, "Month", id="C20 month ends"),
        pytest.param("00 10 00 1 1-12/3 ?", CycleClass.DAY, "Year", id="C13 quarterly"),
        pytest.param("00 05 00 * * 2,5", CycleClass.DAY, "Week", id="C15 weekly"),
        pytest.param("00 00 02 ? * 5#2", CycleClass.DAY, "Week", id="C24 a second Friday"),
        pytest.param("00 00 02-02 * * ?", CycleClass.HOUR, "Hour", id="the text decides, not the number of times"),
    ],
)
def test_an_expression_is_classified(text: str, cycle_class: CycleClass, display: str) -> None:
    cron = Cron.parse(text)
    assert (cron.cycle_class, cron.display_cycle) == (cycle_class, display)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        pytest.param("30 00 00 * * ?", "second `30`: must be `00`", id="C29 seconds"),
        pytest.param("00 00 02 15W * ?", "day-of-month `15W`: `W`, `LW` and `L-n` are not in the dialect", id="C30 W"),
        pytest.param(
            "00 00 01 ? * FRI-MON", "must not run backwards; write `FRI-7,0-MON`", id="C34 an inverted range of names"
        ),
        pytest.param("00 00 22-5 * * ?", "hour `22-5`: a range must not run backwards; write `22-23,0-5`", id="hours"),
        pytest.param("30 05 * * ?", "5 fields where six are expected", id="five fields"),
        pytest.param("30 05 * * ?", "put the second in front: `00 30 05 * * ?`", id="five fields, the remedy"),
        pytest.param("00 00-59/10 8-17 * * * ?", "perhaps `00 00-59/10 8-17 * * ?`", id="the documented misprint"),
        pytest.param("0 0 4 * * ? 2027", "no year field: use StartTime and EndTime", id="a year"),
        pytest.param("", "0 fields where six are expected", id="nothing"),
        pytest.param("00 60 0 * * ?", "minute `60`: `60` is not in 0-59", id="a minute too many"),
        pytest.param("00 0 0 * 13 ?", "month `13`: `13` is not in 1-12 or JAN-DEC", id="a month too many"),
        pytest.param("00 */0 0 * * ?", "minute `*/0`: the step must be at least 1", id="step 0"),
        pytest.param("00 1,,2 0 * * ?", "minute ``: an item is", id="an empty item"),
        pytest.param("00 0 ? * * ?", "hour `?`: `?` stands alone, and only in day-of-month or", id="? for an hour"),
        pytest.param("00 0 0 1,? * ?", "day-of-month `1,?`: `?` stands alone", id="? in a list"),
        pytest.param("00 0 0 ? * 5#6", "day-of-week `5#6`: the number after `#` is 1-5", id="a sixth Friday"),
        pytest.param("00 0 0 ? * L", "day-of-week `L`: `L` goes after a weekday", id="L without a weekday"),
        pytest.param("00 0 0 ? * 8L", "day-of-week `8L`: `8` is not in 0-7 or SUN-SAT", id="a weekday too many"),
        pytest.param("00 ٣ 0 * * ?", "minute `٣`", id="digits of another script"),
    ],
)
def test_a_refusal_names_the_field_and_the_remedy(text: str, says: str) -> None:
    with pytest.raises(Malformed) as refused:
        Cron.parse(text)
    assert says in str(refused.value)


@pytest.mark.parametrize(
    ("text", "warning"),
    [
        pytest.param("0 0 4 * * ? *", "the seventh field (year) is not in the dialect", id="C28 a seventh star"),
        pytest.param("00 00 00 31 2,4 ?", "no date matches", id="a day that its months do not have"),
        pytest.param("00 00 00 1-7 * 5#2", "no date matches", id="a second Friday in the first week"),
    ],
)
def test_an_odd_expression_is_accepted_with_a_warning(text: str, warning: str) -> None:
    (given,) = Cron.parse(text).warnings
    assert given.startswith(warning)


@pytest.mark.parametrize("text", ["00 30 05 * * ?", "00 00 00 29 2 MON", "00 00 02 ? * 0#5"])
def test_an_expression_that_sometimes_fires_warns_of_nothing(text: str) -> None:
    assert Cron.parse(text).warnings == ()


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("0 5 0 * * ?", "00 05 00 * * ?"),
        ("00 0-59/10 8-17 * * ?", "00 00-59/10 08-17 * * ?"),
        (" 00  */05 * 01,l jan mon#2 ", "00 */5 * 1,L JAN MON#2"),
        ("0 0 4 * * ? *", "00 00 04 * * ?"),
        ("0 0 0 ? * 00-07", "00 00 00 ? * 0-7"),
    ],
)
def test_the_canonical_text_is_that_of_the_console(text: str, canonical: str) -> None:
    cron = Cron.parse(text)
    assert (cron.text, cron.canonical) == (text, canonical)
    assert Cron.parse(canonical).minutes_of_day == cron.minutes_of_day


@pytest.mark.parametrize(
    ("text", "minutes"),
    [("00 30 05 * * ?", 1440), ("00 00/25 * * * ?", 10), ("00 00 00-23/5 * * ?", 240), ("00 * * * * ?", 1)],
)
def test_the_shortest_interval_counts_midnight(text: str, minutes: int) -> None:
    assert Cron.parse(text).shortest_interval == minutes


def test_the_same_text_is_parsed_once() -> None:
    assert Cron.parse("00 30 05 * * ?") is Cron.parse("00 30 05 * * ?")


def test_the_next_times_of_an_expression_that_never_fires_end() -> None:
    assert list(next_times(Cron.parse("00 00 00 31 2 ?"), 0, ZoneInfo("Asia/Shanghai"))) == []
