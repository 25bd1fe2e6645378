"""The `tidemill` command."""

import logging
import sys
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


@app.callback()
def commands() -> None:
    """A workflow scheduler that speaks the DataWorks OpenAPI."""


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="address to listen on [127.0.0.1]")] = None,
    port: Annotated[int | None, typer.Option(help="port to listen on; 0 picks a free one [8080]")] = None,
    data: Annotated[Path | None, typer.Option(help="directory of the database, logs and keys [data]")] = None,
    database: Annotated[
        str | None, typer.Option(help="SQLAlchemy URL; without it SQLite in the data directory")
    ] = None,
) -> None:
    """Serve the API, the scheduler and a runner until stopped."""
    from tidemill.cli.lock import DataDirectoryInUse
    from tidemill.cli.serve import serve as run
    from tidemill.settings import load_settings

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    try:
        run(load_settings({"host": host, "port": port, "data": data, "database": database}))
    except (DataDirectoryInUse, OSError, ValueError) as error:
        sys.exit(f"tidemill serve: {error}")


@app.command()
def simulate(
    first: Annotated[str, typer.Option("--from", help="first run date, yyyy-mm-dd")],
    days: Annotated[int, typer.Option(min=1, max=3_660, help="how many run dates")] = 1,
    data: Annotated[Path | None, typer.Option(help="data directory of the definitions [data]")] = None,
    database: Annotated[
        str | None, typer.Option(help="SQLAlchemy URL; without it SQLite in the data directory")
    ] = None,
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
    try:
        settings = load_settings({"data": data, "database": database})
        with definitions(settings) as source, simulated(
            source, settings, first, days, seconds=seconds, recorded=recorded, failing=fail or []
        ) as made, made.read() as db:  # fmt: skip
            found = report.lines(db, late_after, project or [])
    except (OSError, ValueError) as error:
        sys.exit(f"tidemill simulate: {error}")
    if not summary:
        print("\n".join(report.table(found)))
    print(report.summary(found))


@app.command()
def verify(
    data: Annotated[Path | None, typer.Option(help="data directory [data]")] = None,
    database: Annotated[
        str | None, typer.Option(help="SQLAlchemy URL; without it SQLite in the data directory")
    ] = None,
    most: Annotated[int, typer.Option(min=1, help="how many of each kind are shown")] = 20,
) -> None:
    """Check that no task was lost, doubled or left stuck; exit code 1 if a promise is broken."""
    from sqlalchemy.exc import SQLAlchemyError

    from tidemill.cli.verify import verified
    from tidemill.settings import load_settings

    try:
        held = verified(load_settings({"data": data, "database": database}), most)
    except (OSError, ValueError, SQLAlchemyError) as error:
        sys.exit(f"tidemill verify: {error}")
    sys.exit(0 if held else 1)


def main() -> None:
    app()


if __name__ == "__main__":
    main()
