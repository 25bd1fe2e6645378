"""`tidemill migrate`: a database of every earlier version comes to this one with all its rows."""

import re
import sqlite3
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.conftest import assert_promises_held
from tests.store.test_schema import fresh_schema, schema
from tidemill.cli.lock import DataDirectory
from tidemill.cli.main import app
from tidemill.store.engine import open_database
from tidemill.store.schema import HEAD

_OLD = sorted((Path(__file__).parents[1] / "data/databases").glob("*.sql"))


@pytest.fixture(params=_OLD, ids=lambda path: path.stem)
def old(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A data directory as the demo of that version left it."""
    (tmp_path / "data").mkdir()
    db = sqlite3.connect(tmp_path / "data/tidemill.db")
    db.executescript(request.param.read_text())
    db.close()
    return tmp_path / "data"


def _rows(data: Path, columns: dict[str, list[str]] | None = None) -> dict[str, list[tuple[object, ...]]]:
    """Every table's rows, in the columns given; without them in all there are."""
    db = sqlite3.connect(data / "tidemill.db")
    tables = columns or _columns(data)
    found = {
        name: sorted(db.execute(f"SELECT {', '.join(f'[{each}]' for each in names)} FROM [{name}]"), key=str)
        for name, names in tables.items()
    }
    db.close()
    return found


def _columns(data: Path) -> dict[str, list[str]]:
    db = sqlite3.connect(data / "tidemill.db")
    names = db.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '%alembic%'").fetchall()
    found = {name: [row[1] for row in db.execute(f"PRAGMA table_info([{name}])")] for (name,) in names}
    db.close()
    return {name: columns for name, columns in found.items() if not name.startswith("sqlite_")}


def test_every_row_of_every_column_is_kept(old: Path, tmp_path: Path) -> None:
    columns = _columns(old)
    before = _rows(old, columns)
    assert len(before["run"]) == 8
    result = CliRunner().invoke(app, ["migrate", "--data", str(old)])
    assert result.exit_code == 0, result.output
    assert re.search(rf"the schema is {HEAD}; it was 000\d", result.stdout)
    there = _columns(old)
    assert all(set(names) <= set(there[name]) for name, names in columns.items())
    assert _rows(old, columns) == before
    database = open_database(f"sqlite:///{old / 'tidemill.db'}")
    with database.read() as db:
        assert schema(db) == fresh_schema(tmp_path)
    assert_promises_held(database)
    database.close()


def test_migrating_twice_changes_nothing(old: Path) -> None:
    assert CliRunner().invoke(app, ["migrate", "--data", str(old)]).exit_code == 0
    before = _rows(old)
    again = CliRunner().invoke(app, ["migrate", "--data", str(old)])
    assert f"it was {HEAD}" in again.stdout
    assert _rows(old) == before


def test_a_server_that_works_on_it_is_named(old: Path) -> None:
    lock = DataDirectory(old)
    refused = CliRunner().invoke(app, ["migrate", "--data", str(old)])
    lock.close()
    assert refused.exit_code == 1
    assert "belongs to the server with process id" in refused.output
