"""Pruning: what ended long ago goes to the archive, if there is one, and out of the database."""

from pathlib import Path

from tidemill.store import archive, pruning
from tidemill.store.engine import Database

_BATCH = 1_000  # task instances in one transaction: dispatch goes on between two
DAY = 24 * 3_600_000
SHORTEST = 3 * DAY
"""Milliseconds: planning ties a day to the one before, whose zones may lie a day apart; nothing newer is pruned."""


def prune(database: Database, before: int, directory: Path | None) -> int:
    """Prune one batch of what ended before that moment (epoch ms); how many task instances, 0 when nothing is left.

    `directory` gets all rows as Parquet before they go. A crash between the two leaves the rows where they are; they
    are archived once more then, so that an archive may hold a row twice, and never misses one.
    """
    with database.read() as db:
        old = pruning.oldest(db, before, _BATCH)
        if not old.wholes:
            return 0
        rows = pruning.rows(db, old) if directory is not None else {}
    if directory is not None:
        archive.write(directory, f"{min(old.wholes)}-{max(old.wholes)}-{len(old.wholes)}", rows)
    with database.write(announce=False) as db:
        still = set(pruning.oldest(db, before, _BATCH).wholes)  # somebody may have had one rerun meanwhile
        gone = pruning.of(db, [id for id in old.wholes if id in still])
        pruning.remove(db, gone)
    return len(gone.instances)
