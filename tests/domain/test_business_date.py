"""Run dates and business dates. Ids T01 to T11 are worked examples of the scheduling reference."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidemill.domain.business_date import bizdate, bizdate_milliseconds, run_date, run_date_of
from tidemill.domain.cron import Cron
from tidemill.domain.moments import moment, wall_clock
from tidemill.domain.schedule import expand_day

SHANGHAI = ZoneInfo("Asia/Shanghai")


@pytest.mark.parametrize(
    ("cron", "trigger_time", "expected", "number"),
    [
        pytest.param("00 00 02 * * ?", "2025-11-03 02:00", date(2025, 11, 2), 1, id="T01 daily"),
        pytest.param("00 00 00 * * ?", "2025-01-01 00:00", date(2024, 12, 31), 1, id="T02 a new year's midnight"),
        pytest.param("00 00 * * * ?", "2025-11-03 23:00", date(2025, 11, 2), 24, id="T03 hourly, the last"),
        pytest.param("00 00 */6 * * ?", "2025-11-03 12:00", date(2025, 11, 2), 3, id="T04 every six hours"),
        pytest.param("00 */30 * * * ?", "2024-03-01 00:30", date(2024, 2, 29), 2, id="T05 half-hourly, a leap day"),
        pytest.param("00 00 02 ? * MON", "2025-11-03 02:00", date(2025, 11, 2), 1, id="T06 weekly"),
        pytest.param("00 00 02 1 * ?", "2025-11-01 02:00", date(2025, 10, 31), 1, id="T07 monthly"),
        pytest.param("00 00 02 L * ?", "2025-01-31 02:00", date(2025, 1, 30), 1, id="T08 month end"),
    ],
)
def test_an_instance_has_the_date_before_its_run_date(
    cron: str, trigger_time: str, expected: date, number: int
) -> None:
    planned = moment(datetime.fromisoformat(trigger_time), SHANGHAI)
    cycles = expand_day(Cron.parse(cron), run_date(planned, SHANGHAI), SHANGHAI)
    assert [(cycle.number, cycle.dry_run) for cycle in cycles if cycle.trigger_time == planned] == [(number, False)]
    assert bizdate(planned, SHANGHAI) == expected


@pytest.mark.parametrize(
    ("business_date", "planned"),
    [
        pytest.param(date(2025, 3, 15), "2025-03-16 00:00", id="T09 a backfill runs on the day after"),
        pytest.param(date(2025, 10, 31), "2025-11-01 00:00", id="T10 Friday's data on Saturday"),
    ],
)
def test_a_business_date_is_processed_the_day_after(business_date: date, planned: str) -> None:
    (cycle,) = expand_day(Cron.parse("00 00 00 * * ?"), run_date_of(business_date), SHANGHAI)
    assert cycle.trigger_time == moment(datetime.fromisoformat(planned), SHANGHAI)
    assert bizdate(cycle.trigger_time, SHANGHAI) == business_date


def test_t11_the_api_gives_midnight_in_the_scheduling_zone() -> None:
    assert bizdate_milliseconds(date(2025, 3, 31), SHANGHAI) == 1743350400000


def test_a_day_that_begins_in_a_gap_begins_at_its_end() -> None:
    cairo = ZoneInfo("Africa/Cairo")
    assert f"{wall_clock(bizdate_milliseconds(date(2025, 4, 25), cairo), cairo):%d %H:%M}" == "25 01:00"


@given(st.datetimes(datetime(1971, 1, 1), datetime(2100, 1, 1)), st.sampled_from(["Asia/Shanghai", "Europe/Berlin"]))
def test_a_business_date_and_its_run_date_are_a_calendar_day_apart(wall: datetime, zone_name: str) -> None:
    zone = ZoneInfo(zone_name)
    trigger_time = moment(wall, zone)
    assert run_date_of(bizdate(trigger_time, zone)) == run_date(trigger_time, zone)
    assert run_date(trigger_time, zone) - bizdate(trigger_time, zone) == timedelta(days=1)
    assert run_date(bizdate_milliseconds(bizdate(trigger_time, zone), zone), zone) == bizdate(trigger_time, zone)
