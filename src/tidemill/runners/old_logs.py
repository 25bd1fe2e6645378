"""The logs of runs whose history is pruned."""

import re
import shutil
from collections import defaultdict
from collections.abc import Callable, Collection
from datetime import date
from pathlib import Path

_DAY = re.compile(r"[0-9]{8}", re.ASCII)
_LOG = re.compile(r"([0-9]+)(?:-[0-9]+\.log)?", re.ASCII)  # a directory before decision 0022
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
        found: defaultdict[int, list[Path]] = defaultdict(list)
        for entry in day.iterdir():
            if (log := _LOG.fullmatch(entry.name)) is not None:
                found[int(log[1])].append(entry)
        ids = sorted(found)
        for start in range(0, len(ids), _BATCH):
            some = ids[start : start + _BATCH]
            for id in set(some) - there(some):
                for entry in found[id]:
                    _remove(entry)
                removed += 1
        if not any(day.iterdir()):
            day.rmdir()
    return removed


def _remove(entry: Path) -> None:
    if entry.is_dir():
        shutil.rmtree(entry, ignore_errors=True)
    else:
        entry.unlink(missing_ok=True)
