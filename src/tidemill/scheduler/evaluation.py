"""When the instances of a date trigger, and what their parameters are."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from tidemill.domain.creation import Creation
from tidemill.domain.definitions import WorkflowAt
from tidemill.domain.drafts import Cycle, Draft

Values = Mapping[int, str]


def cycles_of(workflow: WorkflowAt, asked: Creation, bizdate: date) -> list[Cycle]:
    midnight = datetime.combine(bizdate + timedelta(days=1), datetime.min.time(), ZoneInfo(asked.time_zone))
    return [Cycle(int(midnight.timestamp() * 1000), 1)]


def values_of(db: Connection, workflow: WorkflowAt, asked: Creation, bizdate: str, drafts: Sequence[Draft]) -> Values:
    return {item.id: "{}" for item in drafts}
