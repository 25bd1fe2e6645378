"""`make old-database`: the database that the demo leaves behind, as SQL, for the tests of later migrations."""

import runpy
import sqlite3
import sys
import tempfile
from pathlib import Path

from tidemill.store.schema import HEAD

_TARGET = Path(__file__).parents[1] / "data/databases" / f"{HEAD}.sql"


class _Kept(tempfile.TemporaryDirectory[str]):
    """Dumps the database in it before it goes."""

    def cleanup(self) -> None:
        found = Path(self.name) / "data/tidemill.db"
        if found.exists():
            _TARGET.write_text("\n".join(sqlite3.connect(found).iterdump()) + "\n")
        super().cleanup()


if __name__ == "__main__":
    demo = str(Path(__file__).parents[2] / "examples/demo.py")
    tempfile.TemporaryDirectory = _Kept  # type: ignore[misc]
    sys.argv = [demo]
    runpy.run_path(demo, run_name="__main__")
