"""Each error has one form on the wire."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing

import pytest
from sqlalchemy.exc import OperationalError

from tidemill.api.errors import WIRE, to_wire
from tidemill.domain.errors import Fault, Forbidden, InvalidRequest, SchedulerError


def tree(root: type[SchedulerError]) -> Iterator[type[SchedulerError]]:
    for child in root.__subclasses__():
        yield child
        yield from tree(child)


def test_every_error_has_a_wire_form() -> None:
    assert set(tree(SchedulerError)) == set(WIRE)


@pytest.mark.parametrize(
    ("faults", "code", "message"),
    [
        ([Fault("Id", "is mandatory", True)], "MissingId", "Id is mandatory for this action."),
        (
            [Fault("Id", "is mandatory", True), Fault("Name", "a text is expected")],
            "MissingId",
            "Id is mandatory for this action. Id: is mandatory; Name: a text is expected",
        ),
        (
            [Fault("Tasks[0].Name", "is mandatory", True)],
            "MissingTasks",
            "Tasks[0].Name is mandatory for this action. Tasks[0].Name: is mandatory",
        ),
        (
            [Fault("Tasks[2].Trigger.Recurrence", "Normal, Skip or Pause is expected")],
            "InvalidTasks",
            "Specified parameter Tasks is not valid. Tasks[2].Trigger.Recurrence: Normal, Skip or Pause is expected",
        ),
    ],
)
def test_the_first_fault_gives_the_code_and_the_message_lists_all(faults: list[Fault], code: str, message: str) -> None:
    wire = to_wire(InvalidRequest(faults))
    assert (wire.status, wire.code, wire.message) == (400, code, message)


def test_of_very_many_faults_some_are_only_counted() -> None:
    message = to_wire(InvalidRequest([Fault(f"Tasks[{n}]", "an object is expected") for n in range(1_000)])).message
    assert message.endswith("; Tasks[49]: an object is expected; and 950 more")


def test_what_was_forbidden_is_named_in_an_object() -> None:
    body = to_wire(Forbidden("DeleteWorkflow", "no")).body("h", "http", "R").decode()
    assert '"AccessDeniedDetail":{"AuthAction":"dataworks:DeleteWorkflow"' in body


def test_a_database_that_went_away_is_a_passing_failure() -> None:
    wire = to_wire(OperationalError("SELECT secret", {}, Exception("gone"), connection_invalidated=True))
    assert (wire.status, wire.code, wire.retry_after) == (503, "ServiceUnavailable", 1_000)
    assert "secret" not in wire.message


class DiskFull(Exception):
    """As psycopg's."""

    sqlstate = "53100"


def full_sqlite() -> sqlite3.Error:
    with closing(sqlite3.connect(":memory:")) as db:
        db.execute("PRAGMA max_page_count = 1")
        with pytest.raises(sqlite3.OperationalError) as full:
            db.execute("CREATE TABLE t (a)")
        return full.value


@pytest.mark.parametrize("cause", [full_sqlite(), DiskFull()], ids=["SQLite", "PostgreSQL"])
def test_a_full_disk_is_a_passing_failure_that_is_named(cause: Exception) -> None:
    wire = to_wire(OperationalError("INSERT secret", {}, cause))
    assert (wire.status, wire.code, wire.retry_after) == (503, "ServiceUnavailable", 1_000)
    assert "disk is full" in wire.message
    assert "secret" not in wire.message


def test_anything_else_says_nothing() -> None:
    wire = to_wire(KeyError("secret"))
    assert (wire.status, wire.code) == (500, "InternalError")
    assert "secret" not in wire.message
