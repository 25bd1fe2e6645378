"""Business dates: the day before the run date, as text in the database and as epoch milliseconds on the wire."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo


def bizdate_of(trigger_time: int, zone: str) -> date:
    """The business date of a trigger time (epoch ms): the day before its date in the scheduling zone."""
    return datetime.fromtimestamp(trigger_time / 1000, ZoneInfo(zone)).date() - timedelta(days=1)


def to_wire(bizdate: str, zone: str) -> int:
    """Epoch milliseconds of 00:00 of a business date in the scheduling zone."""
    return int(datetime.combine(date.fromisoformat(bizdate), time(), ZoneInfo(zone)).timestamp() * 1000)


def from_wire(milliseconds: int, zone: str) -> str:
    """The business date that holds a moment. Raises ValueError for one outside the years 1 to 9999."""
    try:
        return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=milliseconds)).astimezone(
            ZoneInfo(zone)
        ).date().isoformat()  # fmt: skip
    except OverflowError:
        raise ValueError("epoch milliseconds of 00:00 of the business date are expected") from None
