"""Values of scheduling parameters: `${…}` on the business date, `$[…]` on the trigger time (scheduling-semantics 4.2).

Parsed once and kept; evaluating depends only on the moment given, never on when it is done.
"""

import calendar
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from functools import lru_cache
from zoneinfo import ZoneInfo


class InvalidExpression(ValueError):
    """Not a value of the parameter language; the message says what would be right."""


@dataclass(frozen=True, slots=True)
class Moment:
    """What values are computed from: the trigger time (epoch ms), the business date, and the zone of both."""

    trigger_time: int
    bizdate: date
    zone: str
    workflow_id: int = 0
    task_id: int = 0
    instance_id: int = 0

    @property
    def local(self) -> datetime:
        return datetime.fromtimestamp(self.trigger_time / 1000, ZoneInfo(self.zone))


_DATE_TOKENS: dict[str, Callable[[datetime], str]] = {
    "yyyy": lambda t: f"{t.year:04}",
    "yy": lambda t: f"{t.year % 100:02}",
    "mm": lambda t: f"{t.month:02}",
    "dd": lambda t: f"{t.day:02}",
}
_TOKENS: dict[str, Callable[[datetime], str]] = {
    **_DATE_TOKENS,
    "hh24": lambda t: f"{t.hour:02}",
    "hh12": lambda t: f"{(t.hour - 1) % 12 + 1:02}",
    "hh": lambda t: f"{(t.hour - 1) % 12 + 1:02}",
    "mi": lambda t: f"{t.minute:02}",
    "ss": lambda t: f"{t.second:02}",
}
_TOKEN = re.compile(r"yyyy|yy|mm|dd|hh24|hh12|hh|mi|ss|[^\w]|_", re.IGNORECASE)
_TERM = re.compile(r"([+-])(\d+(?:[*/]\d+)*)")
_OFFSET = re.compile(r"(?:[+-]\d+(?:[*/]\d+)*)*$")
_ADD_MONTHS = re.compile(r"add_months\(([^,()]+),([+-]?\d+(?:\*\d+)*)\)(.*)", re.IGNORECASE)
_EXPRESSION = re.compile(r"\$\{([^{}]*)\}|\$\[([^\[\]]*)\]|\$([A-Za-z]\w*)")

Value = Callable[[Moment], str]


def _constant(text: str) -> Value:
    return lambda moment: text


def _tokens(text: str, tokens: dict[str, Callable[[datetime], str]], whole: str) -> list[str]:
    """The format's pieces. Raises InvalidExpression for anything that is neither a token nor a separator."""
    pieces = _TOKEN.findall(text)
    if "".join(pieces) != text or not any(piece.lower() in _TOKENS for piece in pieces):
        raise InvalidExpression(f"{whole} is not a format of {', '.join(tokens)} and separators")
    wrong = [piece for piece in pieces if piece.lower() in _TOKENS and piece.lower() not in tokens]
    if wrong:
        raise InvalidExpression(f"{whole}: {wrong[0]} belongs to $[…]; ${{…}} knows only {', '.join(tokens)}")
    return pieces


def _render(pieces: list[str], moment: datetime) -> str:
    return "".join(_TOKENS[piece.lower()](moment) if piece.lower() in _TOKENS else piece for piece in pieces)


def _product(text: str, whole: str) -> Fraction:
    result = Fraction(1)
    for operator, number in re.findall(r"([*/]?)(\d+)", text):
        if operator == "/" and int(number) == 0:
            raise InvalidExpression(f"{whole} divides by 0")
        result = result / int(number) if operator == "/" else result * int(number)
    return result


def _split_offset(text: str, whole: str) -> tuple[str, Fraction]:
    """Format and offset: a sign followed by a digit starts the offset, any other belongs to the format."""
    match = _OFFSET.search(text)
    start = match.start() if match else len(text)
    terms = _TERM.findall(text[start:])
    offset = sum((_product(t, whole) * (-1 if sign == "-" else 1) for sign, t in terms), Fraction(0))
    return text[:start], offset


def add_months(day: date, months: int) -> date:
    """The same day so many months later, or the last day of a month that has none such."""
    index = day.year * 12 + day.month - 1 + months
    year, month = index // 12, index % 12 + 1
    if not 1 <= year <= 9999:
        raise InvalidExpression("the year leaves 1 to 9999")
    return date(year, month, min(day.day, calendar.monthrange(year, month)[1]))


def _business(text: str) -> Value:
    """`${format±N}`: N counts in the smallest unit of the format."""
    whole = f"${{{text}}}"
    shape, offset = _split_offset(text, whole)
    pieces = _tokens(shape, _DATE_TOKENS, whole)
    if offset.denominator != 1:
        raise InvalidExpression(f"{whole}: a fraction of a day is only possible in $[…]")
    units = {piece.lower() for piece in pieces}
    months = 0 if "dd" in units else 1 if "mm" in units else 12
    number = int(offset)

    def value(moment: Moment) -> str:
        day = moment.bizdate
        day = add_months(day, number * months) if months else day + timedelta(days=number)
        return _render(pieces, datetime(day.year, day.month, day.day, tzinfo=UTC))

    return value


def _trigger(text: str) -> Value:
    """`$[format±N]`: N days of elapsed time from the trigger time; `add_months` comes first and clamps."""
    whole = f"$[{text}]"
    months = 0
    shape, offset = _split_offset(text, whole)
    if match := _ADD_MONTHS.fullmatch(text):
        shape, rest = match[1], match[3]
        nothing, offset = _split_offset(rest, whole)
        if nothing:
            raise InvalidExpression(f"{whole}: only an offset like -1/24 may follow add_months(…)")
        sign = -1 if match[2].startswith("-") else 1
        months = sign * int(_product(match[2].lstrip("+-"), whole))
    pieces = _tokens(shape, _TOKENS, whole)
    elapsed = timedelta(seconds=round(offset * 86_400))

    def value(moment: Moment) -> str:
        local = moment.local
        if months:
            moved = add_months(local.date(), months)
            local = local.replace(year=moved.year, month=moved.month, day=moved.day)
        return _render(pieces, (local.astimezone(UTC) + elapsed).astimezone(local.tzinfo))

    return value


def _bizmonth(moment: Moment) -> str:
    """The business date's month, or the month before where that is the current one (4.3)."""
    day = moment.bizdate
    current = moment.local.date()
    if (day.year, day.month) == (current.year, current.month):
        day = add_months(day, -1)
    return f"{day:%Y%m}"


_BUILT_IN: dict[str, Value] = {
    "bizdate": _business("yyyymmdd"),
    "cyctime": _trigger("yyyymmddhh24miss"),
    "gmtdate": lambda moment: f"{moment.local:%Y%m%d}",
    "bizmonth": _bizmonth,
    "jobid": lambda moment: str(moment.workflow_id),
    "nodeid": lambda moment: str(moment.task_id),
    "taskid": lambda moment: str(moment.instance_id),
    "yyyymmdd": _business("yyyymmdd"),
    "yyyy": _business("yyyy"),
    "mm": _business("mm"),
    "dd": _business("dd"),
}


def _built_in(name: str) -> Value:
    if name not in _BUILT_IN:
        raise InvalidExpression(f"${name} is unknown; built in are {', '.join('$' + known for known in _BUILT_IN)}")
    return _BUILT_IN[name]


@lru_cache(maxsize=65_536)
def parse_value(text: str) -> Value:
    """A value with any number of expressions between constants. Raises InvalidExpression."""
    parts: list[Value] = []
    end = 0
    for match in _EXPRESSION.finditer(text):
        parts.append(_constant(text[end : match.start()]))
        business, trigger, name = match.groups()
        parts.append(
            _business(business)
            if business is not None
            else _trigger(trigger)
            if trigger is not None
            else _built_in(name)
        )
        end = match.end()
    rest = text[end:]
    if "${" in rest or "$[" in rest:
        raise InvalidExpression(f"{text}: a bracket is not closed")
    parts.append(_constant(rest))
    return lambda moment: "".join(part(moment) for part in parts)


def warnings_of(text: str) -> list[str]:
    """What is accepted but probably not meant: a year or month format shifted by days (4.2 rule 4)."""
    return [
        f"{match[0]} shifts by days; months are $[add_months({re.split('[+-]', match[2])[0]},N)]"
        for match in _EXPRESSION.finditer(text)
        if match[2] and re.fullmatch(r"(yyyy|yy|mm|yyyymm)[+-]\d+", match[2], re.IGNORECASE)
    ]
