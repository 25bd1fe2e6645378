"""Between epoch milliseconds and wall clocks, on the days clocks change too.

Every moment is an integer of epoch milliseconds UTC; a wall clock is a naive datetime that some zone gives a meaning.
"""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)


def moment(wall: datetime, zone: ZoneInfo) -> int:
    """Epoch milliseconds at which `zone` shows `wall`; of two possible readings, the later.

    A repeated wall clock (clocks set back) is its second occurrence, as DataWorks keeps the second instance of the
    repeated hour. One that never shows (clocks set forward) moves later by the length of the gap.
    """
    return max(_epoch_milliseconds(wall.replace(tzinfo=zone, fold=fold)) for fold in (0, 1))


def wall_clock(moment: int, zone: ZoneInfo) -> datetime:
    """The aware local time of an epoch millisecond."""
    return (EPOCH + timedelta(milliseconds=moment)).astimezone(zone)


def shown(wall: datetime, zone: ZoneInfo) -> bool:
    """Whether clocks in `zone` ever show `wall`: false inside a gap."""
    return wall_clock(moment(wall, zone), zone).replace(tzinfo=None) == wall


def midnight(day: date, zone: ZoneInfo) -> int:
    """Epoch milliseconds at which `day` begins: its first 00:00, or the end of the gap that swallowed it."""
    return _epoch_milliseconds(datetime.combine(day, time(), zone))


def is_steady(day: date, zone: ZoneInfo) -> bool:
    """Whether no clock change falls on `day`, so that its minutes are evenly spaced from midnight."""
    # Folds 0 and 1 see the offsets before and after a change at either end of the day.
    first = datetime.combine(day, time(), zone)
    last = datetime.combine(day, time.max, zone).replace(fold=1)
    return first.utcoffset() == last.utcoffset()


def _epoch_milliseconds(local: datetime) -> int:
    return (local - EPOCH) // MILLISECOND
