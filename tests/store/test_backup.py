"""`tidemill backup`: one moment of a database that is written meanwhile, whole or not at all."""

import sqlite3
import stat
import threading
from pathlib import Path

import pytest
from sqlalchemy import insert, text
from typer.testing import CliRunner

from tests.conftest import assert_promises_held
from tidemill.cli.main import app
from tidemill.store.backup import backup
from tidemill.store.engine import open_database
from tidemill.store.schema import prepare
from tidemill.store.tables import nonce, project

_PAIR = 400  # rows that one transaction writes into each of two tables


@pytest.fixture
def data(tmp_path: Path) -> Path:
    database = open_database(f"sqlite:///{tmp_path / 'tidemill.db'}")
    with database.write() as db:
        prepare(db)
    database.close()
    return tmp_path


def test_a_backup_beside_a_writer_is_one_moment(data: Path) -> None:
    """Both tables hold as many rows: a transaction is in the copy as a whole."""
    database = open_database(f"sqlite:///{data / 'tidemill.db'}", synchronous="OFF")
    ending, written = threading.Event(), threading.Event()

    def write() -> None:
        turn = 0
        while not ending.is_set():
            turn += 1
            with database.write() as db:
                db.execute(
                    insert(nonce),
                    [{"access_key_id": "k", "nonce": f"{turn}-{at}", "time": turn} for at in range(_PAIR)],
                )
                db.execute(insert(project), [_project(turn * _PAIR + at) for at in range(_PAIR)])
            written.set()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        assert written.wait(30)
        for number in range(3):
            backup(data / "tidemill.db", data / f"{number}.copy")
    finally:
        ending.set()
        writer.join()
        database.close()
    for number in range(3):
        copy = open_database(f"sqlite:///{data / f'{number}.copy'}")
        with copy.read() as db:
            assert db.execute(text("PRAGMA integrity_check")).scalar() == "ok"
            nonces, projects = (
                db.execute(text(f"SELECT count(*) FROM {name}")).scalar() for name in ("nonce", "project")
            )
        assert nonces == projects
        assert nonces
        assert_promises_held(copy)
        copy.close()


def _nonce(number: int) -> dict[str, object]:
    return {"access_key_id": "k", "nonce": str(number), "time": 0}


def _project(id: int) -> dict[str, object]:
    return {
        "id": id, "name": f"p{id}", "owner": "1", "status": "Available", "time_zone": "UTC", "create_time": 0,
        "modify_time": 0,
    }  # fmt: skip


def test_the_command_says_what_else_to_keep(data: Path) -> None:
    result = CliRunner().invoke(app, ["backup", str(data / "to.db"), "--data", str(data)])
    assert result.exit_code == 0, result.output
    assert "secret.key" in result.stdout
    assert sqlite3.connect(data / "to.db").execute("PRAGMA journal_mode").fetchone() == ("delete",)


def test_nothing_is_overwritten_and_nothing_half_done_is_left(data: Path) -> None:
    there = data / "there.db"
    there.write_text("mine")
    refused = CliRunner().invoke(app, ["backup", str(there), "--data", str(data)])
    assert refused.exit_code == 1
    assert "name a new file" in refused.output
    assert there.read_text() == "mine"
    (data / "not-a-database").write_text("no " * 1_000)
    with pytest.raises(sqlite3.DatabaseError):
        backup(data / "not-a-database", data / "to.db")
    assert not list(data.glob("to.db*"))


def test_a_backup_is_closed_to_other_users(data: Path) -> None:
    backup(data / "tidemill.db", data / "to.db")
    assert stat.S_IMODE((data / "to.db").stat().st_mode) == 0o600


def test_what_cannot_be_backed_up_is_said_in_a_sentence(data: Path) -> None:
    absent = CliRunner().invoke(app, ["backup", str(data / "nodir/x.db"), "--data", str(data)])
    assert (absent.exit_code, "there is no directory" in absent.output) == (1, True)
    (data / "tidemill.db").write_text("no " * 1_000)
    unreadable = CliRunner().invoke(app, ["backup", str(data / "x.db"), "--data", str(data)])
    assert (unreadable.exit_code, "tidemill backup: file is not a database" in unreadable.output) == (1, True)
