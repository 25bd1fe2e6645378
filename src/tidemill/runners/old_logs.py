"""The logs of runs whose history is pruned."""

import re
import shutil
from collections.abc import Callable, Collection
from datetime import date
from pathlib import Path

_DAY = re.compile(r"[0-9]{8}", re.ASCII)
_BATCH = 1_000  # instances that are asked for at once


def remove_old_logs(data: Path, before: date, there: Callable[[Collection[int]], set[int]]) -> int:
    """Remove logs of days before that one (UTC) whose instances are gone; how many instances had any.

    `there`: those of some instances that have a history still. Nothing is lost when this is cut short: what is left
    goes the next time.
    """
    removed = 0
    for day in sorted((data / "logs").glob("*")):
        if not _DAY.fullmatch(day.name) or day.name >= f"{before:%Y%m%d}":
            continue
        found = {int(entry.name): entry for entry in day.iterdir() if entry.name.isdecimal()}
        ids = sorted(found)
        for start in range(0, len(ids), _BATCH):
            some = ids[start : start + _BATCH]
            for id in set(some) - there(some):
                shutil.rmtree(found[id], ignore_errors=True)
                removed += 1
        if not any(day.iterdir()):
            day.rmdir()
    return removed
