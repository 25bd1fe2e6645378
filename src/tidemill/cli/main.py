"""The `tidemill` command."""

import logging
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


@app.callback()
def commands() -> None:
    """A workflow scheduler that speaks the DataWorks OpenAPI."""


_Data = Annotated[Path | None, typer.Option(help="data directory [data]")]
_Database = Annotated[str | None, typer.Option(help="SQLAlchemy URL; without it SQLite in the data directory")]


@contextmanager
def _failing(command: str) -> Generator[None]:
    """End with a sentence in place of a traceback for what a user can mend."""
    import sqlite3

    from sqlalchemy.exc import SQLAlchemyError

    from tidemill.cli.lock import DataDirectoryInUse

    try:
        yield
    except (DataDirectoryInUse, OSError, ValueError, SQLAlchemyError, sqlite3.Error) as error:
        sys.exit(f"tidemill {command}: {_said(error)}")


def _said(error: Exception) -> str:
    """What a user is told: the database's own words, and what to do where the disk is full."""
    from sqlalchemy.exc import DBAPIError

    from tidemill.runners.local.fullness import is_full as is_full_disk
    from tidemill.store.fullness import is_full

    words = str(error.orig) if isinstance(error, DBAPIError) else str(error)
    full = is_full(error) or is_full_disk(error)
    return f"the disk is full ({words}): make room and start again" if full else words


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="address to listen on [127.0.0.1]")] = None,
    port: Annotated[int | None, typer.Option(help="port to listen on; 0 picks a free one [8080]")] = None,
    data: Annotated[Path | None, typer.Option(help="directory of the database, logs and keys [data]")] = None,
    database: _Database = None,
) -> None:
    """Serve the API, the scheduler and a runner until stopped."""
    from tidemill.cli.serve import serve as run
    from tidemill.settings import load_settings

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    with _failing("serve"):
        run(load_settings({"host": host, "port": port, "data": data, "database": database}))


@app.command()
def simulate(
    first: Annotated[str, typer.Option("--from", help="first run date, yyyy-mm-dd")],
    days: Annotated[int, typer.Option(min=1, max=3_660, help="how many run dates")] = 1,
    data: Annotated[Path | None, typer.Option(help="data directory of the definitions [data]")] = None,
    database: _Database = None,
    project: Annotated[list[int] | None, typer.Option(help="show only instances of this project; repeatable")] = None,
    seconds: Annotated[float, typer.Option(min=0, help="length of a run whose task never ran")] = 60.0,
    recorded: Annotated[bool, typer.Option(help="take the mean of a task's successful runs")] = True,
    fail: Annotated[list[str] | None, typer.Option(help="a task, by name or id, that fails; repeatable")] = None,
    late_after: Annotated[int, typer.Option(min=0, help="seconds after its cycle time at which a start is late")] = 600,
    summary: Annotated[bool, typer.Option("--summary", help="only how many there are of each kind")] = False,
) -> None:
    """Plan and run the schedules of some days without executing anything, and show when each instance would run."""
    from tidemill.cli import simulation_report as report
    from tidemill.cli.simulate import definitions, simulated
    from tidemill.settings import load_settings

    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    with _failing("simulate"):
        settings = load_settings({"data": data, "database": database})
        with definitions(settings) as source, simulated(
            source, settings, first, days, seconds=seconds, recorded=recorded, failing=fail or []
        ) as made, made.read() as db:  # fmt: skip
            found = report.lines(db, late_after, project or [])
    if not summary:
        print("\n".join(report.table(found)))
    print(report.summary(found))


@app.command()
def verify(
    data: _Data = None,
    database: _Database = None,
    most: Annotated[int, typer.Option(min=1, help="how many of each kind are shown")] = 20,
) -> None:
    """Check that no task was lost, doubled or left stuck; exit code 1 if a promise is broken."""
    from tidemill.cli.verify import verified
    from tidemill.settings import load_settings

    with _failing("verify"):
        held = verified(load_settings({"data": data, "database": database}), most)
    sys.exit(0 if held else 1)


@app.command()
def backup(
    file: Annotated[Path, typer.Argument(help="a new file")], data: _Data = None, database: _Database = None
) -> None:
    """Copy a SQLite database to a file, as of one moment, while its server goes on."""
    from tidemill.cli.upkeep import back_up
    from tidemill.settings import load_settings

    with _failing("backup"):
        print(back_up(load_settings({"data": data, "database": database}), file))


@app.command()
def migrate(data: _Data = None, database: _Database = None) -> None:
    """Bring a database to the schema of this version; a server does so itself when it starts."""
    from tidemill.cli import upkeep
    from tidemill.settings import load_settings

    with _failing("migrate"):
        print(upkeep.migrate(load_settings({"data": data, "database": database})))


@app.command()
def copy(
    source: Annotated[str, typer.Option("--from", help="SQLAlchemy URL of the installation")],
    target: Annotated[str, typer.Option("--to", help="SQLAlchemy URL of an empty database")],
) -> None:
    """Move an installation to another database, and compare every table; exit code 1 if one differs."""
    from tidemill.cli import upkeep

    with _failing("copy"):
        copied = upkeep.copy(source, target)
    print(f"{'table':22} {'rows from':>12} {'rows to':>12}  digest")
    for it in copied:
        print(
            f"{it.table:22} {it.rows[0]:>12,} {it.rows[1]:>12,}  {it.digests[0][:16]}  {'' if it.alike else 'DIFFERS'}"
        )
    if not all(it.alike for it in copied):
        sys.exit("tidemill copy: the target differs, and was left empty")
    print(
        "All tables are alike. Start the server on the target with the same secret key, or no access key can be read."
    )


@app.command()
def prune(
    before: Annotated[str, typer.Option(help="date, yyyy-mm-dd: what ended before it goes")],
    archive: Annotated[Path | None, typer.Option(help="directory that keeps what goes, as Parquet")] = None,
    data: _Data = None,
    database: _Database = None,
) -> None:
    """Remove ended workflow instances with their history and logs, beside a server or without one."""
    from tidemill.cli.upkeep import prune_before
    from tidemill.settings import load_settings

    with _failing("prune"):
        print(prune_before(load_settings({"data": data, "database": database}), before, archive))


def main() -> None:
    app()


if __name__ == "__main__":
    main()
