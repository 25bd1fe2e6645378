"""When a trigger fires: a day's cycles, the next times, the validity period.

Planning asks for every task of a day. An expression is expanded once for each date and zone whatever the number of
tasks that carry it, and however their validity periods differ: only the first and last day of a period are clipped.
"""

import re
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from tidemill.domain.cron import Cron, CycleClass
from tidemill.domain.definitions import WorkflowTrigger
from tidemill.domain.errors import Fault, Malformed
from tidemill.domain.moments import is_steady, midnight, moment, shown, wall_clock

MINUTE = 60_000


class Cycle(NamedTuple):
    """One planned instance. `trigger_time` is epoch milliseconds; `number` counts from 1 within the run date."""

    trigger_time: int
    number: int
    dry_run: bool


class Validity(NamedTuple):
    """Wall clocks in the scheduling zone, both inclusive; outside them a task has no instance, not even a dry run."""

    start: datetime = datetime(1970, 1, 1)  # noqa: DTZ001 - the zone is the trigger's
    end: datetime = datetime(9999, 1, 1)  # noqa: DTZ001 - the same


ALWAYS = Validity()


def expand_day(cron: Cron, run_date: date, zone: ZoneInfo, validity: Validity = ALWAYS) -> tuple[Cycle, ...]:
    """The cycles of `run_date`, ascending.

    On a date that the day fields do not match, every cycle is a dry run. Where clocks go forward, a sub-day task has
    no cycle in the gap, and a day-class task planned there fires as much later as the gap is long, as a dry run. Where
    they go back, a repeated time is kept at its second occurrence only.
    Source: DataWorks, "Impacts of the switching of daylight saving time".
    """
    if not validity.start.date() <= run_date <= validity.end.date():
        return ()
    cycles = _whole_day(cron, run_date, zone)
    if validity.start.date() < run_date < validity.end.date():
        return cycles
    return tuple(
        cycle._replace(number=number)
        for number, cycle in enumerate((cycle for cycle in cycles if _valid(cycle, zone, validity)), 1)
    )


def next_times(cron: Cron, after: int, zone: ZoneInfo, validity: Validity = ALWAYS) -> Iterator[int]:
    """Epoch milliseconds of the cycles later than `after` that are not dry runs, ascending; it may never end."""
    for run_date in cron.dates(max(wall_clock(after, zone).date(), validity.start.date())):
        if run_date > validity.end.date():
            return
        for cycle in expand_day(cron, run_date, zone, validity):
            if cycle.trigger_time > after and not cycle.dry_run:
                yield cycle.trigger_time


# Cycles of distinct expressions on one date: a planning holds one or two dates at a time.
@lru_cache(maxsize=8_192)
def _whole_day(cron: Cron, run_date: date, zone: ZoneInfo) -> tuple[Cycle, ...]:
    dry_run = not cron.matches(run_date)
    if is_steady(run_date, zone):
        start = midnight(run_date, zone)
        return tuple(
            Cycle(start + minute * MINUTE, number, dry_run) for number, minute in enumerate(cron.minutes_of_day, 1)
        )
    fired = _on_a_clock_change(cron, run_date, zone)
    return tuple(Cycle(time, number, dry_run or moved) for number, (time, moved) in enumerate(fired, 1))


def _on_a_clock_change(cron: Cron, run_date: date, zone: ZoneInfo) -> Iterator[tuple[int, bool]]:
    """Trigger times of the day, each with whether a gap moved it."""
    start = datetime.combine(run_date, datetime.min.time())
    for minute in cron.minutes_of_day:
        wall = start + timedelta(minutes=minute)
        time = moment(wall, zone)
        if shown(wall, zone):
            yield time, False
        # A zone that changed sides of the date line has dates that never were: nothing can be planned on those.
        elif cron.cycle_class is CycleClass.DAY and wall_clock(time, zone).date() == run_date:
            yield time, True


def _valid(cycle: Cycle, zone: ZoneInfo, validity: Validity) -> bool:
    return validity.start <= wall_clock(cycle.trigger_time, zone).replace(tzinfo=None) <= validity.end


def parse_time(text: str) -> datetime:
    """A wall clock from `yyyy-mm-dd hh:mm:ss`. Raises Malformed."""
    if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}", text):
        try:
            return datetime.fromisoformat(text)
        except ValueError as error:
            raise Malformed(f"`{text}` is not a time of the calendar: {error}") from None
    raise Malformed(f"`{text}` is not a time: write `yyyy-mm-dd hh:mm:ss`, as in `2025-11-03 00:00:00`")


def parse_validity(start_time: str | None, end_time: str | None) -> Validity:
    """The period of a trigger; absent ends are 1970-01-01 and 9999-01-01, both 00:00:00. Raises Malformed."""
    validity = Validity(
        parse_time(start_time) if start_time else ALWAYS.start, parse_time(end_time) if end_time else ALWAYS.end
    )
    if validity.end < validity.start:
        raise Malformed(f"`{validity.end}` is before StartTime `{validity.start}`")
    return validity


def check_trigger(
    trigger: WorkflowTrigger, shortest_interval: int = 1, earliest_minute: int = 0
) -> tuple[list[Fault], list[str]]:
    """Every fault of a workflow's trigger, with paths from `Trigger`, and warnings that need not stop an update.

    `shortest_interval` is in minutes, `earliest_minute` counts from midnight: both are an installation's limits.
    """
    warnings: list[str] = []

    def read_cron(text: str) -> None:
        cron = Cron.parse(text)
        _check_limits(cron, shortest_interval, earliest_minute)
        warnings.extend(cron.warnings)

    faults = _faults("Trigger.Cron", trigger.cron, read_cron)
    if trigger.type == "Scheduler" and not trigger.cron:
        faults.append(Fault("Trigger.Cron", "a Scheduler trigger needs one, as in `00 30 05 * * ?`", missing=True))
    times = _faults("Trigger.StartTime", trigger.start_time, parse_time)
    times += _faults("Trigger.EndTime", trigger.end_time, parse_time)
    zone = _faults("Trigger.TimeZone", trigger.time_zone, _check_zone)
    if not times:
        end_time = trigger.end_time or str(ALWAYS.end)
        times = _faults("Trigger.EndTime", end_time, lambda end: parse_validity(trigger.start_time, end))
    return faults + times + zone, warnings


def _check_zone(name: str) -> None:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # as the name is unknown, is no name at all, or is a directory
        raise Malformed(f"`{name}` is not a time zone: write an IANA name, as in `Asia/Shanghai`") from None


def _faults(path: str, text: str | None, read: Callable[[str], object]) -> list[Fault]:
    try:
        if text:
            read(text)
    except Malformed as error:
        return [Fault(path, str(error))]
    return []


def _check_limits(cron: Cron, shortest_interval: int, earliest_minute: int) -> None:
    if cron.shortest_interval < shortest_interval:
        raise Malformed(f"fires every {cron.shortest_interval} min; here the shortest interval is {shortest_interval}")
    if cron.minutes_of_day[0] < earliest_minute:
        raise Malformed(f"fires before {earliest_minute // 60:02}:{earliest_minute % 60:02}, the earliest time here")
