"""`tidemill backup`, `migrate`, `copy` and `prune`: what an operator does to a database as a whole."""

from collections.abc import Collection, Generator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, time
from pathlib import Path

from sqlalchemy import Connection, inspect, text
from sqlalchemy.engine import make_url

from tidemill.cli.lock import DataDirectory
from tidemill.clock import SystemClock
from tidemill.runners.old_logs import remove_old_logs
from tidemill.scheduler.retention import SHORTEST, prune
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
    with _alone(settings.database_url) as database:
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
    with ExitStack() as stack:
        source = stack.enter_context(_alone(source_url))
        target = stack.enter_context(_alone(target_url, new=True))
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
        raise ValueError(f"--before: at most {datetime.fromtimestamp(newest / 1000, UTC):%Y-%m-%d} is expected")
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


@contextmanager
def _alone(url: str, *, new: bool = False) -> Generator[Database]:
    """A database while no server works on it. Raises DataDirectoryInUse or ValueError where one does."""
    parsed = make_url(url)
    with ExitStack() as stack:
        if parsed.get_backend_name() == "sqlite" and parsed.database:
            directory = Path(parsed.database).absolute().parent
            stack.callback(DataDirectory(directory).close)
        database = open_database(url) if new else open_existing(url)
        stack.callback(database.close)
        if not database.is_sqlite:
            with database.read() as db:
                _check_no_server(db)
        yield database


def _check_no_server(db: Connection) -> None:
    if "runner" in inspect(db).get_table_names():
        places = cluster.live(db, cluster.database_time(db))
        if places:
            raise ValueError(f"a server works on the database: end {', '.join(place.name for place in places)} first")
