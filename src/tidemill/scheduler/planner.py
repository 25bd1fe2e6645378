"""When to plan: each zone's next run date in the evening before, and what was missed while no server ran."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, time, timedelta
from typing import Self
from uuid import uuid4
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from tidemill.domain.moments import wall_clock
from tidemill.domain.planning import CatchUp, cutoff, dates_to_plan, newest_due
from tidemill.scheduler.planning import Planning
from tidemill.settings import Settings
from tidemill.store import operations, planning
from tidemill.store.engine import Database
from tidemill.store.ids import allocate


@dataclass(frozen=True, slots=True)
class PlanningRules:
    """`planning_time` is a wall clock of each zone; `catch_up` says what becomes of missed run dates.

    No run date after `until` is planned (a simulation ends).
    """

    planning_time: time = time(23, 30)
    catch_up: CatchUp = "all"
    catch_up_days: int = 3
    until: date | None = None

    @classmethod
    def of(cls, settings: Settings) -> Self:
        return cls(settings.planning_time, settings.catch_up, settings.catch_up_days)


_NEVER = 2**62


class Planner:
    """Notes which run dates are due as operations; making their instances is the creation step's work."""

    def __init__(self, database: Database, rules: PlanningRules) -> None:
        self._database = database
        self._rules = rules
        self._next = 0

    def plan(self, now: int, *, look: bool) -> bool:
        """Note the dates that have come due; True when there are some. `look`: there may be new zones."""
        if now < self._next and not look:
            return False
        with self._database.read() as db:
            zones = planning.zones(db)
            due = [zone for zone in zones if _dates(db, self._rules, zone, now) != ([], [])]
        if due:
            with self._database.write(announce=False) as db:
                for zone in due:
                    note_due(db, self._rules, zone, now)
        self._next = min((moment for zone in zones for moment in self._following(zone, now)), default=_NEVER)
        return bool(due)

    def next_time(self) -> int | None:
        """Epoch milliseconds at which the next run date of some zone comes due; None where none will."""
        return None if self._next == _NEVER else self._next

    def _following(self, zone: str, now: int) -> Iterator[int]:
        """The planning time of the run date after the newest one due."""
        day = newest_due(now, ZoneInfo(zone), self._rules.planning_time) + timedelta(days=1)
        if self._rules.until is None or day <= self._rules.until:
            yield cutoff(day, ZoneInfo(zone), self._rules.planning_time)


def _dates(db: Connection, rules: PlanningRules, zone: str, now: int) -> tuple[list[date], list[date]]:
    last = planning.last_planned(db, zone)
    newest = newest_due(now, ZoneInfo(zone), rules.planning_time)
    return dates_to_plan(
        date.fromisoformat(last) if last else None,
        newest if rules.until is None else min(newest, rules.until),
        wall_clock(now, ZoneInfo(zone)).date(),
        rules.catch_up,
        rules.catch_up_days,
    )


def note_due(db: Connection, rules: PlanningRules, zone: str, now: int) -> None:
    """Note the run dates of a zone that have come due and are not noted yet, each as an operation."""
    planned, left_out = _dates(db, rules, zone, now)
    for day in left_out:
        planning.note_planned(db, zone, day.isoformat(), None, now)
    for day in planned:
        moment = cutoff(day, ZoneInfo(zone), rules.planning_time)
        workflows = planning.in_force(db, zone, moment)
        id = allocate(db, 1)[0]
        operations.add(
            db,
            id=id,
            uuid=str(uuid4()),
            kind=operations.PLANNING,
            state="Creating",
            env=planning.ENV,
            project_id=0,
            workflow_id=0,
            request=Planning.of(zone, day, moment, workflows).model_dump_json(),
            cursor=0,
            create_time=now,
        )
        planning.note_planned(db, zone, day.isoformat(), id, now)
