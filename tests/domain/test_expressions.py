"""Value expressions. Ids P01 to P89 and C43 to C49 are worked examples of the scheduling reference."""

import random
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidemill.domain.business_date import bizdate
from tidemill.domain.errors import Malformed
from tidemill.domain.expressions import Base, Expression, add_months
from tidemill.domain.moments import moment

SHANGHAI, BERLIN = ZoneInfo("Asia/Shanghai"), ZoneInfo("Europe/Berlin")


def base(trigger_time: str | int, zone: ZoneInfo = SHANGHAI) -> Base:
    if isinstance(trigger_time, str):
        trigger_time = moment(datetime.fromisoformat(trigger_time), zone)
    return Base(trigger_time, bizdate(trigger_time, zone), zone, workflow_id=100001, task_id=100002, instance_id=100003)


def value(text: str, trigger_time: str | int, zone: ZoneInfo = SHANGHAI) -> str:
    return Expression.parse(text).value(base(trigger_time, zone))


def table(rows: str) -> list[tuple[str, str, str]]:
    """(id, expression, value) of each line."""
    return [(line.split()[0], line.split()[1], line.split()[2]) for line in rows.strip().splitlines()]


BASE_A = table("""
P01 ${yyyymmdd} 20251031
P02 ${yyyy} 2025
P03 ${yy} 25
P04 ${mm} 10
P05 ${dd} 31
P06 ${yyyymm} 202510
P07 ${yyyy-mm-dd} 2025-10-31
P08 ${yymmdd} 251031
P09 $[yyyymm] 202511
P10 $[hh24:mi:ss] 02:30:45
P11 $[yyyymmddhh24miss] 20251101023045
P12 $[yyyy] 2025
P13 $[mm] 11
P14 $[dd] 01
P15 $[hh24] 02
P16 $[hh] 02
P17 $[mi] 30
P18 $[ss] 45
P19 $[yyyy-mm-dd] 2025-11-01
P20 ${yyyymm}01 20251001
""")
BASE_B = table("""
P21 ${yyyy-1} 2024
P22 ${yyyymm-1} 202506
P23 ${mm-1} 06
P24 ${yyyy-mm-dd-29} 2025-06-20
P25 ${yyyy-mm-dd-364} 2024-07-20
P26 ${yyyymmdd-7*1} 20250712
P27 ${yyyymmdd-7*2} 20250705
P28 ${yyyymmdd+1} 20250720
P29 ${dd} 19
P30 $[add_months(yyyymmdd,-1)] 20250620
P31 $[add_months(yyyy-mm-dd,-1)] 2025-06-20
P32 $[add_months(yyyymmdd,-12)] 20240720
P33 $[add_months(yyyy,-12)] 2024
P34 $[add_months(yyyymm,-1)] 202506
P35 $[hh24:mi:ss-1/24/60] 10:29:00
P36 $[hh24:mi:ss-1/24] 09:30:00
P37 $[hh24-1/24] 09
P38 $[hh24miss-15/24/60] 101500
P39 $[yyyymmddhh24miss-1] 20250719103000
P40 $[yyyymmdd-1-1/24] 20250719
P41 $[yyyymmdd-7*2] 20250706
P42 $[yyyymmdd+1] 20250721
P43 $[dd] 20
P44 $[yyyy-mm-dd-1] 2025-07-19
P45 $bizmonth 202506
P46 $gmtdate 20250720
P47 $[yyyymmdd]_$[hh24] 20250720_10
P48 abc abc
""")


@pytest.mark.parametrize(("_id", "text", "expected"), BASE_A, ids=[row[0] for row in BASE_A])
def test_values_of_a_daily_task(_id: str, text: str, expected: str) -> None:
    assert value(text, "2025-11-01 02:30:45") == expected


@pytest.mark.parametrize(("_id", "text", "expected"), BASE_B, ids=[row[0] for row in BASE_B])
def test_values_with_offsets(_id: str, text: str, expected: str) -> None:
    assert value(text, "2025-07-20 10:30:00") == expected


ENDS = [
    ("P51", "2025-11-01 00:00:00", "$bizdate/$cyctime/$gmtdate/$bizmonth", "20251031/20251101000000/20251101/202510"),
    ("P52", "2025-03-31 00:00:00", "$[add_months(yyyymmdd,-1)]", "20250228"),
    ("P53", "2024-03-31 00:00:00", "$[add_months(yyyymmdd,-1)]", "20240229"),
    ("P54", "2025-03-31 00:00:00", "$[add_months(yyyymmdd,1)]", "20250430"),
    ("P55", "2024-02-29 01:00:00", "$[add_months(yyyymmdd,-12)]", "20230228"),
    ("P56", "2024-02-29 01:00:00", "$[add_months(yyyymmdd,12)]", "20250228"),
    ("P57", "2024-03-01 00:05:00", "$bizdate", "20240229"),
    ("P58", "2024-03-01 00:05:00", "$[add_months(yyyymmdd,-12)]", "20230301"),
    ("P59", "2025-03-01 00:00:00", "${yyyymm-1}", "202501"),
    ("P60", "2025-03-01 00:00:00", "$[add_months(yyyymmdd,-1)]", "20250201"),
    ("P61", "2025-03-01 00:00:00", "$bizmonth", "202502"),
    ("P62", "2025-01-01 00:00:00", "${yyyy}/${yyyy-1}", "2024/2023"),
    ("P63", "2025-01-01 00:00:00", "${yyyymm-1}", "202411"),
    ("P64", "2025-01-01 00:00:00", "$[yyyymmddhh24miss-15/24/60]", "20241231234500"),
    ("P65", "2025-01-01 00:00:00", "$[yyyy-15/24/60]", "2024"),
    ("P66", "2025-01-01 00:00:00", "$[yyyymmdd-1/24],$[hh24-1/24]", "20241231,23"),
    ("P67", "2025-01-01 00:00:00", "$[mm-1/24]", "12"),
    ("P68", "2025-01-01 00:00:00", "$[yyyymmdd-1-1/24]", "20241230"),
    ("P69", "2025-01-01 00:00:00", "$bizmonth", "202412"),
    ("P70", "2025-10-17 14:05:09", "$[hh12]/$[hh24]", "02/14"),
    ("P71", "2025-10-17 14:05:09", "$[mi-10/24/60]", "55"),
    ("P72", "2025-10-17 14:05:09", "$[hh24mi-10/24/60]", "1355"),
    ("P73", "2025-10-17 14:05:09", "$[yyyymmddhh24miss+1/24]", "20251017150509"),
    ("P74", "2025-10-17 14:05:09", "$[yyyymmddhh24miss-1-2/24-3/24/60]", "20251016120209"),
    ("P75", "2025-10-17 14:05:09", "$[yyyy/mm/dd],${yyyy/mm/dd}", "2025/10/17,2025/10/16"),
    ("P76", "2025-10-17 00:05:00", "$[hh12]/$[hh24]", "12/00"),
    ("P77", "2025-10-17 00:05:00", "$[yyyymmdd-10/24/60],$[hh24-10/24/60]", "20251016,23"),
    ("P78", "2025-07-27 00:05:00", "$[yyyy-mm]", "2025-07"),
    ("P79", "2019-01-14 01:00:00", "$[yyyy-mm-dd-2]/$[yyyymmdd-2]", "2019-01-12/20190112"),
    ("P80", "2022-11-22 01:00:00", "$bizdate/$[yyyymmddhh24miss]", "20221121/20221122010000"),
    ("P81", "2025-03-15 00:00:00", "${yyyymmdd}/$[yyyymmddhh24miss]", "20250314/20250315000000"),
    ("P82", "2025-03-16 00:00:00", "${yyyymmdd}/$[yyyymmddhh24miss]", "20250315/20250316000000"),
    ("P83", "2025-03-16 00:00:00", "$gmtdate", "20250316"),
    ("P84", "2025-03-16 14:00:00", "$[yyyymmddhh24]/$bizdate", "2025031614/20250315"),
]


@pytest.mark.parametrize(("_id", "trigger_time", "text", "expected"), ENDS, ids=[row[0] for row in ENDS])
def test_values_at_ends_of_months_years_and_days(_id: str, trigger_time: str, text: str, expected: str) -> None:
    assert value(text, trigger_time) == expected


@pytest.mark.parametrize(
    ("trigger_time", "text", "expected"),
    [
        pytest.param("2025-03-30T01:00:00Z", "$[hh24-1/24]", "01", id="C43 an hour before 03:00 is 01:00"),
        pytest.param("2025-03-30T01:00:00Z", "$[hh24-1/24]", "01", id="C44 also for a daily task moved there"),
        pytest.param("2025-03-30T01:00:00Z", "$[hh24mi-10/24/60]", "0150", id="C45 ten minutes before 03:00"),
        pytest.param("2025-10-26T02:00:00Z", "$[hh24-2/24]", "02", id="C47 two hours before 03:00"),
        pytest.param("2025-10-26T01:00:00Z", "$[hh24-1/24]", "02", id="C48 an hour before the second 02:00"),
        pytest.param("2025-10-26T01:00:00Z", "$[hh24mi-10/24/60]", "0250", id="C49 ten minutes before it"),
        pytest.param("2025-03-30T22:30:00Z", "$[yyyymmddhh24-1]", "2025032923", id="a day is 24 hours there too"),
        pytest.param(
            "2025-04-30T00:30:00Z", "$[add_months(yyyymmddhh24mi,-1)]", "202503300330", id="months land after a gap"
        ),
    ],
)
def test_offsets_are_elapsed_time_where_clocks_change(trigger_time: str, text: str, expected: str) -> None:
    milliseconds = int(datetime.fromisoformat(trigger_time).timestamp()) * 1000
    assert value(text, milliseconds, BERLIN) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("$jobid/$nodeid/$taskid", "100001/100002/100003"),
        ("$yyyymmdd/$yyyy/$mm/$dd", "20250719/2025/07/19"),
        ("$bizdate_$cyctime", "20250719_20250720103000"),
        ("${YYYY-MM-DD}T$[HH24:MI]", "2025-07-19T10:30"),
        ("$[add_months(yyyymmdd,-1)-1/24]", "20250620"),
        ("$[ADD_MONTHS(yyyymmddhh24,-12*1)-11/24]", "2024071923"),
        ("$[add_months(yyyymm,+1)]", "202508"),
        ("${yyyymmdd-1-1}", "20250717"),
        ("$[hh24.mi]", "10.30"),
        ("${yyyy年mm月}", "2025年07月"),
        ("${bdp.system.bizdate}/${bdp.system.cyctime}", "20250719/20250720103000"),
        ("", ""),
        ("a}b]c$", "a}b]c$"),
        ("100$/$1", "100$/$1"),
    ],
)
def test_further_forms(text: str, expected: str) -> None:
    assert value(text, "2025-07-20 10:30:00") == expected


@pytest.mark.parametrize(
    ("text", "says"),
    [
        pytest.param("${yyyy-mm-dd-1/24}", "is offset by `-1/24`, but a business date moves by whole", id="P85"),
        pytest.param("${yyyymmddhh24}", "has `hh24`, but a business date has no time: use `$[…]`", id="P86"),
        pytest.param("$[yyyy-mm-dd hh24:mi:ss]", "has a blank: declare two parameters", id="P87"),
        pytest.param("${b}", "`${b}` is not a date format: `b` is none of yyyy yy mm dd", id="S08"),
        pytest.param("${yyyymmdd", "has no closing `}`", id="an open brace"),
        pytest.param("$[yyyymmdd", "has no closing `]`", id="an open bracket"),
        pytest.param(
            "${yyyymm01}", "a constant goes outside the brackets, as in `${yyyymm}01`", id="a constant inside"
        ),
        pytest.param("${}", "`${}` is not a date format", id="nothing"),
        pytest.param("$[-]", "`$[-]` is not a date format", id="no token"),
        pytest.param("${yyyy-1.5}", "is offset by `-1.5`", id="a decimal"),
        pytest.param("$[yyyymmdd-1/12]", "write `±N` days, `±N/24` hours or `±N/24/60` minutes", id="another fraction"),
        pytest.param("$[add_months(yyyymmdd)]", "write `$[add_months(yyyymmdd,-1)]`", id="no number of months"),
        pytest.param("$[add_months(yyyymmdd-1,-1)]", "is not a date format: a constant", id="an offset in the format"),
        pytest.param("${yyyy-1001}", "is offset by more than 1000 years", id="too many years"),
        pytest.param("$[add_months(yyyy,12*2000)]", "is offset by more than 1000 years", id="too many months"),
        pytest.param("${workflow.env}", "belongs in the script", id="an outer level"),
        pytest.param("${yyyy${mm}}", "is not a date format", id="nested"),
    ],
)
def test_a_refusal_says_what_would_be_right(text: str, says: str) -> None:
    with pytest.raises(Malformed) as refused:
        Expression.parse(text)
    assert says in str(refused.value)


@pytest.mark.parametrize(
    ("text", "warnings"),
    [
        ("$[yyyy-1]", ["`$[yyyy-1]` moves by days and shows none; for months use `$[add_months(yyyy,-1)]`"]),
        ("$[mm-1]", ["`$[mm-1]` moves by days and shows none; for months use `$[add_months(mm,-1)]`"]),
        ("$[yyyy-15/24/60]", []),
        ("$[yyyymmdd-1]", []),
        ("$[hh24-1]", []),
        ("$HOME/x", ["`$HOME` is not a built-in parameter; it is kept as text"]),
        ("$bizdate01", ["`$bizdate01` is not a built-in parameter; it is kept as text"]),
    ],
)
def test_doubtful_expressions_are_warned_of(text: str, warnings: list[str]) -> None:
    assert list(Expression.parse(text).warnings) == warnings


def test_a_shift_by_days_of_a_format_without_days_is_still_by_days() -> None:
    assert value("$[yyyy-1]/$[mm-1]", "2025-01-01 00:00:00") == "2024/12"


TEXTS = [row[1] for row in BASE_A + BASE_B] + [row[2] for row in ENDS]
MILLISECONDS = st.integers(0, 4_000_000_000_000)


@given(MILLISECONDS, st.sampled_from([SHANGHAI, BERLIN]), st.randoms(use_true_random=False))
def test_values_depend_on_nothing_but_their_base(milliseconds: int, zone: ZoneInfo, order: random.Random) -> None:
    first = {text: Expression.parse(text).value(base(milliseconds, zone)) for text in TEXTS}
    shuffled = order.sample(TEXTS, len(TEXTS))
    assert {text: Expression.parse(text).value(base(milliseconds, zone)) for text in shuffled} == first


@given(st.datetimes(datetime(1990, 1, 1), datetime(2090, 1, 1)), st.integers(-1000, 1000))
def test_months_clamp_to_the_last_day(day: datetime, months: int) -> None:
    shifted = add_months(day, months)
    assert shifted.year * 12 + shifted.month == day.year * 12 + day.month + months
    assert shifted.time() == day.time()
    assert shifted.day == day.day or (shifted.day < day.day and (shifted + timedelta(days=1)).day == 1)


@given(MILLISECONDS, st.integers(-400, 400), st.integers(-400, 400), st.integers(-400, 400))
def test_offsets_of_the_trigger_time_are_durations(milliseconds: int, days: int, hours: int, minutes: int) -> None:
    text = f"$[yyyymmddhh24miss{days:+}{hours:+}/24{minutes:+}/24/60]"
    then = datetime.fromtimestamp(milliseconds // 1000, UTC) + timedelta(days=days, hours=hours, minutes=minutes)
    assert value(text, milliseconds, BERLIN) == f"{then.astimezone(BERLIN):%Y%m%d%H%M%S}"


@given(st.text(st.sampled_from("$[]{}()ymdhis24+-*/,1 _abz=."), max_size=30))
def test_any_text_is_either_a_value_or_malformed(text: str) -> None:
    try:
        Expression.parse(text).value(base("2025-07-20 10:30:00"))
    except Malformed:
        pass
