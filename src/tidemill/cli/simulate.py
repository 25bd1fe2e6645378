"""`tidemill simulate`: the present definitions planned and run over some days by the real scheduler, without executing.

A copy of the definitions goes into a database of its own, so that neither the server nor its data notice.
"""

from collections.abc import Collection, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, select

from tidemill.clock import VirtualClock
from tidemill.domain.moments import midnight
from tidemill.runners.contract import Run
from tidemill.runners.simulated import Ending, SimulatedRunner
from tidemill.scheduler.loop import Scheduler
from tidemill.scheduler.planner import PlanningRules
from tidemill.settings import Settings
from tidemill.store import planning
from tidemill.store.copying import copy_definitions, recorded_durations, tasks_of_instances
from tidemill.store.engine import Database, open_database, open_existing
from tidemill.store.parameters import Masked
from tidemill.store.schema import prepare
from tidemill.store.tables import task

_DAY = timedelta(days=1)
_AFTERWARDS = 30 * _DAY  # runs that go on after the last day are followed for as long


@dataclass(frozen=True)
class Asked:
    """What is simulated: `days` run dates from `first`. Runs take `seconds` each unless `recorded` knows their task."""

    first: date
    days: int
    seconds: float = 60.0
    recorded: Mapping[int, int] = field(default_factory=dict[int, int])
    failing: Collection[int] = ()
    default_slots: int = 16
    rules: PlanningRules = field(default_factory=PlanningRules)


@contextmanager
def definitions(settings: Settings) -> Generator[Database]:
    """The database whose definitions are simulated. Raises ValueError where there is none."""
    database = open_existing(settings.database_url)
    try:
        yield database
    finally:
        database.close()


@contextmanager
def simulated(
    source: Database,
    settings: Settings,
    first: str,
    days: int,
    *,
    seconds: float = 60.0,
    recorded: bool = True,
    failing: Collection[str] = (),
) -> Generator[Database]:
    """The database of a simulation that has ended; it goes with the block. Its instances hold what happened.

    Raises ValueError for a date that is none and for a failing task that there is not.
    """
    with TemporaryDirectory(prefix="tidemill-") as place:
        database = open_database(f"sqlite:///{Path(place) / 'simulation.db'}", "OFF")
        try:
            with source.read() as there, database.write() as here:
                prepare(here)
                copy_definitions(there, here)
                asked = Asked(
                    first=_date(first),
                    days=days,
                    seconds=seconds,
                    recorded=recorded_durations(there) if recorded else {},
                    failing=tasks_named(there, failing),
                    default_slots=settings.resource_group_slots,
                    rules=PlanningRules.of(settings),
                )
            run(database, asked)
            yield database
        finally:
            database.close()


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ValueError(f"--from: a date as yyyy-mm-dd is expected, not {text}") from None


def run(database: Database, asked: Asked) -> None:
    """Let the scheduler run from the first date's midnight until nothing of the last is left to happen."""
    with database.write(announce=False) as db:
        names = planning.zones(db)
        for name in names:  # so that planning begins with the first date, wherever it is still the day before
            planning.note_planned(db, name, (asked.first - _DAY).isoformat(), None, 0)
    zones = [ZoneInfo(name) for name in names]
    last = asked.first + _DAY * (asked.days - 1)
    clock = VirtualClock(min(midnight(asked.first, zone) for zone in zones))
    horizon = max(midnight(last + _AFTERWARDS, zone) for zone in zones)
    rules = PlanningRules(asked.rules.planning_time, asked.rules.catch_up, asked.rules.catch_up_days, last)
    runner = SimulatedRunner(clock, lambda runs: _endings(database, asked, runs), horizon, lambda: scheduler.stop())
    scheduler = Scheduler(
        database,
        runner,
        clock,
        boot="simulation",
        default_slots=asked.default_slots,
        planning=rules,
        vault=Masked(),
    )
    scheduler.run()


def _endings(database: Database, asked: Asked, runs: Sequence[Run]) -> dict[int, Ending]:
    ids = [item.instance for item in runs]
    with database.read() as db:
        tasks = tasks_of_instances(db, ids)
    plain = round(asked.seconds * 1000)
    return {id: (asked.recorded.get(tasks[id], plain), int(tasks[id] in asked.failing)) for id in ids}


def tasks_named(db: Connection, names: Collection[str]) -> set[int]:
    """The tasks of Prod with these names or ids. Raises ValueError for one that there is not."""
    rows = db.execute(select(task.c.id, task.c.name).where(task.c.env == planning.ENV)).all()
    found = {row[0] for row in rows if row[1] in names or str(row[0]) in names}
    known = {row[1] for row in rows} | {str(row[0]) for row in rows}
    if unknown := sorted(set(names) - known):
        raise ValueError(f"there is no task {unknown[0]} in {planning.ENV}")
    return found
