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


def main() -> None:
    app()


if __name__ == "__main__":
    main()
