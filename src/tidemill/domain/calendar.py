"""Scheduling calendars: which days a workflow runs on, whatever its cron says.

Sources: api-semantics 10, scheduling-semantics 1.7; docs/decisions/0010 where they are silent.
A calendar takes days away from a schedule and never adds any. Its days are run dates: the calendar date of the trigger
time in the scheduling time zone, not the business date.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from typing import Annotated, Literal, Self

from pydantic import Field

from tidemill.domain.definitions import Boolean, Day, Integer, IsDay, ListOf, OrNone, Wire
from tidemill.domain.errors import Fault

CalendarType = Literal["StrongConstraint", "WeakConstraint"]
Policy = Literal["Normal", "Pause", "Skip"]
ExpirationReminder = Literal["OneMonthBefore", "OneWeekBefore", "ThreeDaysBefore"]

MAX_YEARS = 5  # a period is shorter than this
_SHOWN = 10  # dates that a fault names
_STRONG = ("start_date", "end_date", "expiration_reminder", "overdue_policy")
_WEAK = ("fallback_policy",)
_OF_TYPE: dict[CalendarType, tuple[str, ...]] = {"StrongConstraint": _STRONG, "WeakConstraint": _WEAK}

# (what the task itself says, the day's mark): what the instance gets. The stricter wins: Pause over Skip over Normal.
_WITH_CALENDAR = {
    ("Normal", "Skip"): "SkipCalendar",
    ("Normal", "Pause"): "PauseCalendar",
    ("Skip", "Pause"): "PauseCalendar",
}


class SchedulePolicy(Wire):
    """Run dates as `yyyy-mm-dd`."""

    normal_dates: Annotated[tuple[Day, ...], ListOf] = ()
    skip_dates: Annotated[tuple[Day, ...], ListOf] = ()


class CalendarDefinition(Wire):
    """A calendar as CreateCalendar and UpdateCalendar take it; a version's stored JSON. Dates are `yyyy-mm-dd`."""

    description: str = Field(min_length=5, max_length=2048)
    owner: str = Field(min_length=1)
    all_projects: Annotated[Boolean | None, OrNone] = None
    project_ids: Annotated[tuple[Integer, ...], ListOf] = ()
    type: CalendarType
    start_date: Annotated[str | None, OrNone, IsDay] = None
    end_date: Annotated[str | None, OrNone, IsDay] = None
    expiration_reminder: Annotated[ExpirationReminder | None, OrNone] = None
    overdue_policy: Annotated[Policy | None, OrNone] = None
    fallback_policy: Annotated[Policy | None, OrNone] = None
    schedule_policy: SchedulePolicy

    def canonical(self) -> "CalendarDefinition":
        """The same calendar, with sorted lists and without the fields that its type does not use."""
        strong = self.type == "StrongConstraint"
        policy = self.schedule_policy
        values = self.model_dump(include=set(CalendarDefinition.model_fields))
        values |= dict.fromkeys(_WEAK if strong else _STRONG)
        return CalendarDefinition.model_validate(
            values
            | {
                "all_projects": bool(self.all_projects),
                "project_ids": tuple(sorted(set(self.project_ids))),
                "schedule_policy": SchedulePolicy(
                    normal_dates=tuple(sorted(set(policy.normal_dates))),
                    skip_dates=tuple(sorted(set(policy.skip_dates))) if strong else (),
                ),
            }
        )


def calendar_faults(asked: CalendarDefinition) -> list[Fault]:
    """What is wrong with a calendar by itself, in the order of its fields. Source: CreateCalendar's fields."""
    return [*_project_faults(asked), *_missing(asked), *_period_faults(asked)]


def _project_faults(asked: CalendarDefinition) -> Iterator[Fault]:
    if asked.all_projects and asked.project_ids:
        yield Fault("ProjectIds", "no project is expected where AllProjects is true")
    elif not asked.all_projects and not asked.project_ids:
        yield Fault("ProjectIds", "at least one project is expected unless AllProjects is true", True)


def _missing(asked: CalendarDefinition) -> Iterator[Fault]:
    for name in _OF_TYPE[asked.type]:
        if getattr(asked, name) is None:
            alias = CalendarDefinition.model_fields[name].alias or name
            yield Fault(alias, f"is mandatory for a calendar of type {asked.type}", True)


def _period_faults(asked: CalendarDefinition) -> Iterator[Fault]:
    """Of a strong calendar with a period: every day of it is in exactly one of the two lists."""
    if asked.type != "StrongConstraint" or asked.start_date is None or asked.end_date is None:
        return
    start, end = date.fromisoformat(asked.start_date), date.fromisoformat(asked.end_date)
    if end < start:
        yield Fault("EndDate", f"not before StartDate, which is {start}")
        return
    if (end.year - start.year, end.month, end.day) >= (MAX_YEARS, start.month, start.day):
        yield Fault("EndDate", f"less than {MAX_YEARS} years after StartDate, which is {start}")
        return
    policy = asked.schedule_policy
    days = {(start + timedelta(days=offset)).isoformat() for offset in range((end - start).days + 1)}
    normal, skipped = set(policy.normal_dates), set(policy.skip_dates)
    for name, listed in (("NormalDates", normal), ("SkipDates", skipped)):
        if outside := listed - days:
            yield Fault(f"SchedulePolicy.{name}", f"dates from {start} to {end} are expected, not {_listed(outside)}")
    if twice := normal & skipped:
        yield Fault("SchedulePolicy.SkipDates", f"not in NormalDates as well, as {_listed(twice)}")
    if open := days - normal - skipped:
        yield Fault("SchedulePolicy", f"each day of the period is in NormalDates or SkipDates; not yet {_listed(open)}")


def _listed(days: Iterable[str]) -> str:
    ordered = sorted(days)
    more = f" and {len(ordered) - _SHOWN} more" if len(ordered) > _SHOWN else ""
    return ", ".join(ordered[:_SHOWN]) + more


@dataclass(frozen=True, slots=True)
class Calendar:
    """What the planner asks of a calendar at one version.

    `other` is the mark of a day that `normal` does not have; a weak calendar has neither `start` nor `end`.
    """

    normal: frozenset[date]
    other: Policy
    start: date | None = None
    end: date | None = None
    overdue: Policy = "Normal"

    @classmethod
    def of(cls, definition: CalendarDefinition) -> Self:
        """From a definition without faults."""
        normal = frozenset(date.fromisoformat(day) for day in definition.schedule_policy.normal_dates)
        if definition.type == "WeakConstraint":
            return cls(normal, definition.fallback_policy or "Normal")
        assert definition.start_date is not None
        assert definition.end_date is not None
        start, end = date.fromisoformat(definition.start_date), date.fromisoformat(definition.end_date)
        return cls(normal, "Skip", start, end, definition.overdue_policy or "Normal")

    def mark(self, day: date) -> Policy:
        """What happens on a run date: Normal runs, Skip is a dry run, Pause fails and blocks what waits for it.

        Before a strong calendar's StartDate it does not speak yet, and schedules are followed; after
        its EndDate OverduePolicy holds. On a day that a weak calendar does not list, FallbackPolicy holds.
        """
        if self.start is not None and day < self.start:
            return "Normal"
        if self.end is not None and day > self.end:
            return self.overdue
        return "Normal" if day in self.normal else self.other


@lru_cache(maxsize=64)
def stored_calendar(text: str) -> Calendar:
    """The calendar that a version's JSON says. The same text is read once."""
    return Calendar.of(CalendarDefinition.model_validate_json(text))


def recurrence_on(calendar: Calendar | None, day: date, recurrence: str) -> str:
    """An instance's TriggerRecurrence on a run date, from the one it would have without its calendar.

    The stricter of the two wins, and the task's own name stays where both say the same: a paused task lets nothing
    pass on a skipped day, and nothing is reported as done on a paused day. What is not for a schedule to decide
    (Manual, SkipUnchoose), or not a day of the cron (SkipCycle), stays as it is.
    """
    if calendar is None:
        return recurrence
    return _WITH_CALENDAR.get((recurrence, calendar.mark(day)), recurrence)
