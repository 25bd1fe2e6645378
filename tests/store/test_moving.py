"""`tidemill copy`: an installation moves between the databases with all its rows, or not at all."""

import sqlite3
import stat
from pathlib import Path

import pytest
from sqlalchemy import text, update
from typer.testing import CliRunner

from tests.conftest import assert_promises_held
from tidemill.cli.lock import DataDirectory
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
    assert shown.startswith("table                     rows from      rows to  digest\n")
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


def test_directories_stay_as_they_were(source: str, tmp_path: Path) -> None:
    """They may be anybody's, `/tmp` among them."""
    there, here = tmp_path / "from", tmp_path / "to"
    here.mkdir()
    for directory in (there, here):
        directory.chmod(0o755)
    _refused(f"sqlite:///{here}/absent.db", f"sqlite:///{here}/new.db", "absent.db: that is what --from names")
    _refused(source, f"sqlite:///{tmp_path}/nowhere/new.db", "there is no directory")
    assert list(here.iterdir()) == []
    with sqlite3.connect(here / "old.db") as old:
        old.execute("CREATE TABLE alembic_version AS SELECT '9999' AS version_num")
    _refused(f"sqlite:///{here}/old.db", f"sqlite:///{here}/new.db", "9999")
    assert not list(here.glob("new.db*"))
    _invoke("copy", "--from", source, "--to", f"sqlite:///{here}/new.db")
    _invoke("migrate", "--database", f"sqlite:///{here}/new.db", "--data", str(there))
    assert [stat.S_IMODE(directory.stat().st_mode) for directory in (there, here)] == [0o755, 0o755]
    assert not list(there.glob("server.lock"))
    assert not list(here.glob("server.lock"))


def test_a_copy_is_closed_to_other_users(source: str, tmp_path: Path) -> None:
    _invoke("copy", "--from", source, "--to", f"sqlite:///{tmp_path}/new.db")
    assert stat.S_IMODE((tmp_path / "new.db").stat().st_mode) == 0o600


def test_a_server_of_either_side_is_named(source: str, tmp_path: Path) -> None:
    other = tmp_path / "other"
    for directory in (tmp_path / "from", other):
        lock = DataDirectory(directory)
        _refused(source, f"sqlite:///{other}/tidemill.db", "belongs to the server with process id")
        lock.close()
    _invoke("copy", "--from", source, "--to", f"sqlite:///{tmp_path}/from/beside.db")
