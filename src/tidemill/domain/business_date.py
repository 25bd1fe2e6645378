"""Run date and business date, the two dates that every instance has.

The run date is the date of the trigger time in the scheduling zone; the business date (bizdate, "data timestamp") is
the day before. Instances pair by bizdate as a date. Source: DataWorks, "Supported formats of scheduling parameters".
"""

from datetime import date, timedelta
from zoneinfo import ZoneInfo

from tidemill.domain.errors import Malformed
from tidemill.domain.moments import midnight, wall_clock

_DAY = timedelta(days=1)


def run_date(trigger_time: int, zone: ZoneInfo) -> date:
    """The date in `zone` of a trigger time in epoch milliseconds."""
    return wall_clock(trigger_time, zone).date()


def bizdate(trigger_time: int, zone: ZoneInfo) -> date:
    """The business date in `zone` of a trigger time in epoch milliseconds."""
    # A day off the date, not 24 hours off the time: on a day the clocks change, those differ.
    return run_date(trigger_time, zone) - _DAY


def run_date_of(bizdate: date) -> date:
    """The date on which a business date is processed: what a backfill of `bizdate` plans."""
    return bizdate + _DAY


def bizdate_milliseconds(bizdate: date, zone: ZoneInfo) -> int:
    """A business date as the API gives it (`Bizdate`): epoch milliseconds of its 00:00 in `zone`."""
    return midnight(bizdate, zone)


def bizdate_holding(milliseconds: int, zone: ZoneInfo) -> date:
    """The business date that a caller means by epoch milliseconds: the date in `zone`. Raises Malformed."""
    try:
        return wall_clock(milliseconds, zone).date()
    except OverflowError:
        raise Malformed("epoch milliseconds of 00:00 of the business date are expected") from None
