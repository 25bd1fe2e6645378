"""RunPolicy: the hours of the day in which instances of a backfill may start (scheduling-semantics 7.1)."""

import json
from datetime import datetime, time, timedelta
from functools import lru_cache
from typing import Literal, NamedTuple
from zoneinfo import ZoneInfo

from tidemill.domain.moments import moment, wall_clock

_DAY = timedelta(days=1)
_SATURDAY = 5


class Window(NamedTuple):
    """Daily, or on Saturdays and Sundays only, from `start` to `end` (`hh:mm:ss`, both included) in `time_zone`.

    An end before the start is on the next day: 22:00:00 to 06:00:00 is one night, that of the day it began on.
    """

    type: Literal["Daily", "Weekend"]
    start: str
    end: str
    time_zone: str

    @staticmethod
    @lru_cache(maxsize=256)
    def of(text: str) -> "Window":
        """From the JSON that an instance keeps."""
        return Window(*json.loads(text))

    def text(self) -> str:
        return json.dumps(self)

    def opening(self, now: int) -> int:
        """`now` while the window is open, else the moment at which it opens next; epoch milliseconds."""
        zone = ZoneInfo(self.time_zone)
        today = wall_clock(now, zone).date()
        for day in (today + _DAY * offset for offset in range(-1, 8)):
            if self.type == "Weekend" and day.weekday() < _SATURDAY:
                continue
            start, end = time.fromisoformat(self.start), time.fromisoformat(self.end)
            opens = moment(datetime.combine(day, start), zone)
            last = moment(datetime.combine(day if start <= end else day + _DAY, end), zone)
            if now <= last + 999:
                return max(now, opens)
        raise AssertionError("every window opens within a week")
