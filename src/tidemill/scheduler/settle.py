"""Results of runs, applied with the run number as fencing token: a result of an older run changes nothing (P3)."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from sqlalchemy import Connection

from tidemill.domain.instance import Change, Instance, end
from tidemill.domain.status import Status
from tidemill.runners.contract import Result
from tidemill.scheduler.consequences import carry_out
from tidemill.scheduler.variables import Outputs, outputs_of
from tidemill.store import instances, runs


def _nothing(log: str) -> str:
    return ""


def settle(db: Connection, now: int, results: Sequence[Result], read: Callable[[str], str] = _nothing) -> int:
    """Apply results; returns how many were of a current run. A result said twice counts once.

    `read` gives the last line of a log that is not blank: what the script of an assignment hands out.
    """
    if not results:
        return 0
    by_id = {instance.id: instance for instance in instances.load(db, {result.instance for result in results})}
    scripts = [r.instance for r in results if r.exit_code == 0 and r.instance in by_id and by_id[r.instance].control]
    outputs = outputs_of(db, scripts, read) if scripts else Outputs({}, {})
    moved: list[Instance] = []
    changes: list[Change] = []
    ended: list[tuple[Result, str]] = []
    for result in results:
        instance = by_id.get(result.instance)
        if instance is None or instance.status != Status.RUNNING or instance.run_number != result.run_number:
            continue
        if instance.id in outputs.refused and result.outcome == "exited" and result.exit_code == 0:
            result = replace(result, exit_code=1, message=outputs.refused[instance.id])
        change = end(instance, result.outcome, result.exit_code, result.ended, result.message)
        moved.append(instance)
        changes.append(change)
        ended.append((result, Status.SUCCESS if change.to_status == Status.SUCCESS else Status.FAILURE))
    runs.finish(db, ended)
    carry_out(db, now, moved, changes, outputs.values)
    return len(changes)
