"""Scheduling parameters: the worked examples P01 to P89 and S01 to S15 of the reference, and what holds of all."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidemill.domain.expressions import InvalidExpression, Moment, add_months, parse_value
from tidemill.domain.parameters import (
    InvalidParameters,
    Resolved,
    check_parameters,
    declare,
    render,
    resolve,
    undeclared,
)

# fmt: off
EXAMPLES = [
    ("P01", "2025-11-01 02:30:45", "${yyyymmdd}", "20251031"),
    ("P11", "2025-11-01 02:30:45", "$[yyyymmddhh24miss]", "20251101023045"),
    ("P02", "2025-11-01 02:30:45", "${yyyy}", "2025"),
    ("P12", "2025-11-01 02:30:45", "$[yyyy]", "2025"),
    ("P03", "2025-11-01 02:30:45", "${yy}", "25"),
    ("P13", "2025-11-01 02:30:45", "$[mm]", "11"),
    ("P04", "2025-11-01 02:30:45", "${mm}", "10"),
    ("P14", "2025-11-01 02:30:45", "$[dd]", "01"),
    ("P05", "2025-11-01 02:30:45", "${dd}", "31"),
    ("P15", "2025-11-01 02:30:45", "$[hh24]", "02"),
    ("P06", "2025-11-01 02:30:45", "${yyyymm}", "202510"),
    ("P16", "2025-11-01 02:30:45", "$[hh]", "02"),
    ("P07", "2025-11-01 02:30:45", "${yyyy-mm-dd}", "2025-10-31"),
    ("P17", "2025-11-01 02:30:45", "$[mi]", "30"),
    ("P08", "2025-11-01 02:30:45", "${yymmdd}", "251031"),
    ("P18", "2025-11-01 02:30:45", "$[ss]", "45"),
    ("P09", "2025-11-01 02:30:45", "$[yyyymm]", "202511"),
    ("P19", "2025-11-01 02:30:45", "$[yyyy-mm-dd]", "2025-11-01"),
    ("P10", "2025-11-01 02:30:45", "$[hh24:mi:ss]", "02:30:45"),
    ("P20", "2025-11-01 02:30:45", "${yyyymm}01", "20251001"),
    ("P21", "2025-07-20 10:30:00", "${yyyy-1}", "2024"),
    ("P35", "2025-07-20 10:30:00", "$[hh24:mi:ss-1/24/60]", "10:29:00"),
    ("P22", "2025-07-20 10:30:00", "${yyyymm-1}", "202506"),
    ("P36", "2025-07-20 10:30:00", "$[hh24:mi:ss-1/24]", "09:30:00"),
    ("P23", "2025-07-20 10:30:00", "${mm-1}", "06"),
    ("P37", "2025-07-20 10:30:00", "$[hh24-1/24]", "09"),
    ("P24", "2025-07-20 10:30:00", "${yyyy-mm-dd-29}", "2025-06-20"),
    ("P38", "2025-07-20 10:30:00", "$[hh24miss-15/24/60]", "101500"),
    ("P25", "2025-07-20 10:30:00", "${yyyy-mm-dd-364}", "2024-07-20"),
    ("P39", "2025-07-20 10:30:00", "$[yyyymmddhh24miss-1]", "20250719103000"),
    ("P26", "2025-07-20 10:30:00", "${yyyymmdd-7*1}", "20250712"),
    ("P40", "2025-07-20 10:30:00", "$[yyyymmdd-1-1/24]", "20250719"),
    ("P27", "2025-07-20 10:30:00", "${yyyymmdd-7*2}", "20250705"),
    ("P41", "2025-07-20 10:30:00", "$[yyyymmdd-7*2]", "20250706"),
    ("P28", "2025-07-20 10:30:00", "${yyyymmdd+1}", "20250720"),
    ("P42", "2025-07-20 10:30:00", "$[yyyymmdd+1]", "20250721"),
    ("P29", "2025-07-20 10:30:00", "${dd}", "19"),
    ("P43", "2025-07-20 10:30:00", "$[dd]", "20"),
    ("P30", "2025-07-20 10:30:00", "$[add_months(yyyymmdd,-1)]", "20250620"),
    ("P44", "2025-07-20 10:30:00", "$[yyyy-mm-dd-1]", "2025-07-19"),
    ("P31", "2025-07-20 10:30:00", "$[add_months(yyyy-mm-dd,-1)]", "2025-06-20"),
    ("P45", "2025-07-20 10:30:00", "$bizmonth", "202506"),
    ("P32", "2025-07-20 10:30:00", "$[add_months(yyyymmdd,-12)]", "20240720"),
    ("P46", "2025-07-20 10:30:00", "$gmtdate", "20250720"),
    ("P33", "2025-07-20 10:30:00", "$[add_months(yyyy,-12)]", "2024"),
    ("P47", "2025-07-20 10:30:00", "$[yyyymmdd]_$[hh24]", "20250720_10"),
    ("P34", "2025-07-20 10:30:00", "$[add_months(yyyymm,-1)]", "202506"),
    ("P48", "2025-07-20 10:30:00", "abc", "abc"),
    ("P51a", "2025-11-01 00:00:00", "$bizdate", "20251031"),
    ("P51b", "2025-11-01 00:00:00", "$cyctime", "20251101000000"),
    ("P51c", "2025-11-01 00:00:00", "$gmtdate", "20251101"),
    ("P51d", "2025-11-01 00:00:00", "$bizmonth", "202510"),
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
    ("P62a", "2025-01-01 00:00:00", "${yyyy}", "2024"),
    ("P62b", "2025-01-01 00:00:00", "${yyyy-1}", "2023"),
    ("P63", "2025-01-01 00:00:00", "${yyyymm-1}", "202411"),
    ("P64", "2025-01-01 00:00:00", "$[yyyymmddhh24miss-15/24/60]", "20241231234500"),
    ("P65", "2025-01-01 00:00:00", "$[yyyy-15/24/60]", "2024"),
    ("P66a", "2025-01-01 00:00:00", "$[yyyymmdd-1/24]", "20241231"),
    ("P66b", "2025-01-01 00:00:00", "$[hh24-1/24]", "23"),
    ("P67", "2025-01-01 00:00:00", "$[mm-1/24]", "12"),
    ("P68", "2025-01-01 00:00:00", "$[yyyymmdd-1-1/24]", "20241230"),
    ("P69", "2025-01-01 00:00:00", "$bizmonth", "202412"),
    ("P70a", "2025-10-17 14:05:09", "$[hh12]", "02"),
    ("P70b", "2025-10-17 14:05:09", "$[hh24]", "14"),
    ("P71", "2025-10-17 14:05:09", "$[mi-10/24/60]", "55"),
    ("P72", "2025-10-17 14:05:09", "$[hh24mi-10/24/60]", "1355"),
    ("P73", "2025-10-17 14:05:09", "$[yyyymmddhh24miss+1/24]", "20251017150509"),
    ("P74", "2025-10-17 14:05:09", "$[yyyymmddhh24miss-1-2/24-3/24/60]", "20251016120209"),
    ("P75a", "2025-10-17 14:05:09", "$[yyyy/mm/dd]", "2025/10/17"),
    ("P75b", "2025-10-17 14:05:09", "${yyyy/mm/dd}", "2025/10/16"),
    ("P76a", "2025-10-17 00:05:00", "$[hh12]", "12"),
    ("P76b", "2025-10-17 00:05:00", "$[hh24]", "00"),
    ("P77a", "2025-10-17 00:05:00", "$[yyyymmdd-10/24/60]", "20251016"),
    ("P77b", "2025-10-17 00:05:00", "$[hh24-10/24/60]", "23"),
    ("P78", "2025-07-27 00:05:00", "$[yyyy-mm]", "2025-07"),
    ("P79a", "2019-01-14 01:00:00", "$[yyyy-mm-dd-2]", "2019-01-12"),
    ("P79b", "2019-01-14 01:00:00", "$[yyyymmdd-2]", "20190112"),
    ("P80a", "2022-11-22 01:00:00", "$bizdate", "20221121"),
    ("P80b", "2022-11-22 01:00:00", "$[yyyymmddhh24miss]", "20221122010000"),
]
# fmt: on


def at(text: str, zone: str = "Asia/Shanghai", fold: int = 0) -> Moment:
    local = datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold)
    return Moment(int(local.timestamp() * 1000), local.date() - timedelta(days=1), zone, 11, 22, 33)


@pytest.mark.parametrize(("cyctime", "expression", "value"), [pytest.param(*row[1:], id=row[0]) for row in EXAMPLES])
def test_value(cyctime: str, expression: str, value: str) -> None:
    assert parse_value(expression)(at(cyctime)) == value


@pytest.mark.parametrize(
    ("cyctime", "fold", "expression", "value"),
    [
        pytest.param("2025-03-30 03:00:00", 0, "$[hh24-1/24]", "01", id="C43"),
        pytest.param("2025-03-30 03:00:00", 0, "$[hh24-1/24]", "01", id="C44"),
        pytest.param("2025-03-30 03:00:00", 0, "$[hh24mi-10/24/60]", "0150", id="C45"),
        pytest.param("2025-10-26 03:00:00", 0, "$[hh24-2/24]", "02", id="C47"),
        pytest.param("2025-10-26 02:00:00", 1, "$[hh24-1/24]", "02", id="C48"),
        pytest.param("2025-10-26 02:00:00", 1, "$[hh24mi-10/24/60]", "0250", id="C49"),
    ],
)
def test_offsets_are_elapsed_time_when_the_clocks_change(cyctime: str, fold: int, expression: str, value: str) -> None:
    assert parse_value(expression)(at(cyctime, "Europe/Berlin", fold)) == value


@pytest.mark.parametrize(
    ("cyctime", "expression", "value"),
    [
        pytest.param("2025-03-15 00:00:00", "${yyyymmdd} $[yyyymmddhh24miss]", "20250314 20250315000000", id="P81"),
        pytest.param("2025-03-16 00:00:00", "${yyyymmdd} $[yyyymmddhh24miss]", "20250315 20250316000000", id="P82"),
        pytest.param("2025-03-16 00:00:00", "$gmtdate", "20250316", id="P83"),
        pytest.param("2025-03-16 14:00:00", "$[yyyymmddhh24] $bizdate", "2025031614 20250315", id="P84"),
        pytest.param("2025-03-15 00:00:00", "$bizdate", "20250314", id="P89"),
        pytest.param("2025-03-15 00:00:00", "$jobid $nodeid $taskid", "11 22 33", id="ids"),
    ],
)
def test_several_parameters(cyctime: str, expression: str, value: str) -> None:
    assert " ".join(value for _, value in resolve(expression, at(cyctime))) == value


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("a=${yyyy-mm-dd-1/24}", id="P85"),
        pytest.param("a=${yyyymmddhh24}", id="P86"),
        pytest.param("a=$[yyyy-mm-dd hh24:mi:ss]", id="P87"),
        pytest.param("a=${b} b=1", id="S08"),
        pytest.param("a=1 a=2", id="declared twice"),
        pytest.param("a=$nothing", id="unknown built-in"),
        pytest.param("a=$[yyyymmdd-1/0]", id="division by zero"),
        pytest.param("a=$[add_months(yyyymmdd,1)x]", id="text after add_months"),
        pytest.param("1a-b=c", id="not a name"),
    ],
)
def test_a_faulty_parameter_is_refused_by_name(text: str) -> None:
    with pytest.raises(InvalidParameters):
        check_parameters(text)


def test_p88_values_with_blanks_are_joined_in_the_code() -> None:
    values = dict(resolve("d1=$[yyyy-mm-dd] d2=$[hh24:mi:ss-1/24/60]", at("2025-07-20 10:30:00")))
    assert render("'${d1} ${d2}'", values) == "'2025-07-20 10:29:00'"


def resolved(text: str, cyctime: str = "2025-11-01 00:00:00", **levels: object) -> Resolved:
    return Resolved.model_validate({"task": tuple(resolve(text, at(cyctime))), "bizdate": "20251031", **levels})


@pytest.mark.parametrize(
    ("declared", "script", "sent"),
    [
        pytest.param(
            "dt=$bizdate", "select * from t where ds='${dt}'", "select * from t where ds='20251031'", id="S01"
        ),
        pytest.param("a=1 b=abc c=$[yyyymmdd-1]", "${a}/${b}/${c}/${d}", "1/abc/20251031/${d}", id="S05"),
        pytest.param("", "select ${bdp.system.bizdate}", "select 20251031", id="S06"),
        pytest.param("a=1", "echo $a ${HOME} ${a:-x} $$", "echo $a ${HOME} ${a:-x} $$", id="shell's own are left"),
        pytest.param("a=1", "${a}${a}", "11", id="each occurrence"),
    ],
)
def test_the_script_is_sent_with_its_values(declared: str, script: str, sent: str) -> None:
    assert render(script, resolved(declared).names) == sent


def test_replaced_text_is_not_looked_at_again() -> None:
    assert render("${a} ${b}", {"a": "${b}", "b": "2"}) == "${b} 2"


def test_s02_positional_values_become_arguments() -> None:
    assert resolved("$bizdate ${yyyymmdd} $[yyyymmdd]").arguments == ("20251031", "20251031", "20251101")


def test_positional_names_order_as_numbers() -> None:
    assert resolved(" ".join(f"v{i}" for i in range(1, 12))).arguments[-2:] == ("v10", "v11")


def test_s07_prefixed_names_address_their_level() -> None:
    assert render("${workflow.env}", resolved("", workflow={"env": "prod"}).names) == "prod"


@pytest.mark.parametrize(
    ("workspace", "workflow", "task", "manual", "expected"),
    [
        pytest.param("1", "2", "3", False, "3", id="S11"),
        pytest.param("1", "2", None, False, "2", id="S12"),
        pytest.param("1", None, None, False, "1", id="S13"),
        pytest.param(None, "2", "3", True, "2", id="S14"),
    ],
)
def test_precedence(workspace: str | None, workflow: str | None, task: str | None, manual: bool, expected: str) -> None:
    values = resolved(
        f"x={task}" if task else "",
        workspace={"x": workspace} if workspace else {},
        workflow={"x": workflow} if workflow else {},
        workflow_first=manual,
    )
    assert render("${x}", values.names) == expected


def test_undeclared_names_are_known_for_a_warning() -> None:
    assert undeclared("${a} ${b} ${c:-1}", {"a": "1"}) == ["b"]


def test_an_opaque_text_is_one_parameter() -> None:
    assert [item.name for item in declare('-p "a b c"')] == ["-"]


@given(st.dates(date(1990, 1, 1), date(2100, 12, 31)), st.integers(-600, 600))
def test_add_months_stays_in_the_month_it_names(day: date, months: int) -> None:
    moved = add_months(day, months)
    assert (moved.year * 12 + moved.month) - (day.year * 12 + day.month) == months
    assert moved.day == day.day or (moved + timedelta(days=1)).day == 1


@given(st.text("$[]{}ymdhis024-+/*(), add_months", max_size=24))
def test_any_text_is_a_value_or_a_clear_refusal(text: str) -> None:
    try:
        value = parse_value(text)
    except InvalidExpression:
        return
    assert value(at("2025-11-01 00:00:00")) == value(at("2025-11-01 00:00:00"))
