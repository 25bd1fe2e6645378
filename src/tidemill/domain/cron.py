"""The cron dialect of DataWorks: six fields, Spring's rules, `L`, `nL` and `n#k`.

    second minute hour day-of-month month day-of-week
    00     30     05   *            *     ?             every day at 05:30
    00     00/10  *    *            *     ?             every ten minutes
    00     00     02   1,L          *     ?             first and last day of each month
    00     00     01   ?            *     5#2           second Friday of each month

It is not Quartz: 1 is Monday (0 and 7 are Sunday), a date must match both day fields, there is no year and no `W`.
Source: DataWorks, "Cron expressions", which declares Spring's CronSequenceGenerator to be its standard.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from enum import StrEnum
from functools import cached_property, lru_cache
from itertools import pairwise
from typing import Literal

from tidemill.domain.errors import Malformed

DisplayCycle = Literal["Minute", "Hour", "Day", "Week", "Month", "Year"]
DAY_MINUTES = 24 * 60

_MONTH_NAMES = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_WEEKDAY_NAMES = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_FIELDS = "second minute hour day-of-month month day-of-week"
_SEARCHED_DAYS = 41 * 366  # 29 February falls on one weekday again after 40 years at most (across 2100)


class CycleClass(StrEnum):
    """What dependencies look at: DAY has one instance a run date (weekly and longer too), the others several."""

    DAY = "Day"
    HOUR = "Hour"
    MINUTE = "Minute"


@dataclass(frozen=True)
class Cron:
    """A parsed expression. Two are equal when their texts are; `Cron.parse` is the only way to make one."""

    text: str
    canonical: str = field(compare=False)
    """As the console writes it: two digits in the first three fields; elsewhere no leading zeros. Names in capitals."""
    warnings: tuple[str, ...] = field(compare=False)
    cycle_class: CycleClass = field(compare=False)
    minutes: frozenset[int] = field(compare=False)
    hours: frozenset[int] = field(compare=False)
    months: frozenset[int] = field(compare=False)
    days: "_Days" = field(compare=False)
    weekdays: "_Weekdays" = field(compare=False)

    @staticmethod
    def parse(text: str) -> "Cron":
        """Read an expression; the result is cached by its text. Raises Malformed, naming the field and the remedy."""
        return _parse(text)

    @cached_property
    def minutes_of_day(self) -> tuple[int, ...]:
        """Minutes after midnight at which the expression fires, ascending."""
        return tuple(hour * 60 + minute for hour in sorted(self.hours) for minute in sorted(self.minutes))

    @property
    def shortest_interval(self) -> int:
        """Minutes between the two closest firings, midnight included; 1,440 when it fires once a day."""
        times = (*self.minutes_of_day, self.minutes_of_day[0] + DAY_MINUTES)
        return min(later - earlier for earlier, later in pairwise(times))

    @property
    def display_cycle(self) -> DisplayCycle:
        """The cycle as the console names it; quarterly schedules are Year with months."""
        if self.cycle_class is not CycleClass.DAY:
            return "Minute" if self.cycle_class is CycleClass.MINUTE else "Hour"
        if not self.weekdays.every:
            return "Week"
        if len(self.months) < 12:
            return "Year"
        return "Day" if self.days.every else "Month"

    def matches(self, day: date) -> bool:
        """Whether month, day of month and day of week all match."""
        return day.month in self.months and self.days.match(day) and self.weekdays.match(day)

    def dates(self, first: date) -> Iterator[date]:
        """Matching dates from `first` on; ends after 41 years without one, for then none will ever come."""
        day, misses = first, 0
        while misses < _SEARCHED_DAYS:
            misses += 1
            if self.matches(day):
                misses = 0
                yield day
            if day == date.max:
                return
            day += timedelta(days=1)


@dataclass(frozen=True)
class _Days:
    """Days of the month; `last` is the item `L`."""

    numbers: frozenset[int]
    last: bool

    @property
    def every(self) -> bool:
        return len(self.numbers) == 31

    def match(self, day: date) -> bool:
        return day.day in self.numbers or (self.last and _is_last_week(day, days=1))


@dataclass(frozen=True)
class _Weekdays:
    """0 is Sunday. `last` are the items `nL`; `nth` the items `n#k` as (weekday, k)."""

    numbers: frozenset[int]
    last: frozenset[int]
    nth: frozenset[tuple[int, int]]

    @property
    def every(self) -> bool:
        return len(self.numbers) == 7

    def match(self, day: date) -> bool:
        weekday = day.isoweekday() % 7
        return (
            weekday in self.numbers
            or (weekday, (day.day + 6) // 7) in self.nth
            or (weekday in self.last and _is_last_week(day, days=7))
        )


def _is_last_week(day: date, days: int) -> bool:
    """Whether `day` is one of the last `days` of its month."""
    return (day.month == 12 and day.day > 31 - days) or (day + timedelta(days=days)).month != day.month


@dataclass(frozen=True)
class _Field:
    name: str
    low: int
    high: int
    names: Mapping[str, int] = field(default_factory=dict[str, int])

    def items(self, text: str) -> list[str]:
        """The comma-joined items; `?` is `*`, and only the day fields have it."""
        if text == "?" and self.name.startswith("day"):
            return ["*"]
        if "?" in text:
            raise Malformed(f"{self.name} `{text}`: `?` stands alone, and only in day-of-month or day-of-week; use `*`")
        return text.split(",")

    def values(self, item: str) -> range:
        """The numbers of `*`, `n`, `a-b`, and each of them with `/step`; `a/s` runs to the field's maximum."""
        matched = re.fullmatch(r"(?:(\*)|(\w+)(?:-(\w+))?)(?:/([0-9]{1,4}))?", item, re.ASCII)
        if matched is None:
            raise self.fault(item, "an item is `*`, `n`, `a-b`, `*/s`, `a/s` or `a-b/s`")
        star, first, last, step = matched.groups()
        if step is not None and int(step) == 0:
            raise self.fault(item, "the step must be at least 1")
        low = self.low if star else self.number(first, item)
        high = self.number(last, item) if last else self.high if star or step else low
        if low > high:
            raise self.fault(item, f"a range must not run backwards; write `{first}-{self.high},{self.low}-{last}`")
        return range(low, high + 1, int(step or 1))

    def number(self, text: str, item: str) -> int:
        if text in self.names:
            return self.names[text]
        if not re.fullmatch(r"[0-9]{1,2}", text) or not self.low <= int(text) <= self.high:
            named = f" or {next(iter(self.names))}-{list(self.names)[-1]}" if self.names else ""
            raise self.fault(item, f"`{text}` is not in {self.low}-{self.high}{named}")
        return int(text)

    def fault(self, item: str, message: str) -> Malformed:
        return Malformed(f"{self.name} `{item}`: {message}")


_MINUTE = _Field("minute", 0, 59)
_HOUR = _Field("hour", 0, 23)
_DAY = _Field("day-of-month", 1, 31)
_MONTH = _Field("month", 1, 12, dict(zip(_MONTH_NAMES, range(1, 13), strict=True)))
_WEEKDAY = _Field("day-of-week", 0, 7, dict(zip(_WEEKDAY_NAMES, range(7), strict=True)))


@lru_cache(maxsize=65_536)
def _parse(text: str) -> Cron:
    fields, warnings = _six_fields(text)
    second, minute, hour, day, month, weekday = fields
    if second not in {"0", "00"}:
        raise Malformed(f"second `{second}`: must be `00`; the shortest cycle is a minute")
    minutes, hours = _numbers(_MINUTE, minute), _numbers(_HOUR, hour)
    cron = Cron(
        text=text,
        canonical=_canonical(fields),
        warnings=warnings,
        cycle_class=_classify(minute + hour, minutes),
        minutes=minutes,
        hours=hours,
        months=_numbers(_MONTH, month),
        days=_days(day),
        weekdays=_weekdays(weekday),
    )
    if next(cron.dates(date(2001, 1, 1)), None) is None:
        return replace(cron, warnings=(*warnings, "no date matches: every instance would be a dry run"))
    return cron


def _six_fields(text: str) -> tuple[list[str], tuple[str, ...]]:
    """The six fields in capitals, and a warning if a seventh was dropped."""
    fields = text.upper().split()
    if len(fields) == 6:
        return fields, ()
    if len(fields) == 7 and fields[6] == "*":
        return fields[:6], ("the seventh field (year) is not in the dialect; `*` there is ignored",)
    raise Malformed(f"{len(fields)} fields where six are expected ({_FIELDS}); {_likely_fix(fields)}")


def _likely_fix(fields: list[str]) -> str:
    match len(fields):
        case 5:
            return f"put the second in front: `00 {' '.join(fields)}`"
        case 7 if fields[6] == "?":
            return f"one `*` is too many: perhaps `{' '.join(fields[:5])} ?`"
        case 7:
            return "there is no year field: use StartTime and EndTime"
        case _:
            return "for example `00 30 05 * * ?`"


def _numbers(field: _Field, text: str) -> frozenset[int]:
    return frozenset(number for item in field.items(text) for number in field.values(item))


def _days(text: str) -> _Days:
    items = _DAY.items(text)
    for item in items:
        if "W" in item or ("L" in item and item != "L"):
            raise _DAY.fault(
                item, "`W`, `LW` and `L-n` are not in the dialect; give days 1-31, or `L` for the last day"
            )
    numbers = frozenset(number for item in items if item != "L" for number in _DAY.values(item))
    return _Days(numbers, last="L" in items)


def _weekdays(text: str) -> _Weekdays:
    numbers: set[int] = set()
    last: set[int] = set()
    nth: set[tuple[int, int]] = set()
    for item in _WEEKDAY.items(text):
        weekday, mark, count = item.partition("#")
        if mark:
            if count not in {"1", "2", "3", "4", "5"}:
                raise _WEEKDAY.fault(item, "the number after `#` is 1-5, as in `5#2`, the second Friday")
            nth.add((_WEEKDAY.number(weekday, item) % 7, int(count)))
        elif item == "L":
            raise _WEEKDAY.fault(item, "`L` goes after a weekday, as in `5L`, the last Friday")
        elif item.endswith("L"):
            last.add(_WEEKDAY.number(item[:-1], item) % 7)
        else:
            numbers.update(number % 7 for number in _WEEKDAY.values(item))
    return _Weekdays(frozenset(numbers), frozenset(last), frozenset(nth))


def _classify(minute_and_hour: str, minutes: frozenset[int]) -> CycleClass:
    """By the text, as DataWorks does: `00 00 02-02 * * ?` fires once and is still not a daily expression."""
    if not set("*-/,") & set(minute_and_hour):
        return CycleClass.DAY
    return CycleClass.MINUTE if len(minutes) > 1 else CycleClass.HOUR


def _canonical(fields: list[str]) -> str:
    def number(matched: re.Match[str], width: int) -> str:
        return matched[1] + matched[2].lstrip("0").rjust(1 if matched[1] else width, "0")

    written = [
        re.sub(r"(/|#|)([0-9]+)", lambda matched, width=2 if place < 3 else 1: number(matched, width), text)
        for place, text in enumerate(fields)
    ]
    return " ".join(written)
