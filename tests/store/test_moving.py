"""`tidemill copy`: an installation moves between the databases with all its rows, or not at all."""

import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import text, update
from typer.testing import CliRunner

from tests.conftest import assert_promises_held
from tidemill.cli.main import app
from tidemill.store import cluster
from tidemill.store.engine import Database, open_database
from tidemill.store.ids import allocate
from tidemill.store.moving import copy_everything
from tidemill.store.schema import prepare
from tidemill.store.tables import metadata, task_instance

_DEMO = Path(__file__).parents[1] / "data/databases/0006.sql"


@pytest.fixture
def source(tmp_path: Path) -> str:
    """The URL of a SQLite that the demo has worked on."""
    (tmp_path / "from").mkdir()
    db = sqlite3.connect(tmp_path / "from/tidemill.db")
    db.executescript(_DEMO.read_text())
    db.close()
    url = f"sqlite:///{tmp_path / 'from/tidemill.db'}"
    _invoke("migrate", "--data", str(tmp_path / "from"))
    return url


def _invoke(*arguments: str) -> str:
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    return result.stdout


def _counts(database: Database) -> dict[str, int]:
    with database.read() as db:
        return {
            table.name: db.execute(text(f"SELECT count(*) FROM {table.name}")).scalar_one()
            for table in metadata.sorted_tables
        }


def test_there_and_back_again(source: str, database_url: str, tmp_path: Path) -> None:
    shown = _invoke("copy", "--from", source, "--to", database_url)
    assert "All tables are alike" in shown
    assert "task_instance                    10           10" in shown
    back = f"sqlite:///{tmp_path / 'back' / 'tidemill.db'}"
    (tmp_path / "back").mkdir()
    assert "All tables are alike" in _invoke("copy", "--from", database_url, "--to", back)
    databases = [open_database(url) for url in (source, database_url, back)]
    counts = [_counts(each) for each in databases]
    assert counts[0] == counts[1] == counts[2]
    for database in databases:
        assert_promises_held(database)
        _goes_on(database)
        database.close()


def _goes_on(database: Database) -> None:
    """New rows get numbers after the old ones."""
    with database.write() as db:
        assert allocate(db, 1)[0] > db.execute(text("SELECT max(id) FROM task_instance")).scalar_one()
        db.execute(text("INSERT INTO event (instance_id, run_number, from_status, to_status, cause, time) "
                        "VALUES (1, 0, 'NotRun', 'NotRun', 'test', 0)"))  # fmt: skip
        db.execute(text("DELETE FROM event WHERE instance_id = 1"))


def test_a_row_that_arrives_changed_is_found(source: str, database_url: str) -> None:
    there, here = open_database(source), open_database(database_url)
    with here.write() as db:
        prepare(db)
        if here.is_sqlite:
            db.execute(text("CREATE TRIGGER spoil AFTER INSERT ON run BEGIN UPDATE run SET exit_code = 7; END"))
        else:
            db.execute(text("CREATE FUNCTION spoil() RETURNS trigger AS $$ BEGIN NEW.exit_code = 7; RETURN NEW; END $$ "
                            "LANGUAGE plpgsql"))  # fmt: skip
            db.execute(text("CREATE TRIGGER spoil BEFORE INSERT ON run FOR EACH ROW EXECUTE FUNCTION spoil()"))
    with there.read() as old, here.write() as new:
        different = [it.table for it in copy_everything(old, new) if not it.alike]
    there.close()
    here.close()
    assert different == ["run"]


def test_refusals_leave_the_target_as_it_was(source: str, database_url: str) -> None:
    target = open_database(database_url)
    with target.write() as db:
        prepare(db)
        db.execute(text("INSERT INTO nonce VALUES ('k', 'mine', 1)"))
    _refused(source, database_url, "nonce holds rows: name an empty database")
    _refused(source, source, "--from and --to are the same")
    with target.write() as db:
        db.execute(text("DELETE FROM nonce"))
    origin = open_database(source)
    with origin.write() as db:
        db.execute(update(task_instance).where(task_instance.c.kind == "Task")
                   .values(status="Running", finished_time=None))  # fmt: skip
    origin.close()
    _refused(source, database_url, "tasks are running in the source")
    with target.read() as db:
        assert db.execute(text("SELECT count(*) FROM project")).scalar_one() == 0
    if not target.is_sqlite:
        with target.write() as db:
            cluster.lease(db, cluster.Place("there", "boot", "http://x"), cluster.database_time(db) + 60_000)
        _refused(database_url, source, "a server works on the database: end there first")
    target.close()


def _refused(source: str, target: str, because: str) -> None:
    result = CliRunner().invoke(app, ["copy", "--from", source, "--to", target])
    assert result.exit_code == 1
    assert because in result.output
