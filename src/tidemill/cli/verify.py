"""`tidemill verify`: the checker of the promises over a whole database, beside a server or without one."""

import time
from collections import Counter

from tidemill.settings import Settings
from tidemill.store.engine import Database, open_existing
from tidemill.store.schema import check_current
from tidemill.store.verifying import CHECKS, PROMISES, size, verify


def verified(settings: Settings, most: int) -> bool:
    """Print what breaks a promise, at most `most` of each kind; True when nothing does.

    Raises ValueError where there is no database, or not one of this version.
    """
    database = open_existing(settings.database_url)
    try:
        with database.read() as db:
            check_current(db)
        return _verified(database, most)
    finally:
        database.close()


def _verified(database: Database, most: int) -> bool:
    begin = time.perf_counter()
    with database.read() as db:
        there = size(db)
    broken: Counter[str] = Counter()
    for violation in verify(database, most):
        broken[violation.promise] += 1
        print(f"{violation.promise} {violation.check}: {violation.text}", flush=True)
    what = f"{there.instances:,} instances, {there.edges:,} edges, {there.events:,} events, {there.runs:,} runs"
    print(f"{what}: {len(CHECKS) + 1} checks in {time.perf_counter() - begin:.1f} s")
    shown = ", ".join(f"{promise} {number} times" for promise, number in sorted(broken.items()))
    print(f"Broken: {shown} (at most {most} of each kind are shown)" if broken else "P1, P2, P3, P4 and P6 hold")
    for promise in sorted(broken):
        print(f"{promise}: {PROMISES[promise]}")
    return not broken
