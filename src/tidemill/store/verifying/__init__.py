"""The checker of the promises P1 to P4 and P6: what must never be found in a database, as one query for each.

Each query reads one moment of the database and gives the rows that break a
promise; none of them changes anything, and all of them may run beside a server.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from tidemill.store.engine import Database
from tidemill.store.tables import event, instance_edge, run, task_instance
from tidemill.store.verifying import circles, history, standing
from tidemill.store.verifying.checks import Check

__all__ = ["CHECKS", "PROMISES", "Check", "Size", "Violation", "size", "verify"]

PROMISES = {
    "P1": "there is one instance for each environment, task, trigger time and origin, ever",
    "P2": "an instance starts only when all that it depends on ended well, was set successful, or was taken away",
    "P3": "an instance never has two live runs, and the result of an older run changes nothing",
    "P4": "a run happens at least once; its change of state and its output variables happen exactly once",
    "P6": "nothing is stuck: whatever has not ended is moved on, or has a named reason to wait for a person",
}

CHECKS: tuple[Check, ...] = (*history.CHECKS, *standing.CHECKS)


@dataclass(frozen=True, slots=True)
class Violation:
    """A broken promise: which one (`P1` …), the name of the check, and a sentence that names the instance."""

    promise: str
    check: str
    text: str


@dataclass(frozen=True, slots=True)
class Size:
    """How much there was to check."""

    instances: int
    edges: int
    events: int
    runs: int


def verify(database: Database, most: int = 20) -> Iterator[Violation]:
    """What breaks a promise, at most `most` rows of each check, in the order of `CHECKS`."""
    for check in CHECKS:
        with database.read() as db:
            for row in db.execute(check.broken.limit(most)).mappings():
                yield Violation(check.promise, check.name, check.text.format_map(row))
    with database.read() as db:
        for text in circles.circles(db, most):
            yield Violation("P6", "circle", text)


def size(db: Connection) -> Size:
    tables = (task_instance, instance_edge, event, run)
    return Size(*(db.execute(select(func.count()).select_from(table)).scalar_one() for table in tables))
