"""When periodic planning happens, and for which dates (scheduling-semantics 2.1)."""

from datetime import date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from tidemill.domain.moments import moment, wall_clock

CatchUp = Literal["none", "last", "all"]
_DAY = timedelta(days=1)


def cutoff(run_date: date, zone: ZoneInfo, planning_time: time) -> int:
    """Epoch milliseconds at which `run_date` is planned: the evening before; later definitions miss it."""
    return moment(datetime.combine(run_date - _DAY, planning_time), zone)


def newest_due(now: int, zone: ZoneInfo, planning_time: time) -> date:
    """The latest run date whose planning time has come: tomorrow in the window before midnight, else today."""
    today = wall_clock(now, zone).date()
    return today + _DAY if now >= cutoff(today + _DAY, zone, planning_time) else today


def in_window(now: int, zone: ZoneInfo, planning_time: time) -> bool:
    """Whether tomorrow is planned already: what is deployed now takes effect the day after it (G03)."""
    return newest_due(now, zone, planning_time) > wall_clock(now, zone).date()


def dates_to_plan(
    last: date | None, newest: date, today: date, catch_up: CatchUp, catch_up_days: int
) -> tuple[list[date], list[date]]:
    """(run dates to plan, run dates that were missed and are left out), both ascending.

    `last` is the latest date already planned or left out; without one, planning begins with today. Dates before today
    were missed while nothing planned: `all` plans those of the last `catch_up_days` days, `last` the newest of them.
    """
    if last is None:
        last = today - _DAY
    due = [last + _DAY * offset for offset in range(1, (newest - last).days + 1)]
    missed = [day for day in due if day < today]
    recent = [day for day in missed if (today - day).days <= catch_up_days]
    caught = {"none": [], "last": recent[-1:], "all": recent}[catch_up]
    return [day for day in due if day >= today or day in caught], [day for day in missed if day not in caught]
