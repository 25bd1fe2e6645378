"""`tidemill backup`, `migrate`, `copy` and `prune`: what an operator does to a database as a whole."""

import os
from collections.abc import Collection, Generator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, time
from pathlib import Path

from sqlalchemy import inspect, text
from sqlalchemy.engine import make_url

from tidemill.cli.lock import no_server_in
from tidemill.clock import SystemClock
from tidemill.runners.old_logs import remove_old_logs
from tidemill.scheduler.retention import DAY, SHORTEST, prune
from tidemill.settings import Settings
from tidemill.store import archive, cluster, pruning
from tidemill.store.backup import backup
from tidemill.store.engine import Database, open_database, open_existing
from tidemill.store.moving import Copied, check_movable, copy_everything
from tidemill.store.schema import HEAD, check_current, prepare

__all__ = ["back_up", "copy", "migrate", "prune_before", "sweep_logs"]


def back_up(settings: Settings, target: Path) -> str:
    """Copy a SQLite database, beside its server or without one; what to tell. Raises ValueError and OSError."""
    open_existing(settings.database_url).close()
    if make_url(settings.database_url).get_backend_name() != "sqlite":
        raise ValueError("a PostgreSQL is backed up by its own tools: pg_dump, or a base backup")
    path = Path(str(make_url(settings.database_url).database))
    size = backup(path, target)
    keys = "" if settings.secret_key.get_secret_value() else f"; keep {settings.data / 'secret.key'} with it"
    return f"{target}: {size:,} bytes{keys}. Logs and running tasks are not in it."


def migrate(settings: Settings) -> str:
    """Bring the schema of a database to this version. Raises ValueError, OSError and DataDirectoryInUse."""
    with closing(open_existing(settings.database_url)) as database, no_server_in(
        [settings.data, *_directory(settings.database_url)] if database.is_sqlite else []
    ):  # fmt: skip
        _check_no_server(database)
        with database.write(announce=False) as db:
            tables = inspect(db).get_table_names()
            before = (
                db.execute(text("SELECT version_num FROM alembic_version")).scalar()
                if "alembic_version" in tables
                else None
            )
            prepare(db)
        return f"the schema is {HEAD}; it was {before or 'not there'}"


def copy(source_url: str, target_url: str) -> list[Copied]:
    """Copy an installation into an empty database. Raises ValueError, OSError and DataDirectoryInUse."""
    if source_url == target_url:
        raise ValueError("--from and --to are the same")
    with closing(open_existing(source_url, "--from")) as source, no_server_in(
        [*_directory(source_url), *_directory(target_url)]
    ), _new_file(target_url), closing(open_database(target_url)) as target:  # fmt: skip
        _check_no_server(source)
        _check_no_server(target)
        with source.read() as there, target.write(announce=False) as here:
            check_current(there)
            prepare(here)
            check_movable(there, here)
            copied = list(copy_everything(there, here))
            if not all(it.alike for it in copied):
                here.rollback()
        return copied


def prune_before(settings: Settings, day: str, directory: Path | None) -> str:
    """Prune what ended before midnight UTC of a date, `yyyy-mm-dd`. Raises ValueError and OSError."""
    try:
        before = int(datetime.combine(datetime.strptime(day, "%Y-%m-%d"), time(), UTC).timestamp() * 1000)  # noqa: DTZ007
    except ValueError:
        raise ValueError(f"--before: a date as yyyy-mm-dd is expected, not {day}") from None
    newest = SystemClock().now() - SHORTEST
    if before > newest:
        raise ValueError(
            f"--before: at most {datetime.fromtimestamp(newest / 1000, UTC):%Y-%m-%d} is expected: "
            f"{SHORTEST // DAY} days at least are kept, because planning ties a day to the one before"
        )
    if directory is not None:
        archive.check_available()
    database = open_existing(settings.database_url)
    try:
        with database.read() as db:
            check_current(db)
        pruned = 0
        while count := prune(database, before, directory):
            pruned += count
        logs = sweep_logs(database, settings.data, before)
        return f"{pruned:,} task instances and the logs of {logs:,} were pruned"
    finally:
        database.close()


def sweep_logs(database: Database, data: Path, before: int) -> int:
    """Remove this machine's logs from before a moment (epoch ms) whose instances are gone; how many those were."""

    def there(instances: Collection[int]) -> set[int]:
        with database.read() as db:
            return pruning.there(db, instances)

    return remove_old_logs(data, datetime.fromtimestamp(before / 1000, UTC).date(), there)


def _file(url: str) -> Path | None:
    """Of an SQLite."""
    parsed = make_url(url)
    return Path(parsed.database).absolute() if parsed.get_backend_name() == "sqlite" and parsed.database else None


def _directory(url: str) -> list[Path]:
    file = _file(url)
    return [] if file is None else [file.parent]


@contextmanager
def _new_file(url: str) -> Generator[None]:
    """Make an SQLite's file where there is none, closed to other users; take it away again after an error."""
    file = _file(url)
    if file is None or file.exists():
        yield
        return
    if not file.parent.is_dir():
        raise ValueError(f"there is no directory {file.parent}: make it first")
    os.close(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    try:
        yield
    except BaseException:
        for name in (file.name, f"{file.name}-wal", f"{file.name}-shm"):
            file.with_name(name).unlink(missing_ok=True)
        raise


def _check_no_server(database: Database) -> None:
    """Raises ValueError where a server works on a PostgreSQL; on an SQLite its data directory says so."""
    if database.is_sqlite:
        return
    with database.read() as db:
        places = cluster.live(db, cluster.database_time(db)) if "runner" in inspect(db).get_table_names() else []
    if places:
        raise ValueError(f"a server works on the database: end {', '.join(place.name for place in places)} first")
