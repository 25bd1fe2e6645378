"""How long somebody waits to write, and what counts as a database that will be back."""

import sqlite3
import threading
from pathlib import Path

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError, OperationalError

from tidemill.store.absence import Busy, will_pass
from tidemill.store.engine import Database, Turn, open_database
from tidemill.store.tables import nonce


def test_a_writer_gives_up_when_its_turn_does_not_come(database: Database) -> None:
    with database.write(), pytest.raises(Busy), database.within(Turn(0)).write():
        pass
    with database.within(Turn(0)).write() as db:
        assert db.execute(text("SELECT 1")).scalar() == 1


def test_what_nobody_waits_for_any_more_is_rolled_back(database: Database) -> None:
    turn = Turn(60)

    def give_up_in_the_middle() -> None:
        with database.within(turn).write() as db:
            db.execute(nonce.insert().values(access_key_id="k", nonce="n", time=0))
            turn.given_up = True

    with pytest.raises(Busy):
        give_up_in_the_middle()
    with database.read() as db:
        assert db.execute(select(nonce)).all() == []


def test_the_lock_of_another_process_is_waited_for_as_long_as_the_turn_says(tmp_path: Path) -> None:
    database = open_database(f"sqlite:///{tmp_path / 'test.db'}")
    with database.write() as db:
        db.execute(text("CREATE TABLE t (x)"))
    other = sqlite3.connect(tmp_path / "test.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    for impatient in (database.within(Turn(0)), database.patient(0)):
        with pytest.raises(Busy, match="another process"), impatient.write():
            pass
    with database.read() as db:
        assert db.execute(text("SELECT * FROM t")).all() == []
    other.rollback()
    with database.within(Turn(0)).write() as db:
        db.execute(text("INSERT INTO t VALUES (1)"))
    other.close()
    database.close()


def locked(code: int) -> sqlite3.OperationalError:
    error = sqlite3.OperationalError("database is locked")
    error.sqlite_errorcode = code
    return error


def of_postgresql(name: str) -> Exception:
    import psycopg.errors

    return getattr(psycopg.errors, name)("insides")


@pytest.mark.parametrize(
    ("original", "passes"),
    [
        pytest.param(locked(sqlite3.SQLITE_BUSY), True, id="SQLite is locked"),
        pytest.param(locked(sqlite3.SQLITE_BUSY_SNAPSHOT), True, id="in any way"),
        pytest.param(locked(sqlite3.SQLITE_ERROR), False, id="another error of SQLite"),
        pytest.param(of_postgresql("ConnectionTimeout"), True, id="no connection came"),
        pytest.param(of_postgresql("AdminShutdown"), True, id="the server stops"),
        pytest.param(of_postgresql("CannotConnectNow"), True, id="the server starts"),
        pytest.param(of_postgresql("LockNotAvailable"), True, id="a lock did not come"),
        pytest.param(of_postgresql("IdleInTransactionSessionTimeout"), True, id="we stalled"),
        pytest.param(of_postgresql("QueryCanceled"), False, id="somebody cancelled the statement"),
        pytest.param(of_postgresql("SyntaxError"), False, id="a mistake of ours"),
    ],
)
def test_only_some_errors_pass_by_themselves(original: Exception, passes: bool) -> None:
    assert will_pass(original) is passes
    assert will_pass(OperationalError("SELECT 1", {}, original)) is passes


def test_a_constraint_stays_broken() -> None:
    assert not will_pass(IntegrityError("INSERT", {}, sqlite3.IntegrityError()))


class _Watched:
    """A lock that says when somebody asks for it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.asked = threading.Event()

    def acquire(self, timeout: float = -1) -> bool:
        self.asked.set()
        return self._lock.acquire(timeout=timeout)

    def release(self) -> None:
        self._lock.release()


def test_the_end_waits_for_who_is_writing(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'test.db'}"
    database = open_database(url)
    with database.write() as db:
        db.execute(text("CREATE TABLE t (x)"))
    watched = database._lock = _Watched()  # type: ignore[assignment]
    end = threading.Thread(target=database.close)
    with database.write() as db:
        watched.asked.clear()
        db.execute(text("INSERT INTO t VALUES (1)"))
        end.start()
        assert watched.asked.wait(10)
        db.execute(text("INSERT INTO t VALUES (2)"))
    end.join()
    again = open_database(url)
    with again.read() as db:
        assert db.execute(text("SELECT x FROM t ORDER BY x")).scalars().all() == [1, 2]
    again.close()
