"""The language of parameter values: constants mixed with dates that are known when an instance is generated.

    ${yyyymmdd-1}              on the business date: years, months or days back, whichever the format shows last
    $[yyyymmddhh24miss-1/24]   on the trigger time: N days, N/24 hours, N/24/60 minutes, and sums of these
    $[add_months(yyyymm,-1)]   on the trigger time: months, clamped to the last day of the month
    $bizdate $cyctime $gmtdate $bizmonth $jobid $nodeid $taskid $yyyymmdd

Tokens are yyyy yy mm dd, and for `$[…]` also hh24 hh hh12 mi ss, in capitals or not; `mm` is always the month. Every
other character that is neither a letter nor a digit is copied. Days, hours and minutes of `$[…]` are elapsed time,
which shows where clocks change. Source: DataWorks, "Supported formats of scheduling parameters".
"""

import re
from calendar import monthrange
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property, lru_cache
from math import prod
from zoneinfo import ZoneInfo

from tidemill.domain.errors import Malformed
from tidemill.domain.moments import moment, wall_clock


@dataclass(frozen=True)
class Base:
    """All that a value depends on, so that a rerun or a late generation gives the same one.

    `trigger_time` is epoch milliseconds; `bizdate` is given, for a manual run may choose it freely.
    """

    trigger_time: int
    bizdate: date
    zone: ZoneInfo
    workflow_id: int
    task_id: int
    instance_id: int

    @cached_property
    def cyctime(self) -> datetime:
        """The trigger time as an aware wall clock."""
        return wall_clock(self.trigger_time, self.zone)


Part = Callable[[Base], str]


@dataclass(frozen=True)
class Expression:
    """A parsed value. `warnings` are for the author: nothing in them stops the value from being computed."""

    text: str
    parts: tuple[Part, ...] = field(compare=False)
    warnings: tuple[str, ...] = field(compare=False)
    has_ids: bool = field(compare=False)

    @staticmethod
    def parse(text: str) -> "Expression":
        """Read a value; the result is cached by its text. Raises Malformed, saying what would be right."""
        return _parse(text)

    def value(self, base: Base) -> str:
        """The text for `base`. Instances of one moment share it unless it has an id, so most cost a look-up."""
        if self.has_ids:
            return "".join(part(base) for part in self.parts)
        return _value(self.text, base.trigger_time, base.bizdate, base.zone)


@lru_cache(maxsize=65_536)
def _value(text: str, trigger_time: int, bizdate: date, zone: ZoneInfo) -> str:
    base = Base(trigger_time, bizdate, zone, workflow_id=0, task_id=0, instance_id=0)
    return "".join(part(base) for part in _parse(text).parts)


_PIECE = re.compile(
    r"\$(?:\{(?P<business>[^}]*)(?P<brace>\}?)|\[(?P<trigger>[^\]]*)(?P<bracket>\]?)|(?P<word>[A-Za-z][A-Za-z0-9]*))"
)


@lru_cache(maxsize=65_536)
def _parse(text: str) -> Expression:
    parts: list[Part] = []
    warnings: list[str] = []
    end = 0
    for piece in _PIECE.finditer(text):
        parts += _constant(text[end : piece.start()])
        parts.append(_part(piece, warnings))
        end = piece.end()
    has_ids = any(piece["word"] in _IDS for piece in _PIECE.finditer(text))
    return Expression(text, (*parts, *_constant(text[end:])), tuple(warnings), has_ids)


def _constant(text: str) -> Iterator[Part]:
    if text:
        yield lambda _: text


def _part(piece: re.Match[str], warnings: list[str]) -> Part:
    text = piece[0]
    if word := piece["word"]:
        return _word(word, warnings)
    if not piece["brace"] and not piece["bracket"]:
        closing = "}" if piece["trigger"] is None else "]"
        raise Malformed(
            f"`{text}` has no closing `{closing}`; a value must not contain blanks: declare two parameters and join "
            "them in the script"
        )
    if piece["trigger"] is not None:
        return _on_trigger_time(piece["trigger"], text, warnings)
    if system := _SYSTEM.get(piece["business"]):
        return system
    return _on_business_date(piece["business"], text)


def _word(word: str, warnings: list[str]) -> Part:
    if word in _BUILT_IN:
        return _BUILT_IN[word]
    if re.fullmatch(r"(?:yyyy|yy|mm|dd)+", word, re.IGNORECASE):  # the legacy spelling of ${yyyymmdd}
        return _on_business_date(word, f"${word}")
    warnings.append(f"`${word}` is not a built-in parameter; it is kept as text")
    return lambda _: f"${word}"


# Formats


def _twelve_hours(time: datetime) -> str:
    return f"{(time.hour - 1) % 12 + 1:02}"


_DATE_TOKENS: dict[str, Callable[[date], str]] = {
    "yyyy": lambda day: f"{day.year:04}",
    "yy": lambda day: f"{day.year % 100:02}",
    "mm": lambda day: f"{day.month:02}",
    "dd": lambda day: f"{day.day:02}",
}
_TIME_TOKENS: dict[str, Callable[[datetime], str]] = {
    "hh24": lambda time: f"{time.hour:02}",
    "hh12": _twelve_hours,
    "hh": _twelve_hours,
    "mi": lambda time: f"{time.minute:02}",
    "ss": lambda time: f"{time.second:02}",
}
_FORMAT_ITEM = re.compile(rf"({'|'.join([*_DATE_TOKENS, *_TIME_TOKENS])})|([^A-Za-z0-9\s=$\[\]{{}}])", re.IGNORECASE)


def _format_items(text: str, whole: str) -> list[str]:
    """Tokens in small letters, and the characters between them. Raises Malformed for anything else."""
    items: list[str] = []
    end = 0
    while end < len(text):
        item = _FORMAT_ITEM.match(text, end)
        if item is None:
            raise Malformed(_no_format(text[end:], whole))
        items.append(item[0].lower())
        end = item.end()
    if not _TOKENS & set(items):
        raise Malformed(_no_format(text, whole))
    return items


_TOKENS = _DATE_TOKENS.keys() | _TIME_TOKENS.keys()


def _no_format(found: str, whole: str) -> str:
    if whole.startswith(("${workflow.", "${workspace.")):
        return f"`{whole}` belongs in the script, where the parameters of the workflow and workspace are replaced"
    if found[:1].isspace():
        return f"`{whole}` has a blank: declare two parameters and join them in the script"
    if found[:1].isdigit():
        return f"`{whole}` is not a date format: a constant goes outside the brackets, as in `${{yyyymm}}01`"
    tokens = "yyyy yy mm dd" + ("" if whole.startswith("${") else " hh24 hh hh12 mi ss")
    return f"`{whole}` is not a date format: `{found}` is none of {tokens}"


def _split(text: str) -> tuple[str, str]:
    """The format and the offset: a sign before a digit begins the offset, one before a letter is copied."""
    sign = re.search(r"[+-](?=[0-9])", text)
    return (text[: sign.start()], text[sign.start() :]) if sign else (text, "")


# Offsets

_COUNT = r"[0-9]{1,9}(?:\*[0-9]{1,9})*"
_FURTHEST_YEARS = 1_000


def _count(sign: str, product: str) -> int:
    return prod(map(int, product.split("*"))) * (-1 if sign == "-" else 1)


def _checked(days: float, whole: str) -> None:
    if abs(days) > _FURTHEST_YEARS * 365:
        raise Malformed(f"`{whole}` is offset by more than {_FURTHEST_YEARS} years")


def add_months(day: datetime, months: int) -> datetime:
    """The same day and time `months` later, or the last day of that month where it has no such day."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return day.replace(year=year, month=month + 1, day=min(day.day, monthrange(year, month + 1)[1]))


def _on_business_date(text: str, whole: str) -> Part:
    """`${…}`: the offset counts in the smallest unit that the format shows."""
    format_text, offset = _split(text)
    items = _format_items(format_text, whole)
    if times := [item for item in items if item in _TIME_TOKENS]:
        raise Malformed(f"`{whole}` has `{times[0]}`, but a business date has no time: use `$[…]`")
    if not re.fullmatch(rf"(?:[+-]{_COUNT})*", offset):
        raise Malformed(
            f"`{whole}` is offset by `{offset}`, but a business date moves by whole `+N` or `-N`: use `$[…]`"
        )
    steps = sum(_count(sign, product) for sign, product in re.findall(rf"([+-])({_COUNT})", offset))
    _checked(steps * (1 if "dd" in items else 30 if "mm" in items else 365), whole)
    if "dd" in items:
        return lambda base: _written(items, _midnight(base.bizdate.toordinal() + steps))
    months = steps if "mm" in items else 12 * steps
    return lambda base: _written(items, add_months(_midnight(base.bizdate.toordinal()), months))


def _midnight(ordinal: int) -> datetime:
    return datetime.fromordinal(ordinal)


def _on_trigger_time(text: str, whole: str, warnings: list[str]) -> Part:
    """`$[…]`: months first, then days, hours and minutes as elapsed time; the format shows the result."""
    months = 0
    format_text, offset = _split(text)
    if text.lower().startswith("add_months"):
        call = re.fullmatch(rf"add_months\(([^,()]*),([+-]?)({_COUNT})\)(.*)", text, re.IGNORECASE)
        if call is None:
            raise Malformed(f"`{whole}`: write `$[add_months(yyyymmdd,-1)]`, a format and a number of months")
        format_text, months, offset = call[1], _count(call[2], call[3]), call[4]
    items = _format_items(format_text, whole)
    if not re.fullmatch(rf"(?:[+-]{_COUNT}(?:/24(?:/60)?)?)*", offset):
        raise Malformed(f"`{whole}` is offset by `{offset}`: write `±N` days, `±N/24` hours or `±N/24/60` minutes")
    terms = re.findall(rf"([+-])({_COUNT})(/24/60|/24)?", offset)
    milliseconds = sum(_count(sign, product) * _UNITS[unit] for sign, product, unit in terms)
    _checked(months * 30 + milliseconds / _UNITS[""], whole)
    if not {"dd", *_TIME_TOKENS} & set(items) and any(not unit for _, _, unit in terms):
        warnings.append(f"`{whole}` moves by days and shows none; for months use `$[add_months({format_text},-1)]`")

    def value(base: Base) -> str:
        start = base.trigger_time
        if months:
            start = moment(add_months(base.cyctime.replace(tzinfo=None, fold=0), months), base.zone)
        return _written(items, wall_clock(start + milliseconds, base.zone))

    return value


_UNITS = {"": 86_400_000, "/24": 3_600_000, "/24/60": 60_000}


def _written(items: list[str], time: datetime) -> str:
    return "".join(
        _DATE_TOKENS[item](time) if item in _DATE_TOKENS else _TIME_TOKENS[item](time) if item in _TIME_TOKENS else item
        for item in items
    )


# Built-ins


def _bizmonth(base: Base) -> str:
    """The month of the business date if it is over at the trigger time, else the one before."""
    day = _midnight(base.bizdate.toordinal())
    over = (day.year, day.month) != (base.cyctime.year, base.cyctime.month)
    return f"{day if over else add_months(day, -1):%Y%m}"


_IDS: dict[str, Part] = {
    "jobid": lambda base: str(base.workflow_id),
    "nodeid": lambda base: str(base.task_id),
    "taskid": lambda base: str(base.instance_id),
}
_BUILT_IN: dict[str, Part] = {
    **_IDS,
    "bizdate": lambda base: f"{base.bizdate:%Y%m%d}",
    "cyctime": lambda base: f"{base.cyctime:%Y%m%d%H%M%S}",
    "gmtdate": lambda base: f"{base.cyctime:%Y%m%d}",
    "bizmonth": _bizmonth,
}
_SYSTEM = {"bdp.system.bizdate": _BUILT_IN["bizdate"], "bdp.system.cyctime": _BUILT_IN["cyctime"]}


def system_values(base: Base) -> dict[str, str]:
    """The two names that a script may use without declaring them, with their values."""
    return {name: Expression.parse(f"${{{name}}}").value(base) for name in _SYSTEM}
