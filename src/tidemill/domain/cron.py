"""DataWorks' cron dialect: Spring's six fields with `L`, `nL` and `n#k` (scheduling-semantics 1, decision 24).

`second minute hour day-of-month month day-of-week`; seconds are 00; Monday is 1, Sunday 0 or 7; the two day fields are
intersected and `?` means `*`. A day that the date fields leave out still has its cycles, as dry runs.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Literal
from zoneinfo import ZoneInfo

from tidemill.domain.drafts import Cycle

_MONTHS = {
    n: i for i, n in enumerate(["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"], 1)
}
_DAYS = {n: i for i, n in enumerate(["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"])}
_TIME_TEXT = "%Y-%m-%d %H:%M:%S"
_FOREVER = (datetime(1970, 1, 1), datetime(9999, 1, 1))  # noqa: DTZ001 - local times of the scheduling zone
_HORIZON_DAYS = 366 * 28  # a weekday on 29 February comes back within 28 years
_ITEM = re.compile(r"(?P<start>\*|\?|\w+)(?:-(?P<end>\w+))?(?:/(?P<step>\d+))?")


class InvalidCron(ValueError):
    """The expression is not in the dialect; the message names the field and says what would be right."""


@dataclass(frozen=True, slots=True)
class _Field:
    name: str
    low: int
    high: int
    names: dict[str, int] | None = None
    question_mark: bool = False

    def number(self, text: str) -> int:
        value = (self.names or {}).get(text.upper())
        if value is None:
            if not text.isdigit():
                raise InvalidCron(f"{self.name}: {text} is not a number{self._or_name()}")
            value = int(text)
        if not self.low <= value <= self.high:
            raise InvalidCron(f"{self.name}: {value} is outside {self.low}-{self.high}")
        return value

    def _or_name(self) -> str:
        return " or a name like " + next(iter(self.names)) if self.names else ""

    def values(self, item: str) -> range:
        """The numbers that one comma-separated item stands for."""
        match = _ITEM.fullmatch(item)
        if match is None or (match["start"] in "*?" and match["end"]):
            raise InvalidCron(f"{self.name}: {item or 'an empty item'} is not one of *, n, a-b, */s, a/s, a-b/s")
        if match["start"] == "?" and (not self.question_mark or match["step"]):
            raise InvalidCron(f"{self.name}: ? stands alone, for day of month or day of week")
        step = int(match["step"] or 1)
        if step == 0:
            raise InvalidCron(f"{self.name}: a step of 0 in {item}")
        if match["start"] in "*?":
            return range(self.low, self.high + 1, step)
        start = self.number(match["start"])
        end = self.number(match["end"]) if match["end"] else self.high if match["step"] else start
        if end < start:
            raise InvalidCron(f"{self.name}: {item} runs backwards; write it as two ranges")
        return range(start, end + 1, step)


_MINUTE = _Field("minute", 0, 59)
_HOUR = _Field("hour", 0, 23)
_DAY = _Field("day of month", 1, 31, question_mark=True)
_MONTH = _Field("month", 1, 12, _MONTHS)
_WEEKDAY = _Field("day of week", 0, 7, _DAYS, question_mark=True)


@dataclass(frozen=True, slots=True)
class Cron:
    """A parsed expression. Weekdays are 0 (Sunday) to 6; `nth` holds (weekday, k), with k = -1 for the last."""

    text: str
    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: frozenset[int]
    last_day: bool
    months: frozenset[int]
    weekdays: frozenset[int]
    nth: frozenset[tuple[int, int]]
    warnings: tuple[str, ...] = ()

    def matches(self, day: date) -> bool:
        """Whether the date fields let this day be a normal one."""
        if day.month not in self.months:
            return False
        if day.day not in self.days and not (self.last_day and (day + timedelta(days=1)).day == 1):
            return False
        weekday = day.isoweekday() % 7
        if weekday in self.weekdays:
            return True
        last = (day + timedelta(days=7)).month != day.month
        return (weekday, (day.day - 1) // 7 + 1) in self.nth or (last and (weekday, -1) in self.nth)

    @property
    def is_day_class(self) -> bool:
        """One instance a run date: neither minute nor hour field has `*`, `-`, `/` or `,` (1.2)."""
        minute, hour = self.text.split()[1:3]
        return not re.search(r"[*\-/,]", minute + hour)

    @property
    def cycle(self) -> Literal["minute", "hour", "day", "week", "month", "year"]:
        """The cycle to show (1.2)."""
        _, minute, _, day, month, weekday = self.text.split()[:6]
        if not self.is_day_class:
            return "minute" if re.search(r"[*\-/,]", minute) else "hour"
        if weekday not in "*?":
            return "week"
        if month != "*":
            return "year"
        return "day" if day in "*?" else "month"

    @property
    def canonical(self) -> str:
        """As the console writes it: two digits for the numbers of the first three fields."""
        fields = self.text.split()[:6]
        padded = [re.sub(r"(?<![/\d])\d(?!\d)", lambda m: f"0{m[0]}", field) for field in fields[:3]]
        return " ".join(padded + fields[3:])


@lru_cache(maxsize=65_536)
def parse_cron(text: str) -> Cron:
    """Parse an expression. Raises InvalidCron."""
    fields = text.split()
    warnings: tuple[str, ...] = ()
    if len(fields) == 7:
        if fields[6] != "*":
            raise InvalidCron(
                "six fields are expected (second minute hour day-of-month month day-of-week), not seven; "
                f"a year is not supported: try {' '.join(fields[:4] + fields[5:])}"
            )
        warnings = ("the seventh field (year) is not supported and was left out",)
    elif len(fields) != 6:
        raise InvalidCron(
            f"six fields are expected (second minute hour day-of-month month day-of-week), not {len(fields)}"
        )
    second, minute, hour, day, month, weekday = fields[:6]
    if second not in ("0", "00"):
        raise InvalidCron(f"second: 00 is expected, not {second}")
    days, last_day = _days(day)
    weekdays, nth = _weekdays(weekday)
    return Cron(
        text=text,
        minutes=tuple(sorted(_set(_MINUTE, minute))),
        hours=tuple(sorted(_set(_HOUR, hour))),
        days=frozenset(days),
        last_day=last_day,
        months=frozenset(_set(_MONTH, month)),
        weekdays=frozenset(weekdays),
        nth=frozenset(nth),
        warnings=warnings,
    )


def _set(field: _Field, text: str) -> set[int]:
    return {value for item in text.split(",") for value in field.values(item)}


def _days(text: str) -> tuple[set[int], bool]:
    items = text.split(",")
    if any(re.fullmatch(r"(?i)\d*W|LW|L-\d+|C", item) for item in items):
        raise InvalidCron(
            f"day of month: {text} is not in the dialect, which has numbers and L, but no W, LW, L-n or C"
        )
    plain = [item for item in items if item.upper() != "L"]
    return {value for item in plain for value in _DAY.values(item)}, len(plain) < len(items)


def _weekdays(text: str) -> tuple[set[int], set[tuple[int, int]]]:
    weekdays: set[int] = set()
    nth: set[tuple[int, int]] = set()
    for item in text.split(","):
        if match := re.fullmatch(r"(?i)(\w+?)L", item):
            nth.add((_WEEKDAY.number(match[1]) % 7, -1))
        elif match := re.fullmatch(r"(\w+)#(\d+)", item):
            if not 1 <= int(match[2]) <= 5:
                raise InvalidCron(f"day of week: {item} asks for a weekday that no month has; 1 to 5 may follow #")
            nth.add((_WEEKDAY.number(match[1]) % 7, int(match[2])))
        else:
            weekdays |= {value % 7 for value in _WEEKDAY.values(item)}
    return weekdays, nth


def next_times(cron: Cron, after: datetime) -> Iterator[datetime]:
    """The trigger times strictly later than `after` (aware), in its zone, on days that match; for people and tests."""
    zone = after.tzinfo
    for offset in range(_HORIZON_DAYS):
        day = after.date() + timedelta(days=offset)
        if not cron.matches(day):
            continue
        for hour in cron.hours:
            for minute in cron.minutes:
                moment = datetime.combine(day, time(hour, minute), zone)
                if moment > after:
                    yield moment


def parse_trigger_time(text: str) -> datetime:
    """`yyyy-mm-dd hh:mm:ss`, local to the scheduling zone. Raises ValueError."""
    return datetime.strptime(text, _TIME_TEXT)  # noqa: DTZ007 - the zone is the trigger's


def check_trigger_times(start: str | None, end: str | None) -> list[tuple[str, str]]:
    """What is wrong with a validity period: (StartTime or EndTime, message)."""
    wrong: list[tuple[str, str]] = []
    parsed: list[datetime] = list(_FOREVER)
    for index, (name, text) in enumerate((("StartTime", start), ("EndTime", end))):
        if text is None:
            continue
        try:
            parsed[index] = parse_trigger_time(text)
        except ValueError:
            wrong.append((name, f"yyyy-mm-dd hh:mm:ss is expected, not {text}"))
    if not wrong and parsed[1] < parsed[0]:
        wrong.append(("EndTime", "not before StartTime"))
    return wrong


@lru_cache(maxsize=16_384)
def expand_day(
    text: str, run_date: date, zone: str, start: str | None = None, end: str | None = None
) -> tuple[Cycle, ...]:
    """The cycles of a run date in a zone, ascending: normal ones, or dry runs on days the date fields leave out (1.3).

    Outside the validity period [`start`, `end`], both inclusive, there is no cycle. Clock changes follow 1.5: sub-day
    cycles of the skipped hour fall away and those of the repeated hour come once, at its second pass; a day-class cycle
    in the skipped hour comes an hour later as a dry run.
    """
    cron = parse_cron(text)
    where = ZoneInfo(zone)
    first = parse_trigger_time(start) if start else _FOREVER[0]
    last = parse_trigger_time(end) if end else _FOREVER[1]
    dry = not cron.matches(run_date)
    moments: list[tuple[int, bool]] = []
    for hour in cron.hours:
        for minute in cron.minutes:
            local = datetime.combine(run_date, time(hour, minute))
            skipped = _is_skipped(local, where)
            if (skipped and not cron.is_day_class) or not first <= local <= last:
                continue
            moment = local.replace(tzinfo=where, fold=0 if skipped else 1)
            moments.append((int(moment.timestamp() * 1000), dry or skipped))
    return tuple(Cycle(moment, number, dry) for number, (moment, dry) in enumerate(sorted(moments), 1))


def _is_skipped(local: datetime, zone: ZoneInfo) -> bool:
    """Whether the clock jumps over this wall-clock time."""
    there = local.replace(tzinfo=zone).astimezone(UTC).astimezone(zone)
    return there.replace(tzinfo=None) != local
