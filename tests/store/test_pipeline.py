"""A transaction that waits for PostgreSQL only where it reads: its failures, its fence, and a stall in its middle."""

import threading
from collections.abc import Callable

import pytest
from sqlalchemy import Connection, func, insert, select, text
from sqlalchemy.exc import DBAPIError

from tidemill.scheduler.membership import NotLeading
from tidemill.store import engine
from tidemill.store.absence import Busy, first_failure, will_pass
from tidemill.store.engine import Database
from tidemill.store.statements import Rows, Statement
from tidemill.store.tables import project

pytestmark = pytest.mark.parametrize("database", ["postgresql"], indirect=True)

_add = Statement(
    insert(project).values(
        id=7, name="p", owner="1", status="Available", time_zone="UTC", create_time=0, modify_time=0
    )
)  # fmt: skip
_count = Statement(select(func.count()).select_from(project))
_wrong = Statement(text("SELECT 1 / 0"))


def count(database: Database) -> int:
    with database.read() as db:
        return _count(db).scalar()


def test_what_is_written_is_there_afterwards_and_can_be_read_within(database: Database) -> None:
    with database.write(pipelined=True) as db:
        _add(db)
        asked = _count(db), _count(db)
        assert [rows.scalar() for rows in asked] == [1, 1]
        late = _count(db)
    assert late.scalar() == 1
    assert count(database) == 1


def sends_more(db: Connection) -> None:
    for _ in range(3):
        _count(db)


def reads(db: Connection) -> None:
    _count(db).scalar()


def nothing(_: Connection) -> None: ...


@pytest.mark.parametrize("then", [nothing, sends_more, reads])
def test_the_first_failure_is_the_one_that_is_told(database: Database, then: Callable[[Connection], None]) -> None:
    def attempt() -> None:
        with database.write(pipelined=True) as db:
            _add(db)
            _wrong(db)
            then(db)

    with pytest.raises(Exception) as caught:
        attempt()
    error = caught.value.orig if isinstance(caught.value, DBAPIError) else caught.value
    assert type(error).__name__ == "DivisionByZero"
    assert first_failure(caught.value) is caught.value
    assert not will_pass(caught.value), "the scheduler would take it for a database that is away"
    assert count(database) == 0


def test_a_fence_that_says_no_undoes_all(database: Database) -> None:
    def fence(db: Connection) -> Callable[[], None]:
        asked: Rows = _count(db)

        def check() -> None:
            if asked.scalar() == 0:
                raise NotLeading

        return check

    with pytest.raises(NotLeading), database.fenced(fence).write(pipelined=True) as db:
        _add(db)
    assert count(database) == 0


@pytest.mark.parametrize("then", [nothing, sends_more, reads])
def test_a_lock_that_does_not_come_is_busy(database: Database, then: Callable[[Connection], None]) -> None:
    def attempt() -> None:
        with database.patient(0.05).write(pipelined=True) as db:
            _add(db)
            then(db)

    with database.write(), pytest.raises(Busy):
        attempt()
    assert count(database) == 0


def test_who_stalls_in_the_middle_of_one_loses_it(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stopped process says nothing, and PostgreSQL does not count it as idle: the next writer must not wait."""
    monkeypatch.setattr(engine, "_LONGEST", "300ms")
    sent, go_on = threading.Event(), threading.Event()
    failures: list[BaseException] = []

    def stall() -> None:
        try:
            with database.write(announce=False, pipelined=True) as db:
                _count(db).scalar()
                _add(db)
                sent.set()
                go_on.wait(60)
        except Exception as error:
            failures.append(error)

    stalled = threading.Thread(target=stall)
    stalled.start()
    assert sent.wait(60)
    with database.write() as db:
        assert _count(db).scalar() == 0
    go_on.set()
    stalled.join()
    assert len(failures) == 1
    assert will_pass(failures[0])
    assert count(database) == 0
