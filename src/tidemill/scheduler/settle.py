"""Results of runs, applied with the run number as fencing token: a result of an older run changes nothing (P3)."""

from collections.abc import Sequence

from sqlalchemy import Connection

from tidemill.domain.instance import Change, Instance, end
from tidemill.domain.status import Status
from tidemill.runners.contract import Result
from tidemill.scheduler.consequences import carry_out
from tidemill.store import instances, runs


def settle(db: Connection, now: int, results: Sequence[Result]) -> int:
    """Apply results; returns how many were of a current run. A result said twice counts once."""
    by_id = {instance.id: instance for instance in instances.load(db, {result.instance for result in results})}
    moved: list[Instance] = []
    changes: list[Change] = []
    ended: list[tuple[Result, str]] = []
    for result in results:
        instance = by_id.get(result.instance)
        if instance is None or instance.status != Status.RUNNING or instance.run_number != result.run_number:
            continue
        change = end(instance, result.outcome, result.exit_code, result.ended, result.message)
        moved.append(instance)
        changes.append(change)
        ended.append((result, Status.SUCCESS if change.to_status == Status.SUCCESS else Status.FAILURE))
    runs.finish(db, ended)
    carry_out(db, now, moved, changes)
    return len(changes)
