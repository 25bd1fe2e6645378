"""`tidemill verify`: its exit code is what a script asks."""

from pathlib import Path

import pytest
from sqlalchemy import insert
from typer.testing import CliRunner

from tidemill.cli.main import app
from tidemill.store.engine import open_database
from tidemill.store.schema import HEAD, prepare
from tidemill.store.tables import instance_edge
from tidemill.store.verifying import CHECKS, PROMISES


@pytest.fixture
def data(tmp_path: Path) -> Path:
    database = open_database(f"sqlite:///{tmp_path / 'tidemill.db'}")
    with database.write() as db:
        prepare(db)
    database.close()
    return tmp_path


def test_a_sound_database_gives_zero_and_says_what_holds(data: Path) -> None:
    result = CliRunner().invoke(app, ["verify", "--data", str(data)])
    assert result.exit_code == 0
    assert "P1, P2, P3, P4 and P6 hold" in result.stdout
    assert "0 instances, 0 edges, 0 events, 0 runs" in result.stdout


def test_a_broken_one_gives_one_and_names_the_instance(data: Path) -> None:
    database = open_database(f"sqlite:///{data / 'tidemill.db'}")
    with database.write() as db:
        db.execute(insert(instance_edge).values(downstream_id=7, upstream_id=8, type="Normal"))
    database.close()
    result = CliRunner().invoke(app, ["verify", "--data", str(data)])
    assert result.exit_code == 1
    assert "P6 edges join instances: an edge leads from 8 to 7" in result.stdout
    assert "Broken: P6 1 times" in result.stdout
    assert "P6: nothing is stuck" in result.stdout


def test_every_promise_that_is_checked_has_its_meaning() -> None:
    assert {check.promise for check in CHECKS} == set(PROMISES)


def test_no_database_another_one_and_an_old_one_are_told_apart(tmp_path: Path, data: Path) -> None:
    missing = CliRunner().invoke(app, ["verify", "--data", str(tmp_path / "nowhere")])
    assert missing.exit_code == 1
    assert "there is no database" in missing.output
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty/tidemill.db").touch()
    empty = CliRunner().invoke(app, ["verify", "--data", str(tmp_path / "empty")])
    assert "does not hold Tidemill's tables" in empty.output
    database = open_database(f"sqlite:///{data / 'tidemill.db'}")
    with database.write() as db:
        db.exec_driver_sql("UPDATE alembic_version SET version_num = '0001'")
    database.close()
    old = CliRunner().invoke(app, ["verify", "--data", str(data)])
    assert f"the schema 0001, this Tidemill {HEAD}" in old.output
