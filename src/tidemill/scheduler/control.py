"""Branches, merges, parameter hubs and loops: settled by the scheduler itself when their turn comes, without a process.

Each counts as a run like any other: it has a run number, and an error in it is a failure that may be retried.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from tidemill.domain.control.branch import choose, read_branch, unselected
from tidemill.domain.control.conditions import ConditionError
from tidemill.domain.control.kinds import BRANCH, DEPENDENT, LOOPS, MERGE, SETTLED
from tidemill.domain.control.loops import Iteration, prepare
from tidemill.domain.control.merge import FAILED, NOT_RUN, SUCCESS, code_of, decide, read_merge
from tidemill.domain.errors import Malformed
from tidemill.domain.instance import PAUSED, Change, Instance, end, start
from tidemill.domain.parameters import Resolved
from tidemill.domain.status import Status
from tidemill.domain.variables import inputs_to_json, references
from tidemill.runners.contract import Result
from tidemill.scheduler import waits
from tidemill.scheduler.loops import begin
from tidemill.scheduler.variables import Inputs, inputs_of
from tidemill.store import branches, loops, runs, variables
from tidemill.store.variables import Subject, Upstream

_WORST_FIRST = (FAILED, NOT_RUN, SUCCESS)


def settled_here(instance: Instance) -> bool:
    """Whether it is for `settle_control` to say what becomes of an instance that is due."""
    dry = instance.immediate or instance.unchosen or instance.recurrence in PAUSED
    return instance.control in SETTLED and not dry


@dataclass(frozen=True, slots=True)
class _Decided:
    """What a control task did, in words for its log; `skipped` are the outputs of the arms that were not chosen."""

    message: str
    skipped: frozenset[str] = frozenset()


def settle_control(db: Connection, now: int, due: Sequence[Instance]) -> list[Change]:
    """Decide these instances; their changes, a start and an end for each, are for the caller to carry out."""
    subjects = variables.subjects(db, [instance.id for instance in due])
    waiting, late = waits.look(db, now, [item for item in due if item.control == DEPENDENT], subjects)
    due = [instance for instance in due if instance.id not in waiting]
    ids = [instance.id for instance in due]
    inputs = inputs_of(db, ids)
    above = variables.upstreams(db, [instance.id for instance in due if instance.control == MERGE])
    changes: list[Change] = []
    results: list[tuple[Result, str]] = []
    skipped: dict[int, frozenset[str]] = {}
    turns = loops.turns_of(db, ids)
    for instance in due:
        changes.append(start(instance, now))
        if instance.control in LOOPS:
            continue
        subject = subjects[instance.id]
        try:
            if instance.id in late:
                raise Malformed("what is waited for has not succeeded, and the time for checks is over")
            decided = _decide(subject, inputs.get(instance.id, {}), above.get(instance.id, ()), turns.get(instance.id))
        except Malformed as error:
            exit_code, message = 1, str(error)
        else:
            exit_code, message = 0, decided.message
            if instance.control == BRANCH:
                skipped[instance.id] = decided.skipped
        result = Result(instance.id, instance.run_number, "exited", exit_code, now, now, message=message)
        changes.append(end(instance, result.outcome, exit_code, now, message))
        results.append((result, Status.FAILURE if exit_code else Status.SUCCESS))
    _mark(db, skipped)
    runs.begin(db, [_row(instance, now, inputs.get(instance.id)) for instance in due])
    runs.finish(db, results)
    return changes + begin(db, now, [instance for instance in due if instance.control in LOOPS], inputs)


def _decide(subject: Subject, inputs: Inputs, above: Iterable[Upstream], turn: Iteration | None) -> _Decided:
    """Raises Malformed where the task fails."""
    if subject.task.type == BRANCH:
        return _branch(subject, inputs, turn)
    if subject.task.type == MERGE:
        return _merge(subject, above)
    if subject.task.type == DEPENDENT:
        return _Decided("what is waited for has succeeded")
    return _Decided("the parameters are handed out")


def _branch(subject: Subject, inputs: Inputs, turn: Iteration | None) -> _Decided:
    script, seen = prepare(subject.script, turn) if turn is not None else (subject.script, {})
    arms = read_branch(script)
    conditions = "\n".join(arm.condition for arm in arms)
    values = Resolved.from_json(subject.parameters).values | references(conditions, inputs) | seen
    chosen = choose(arms, values)
    shown = "no condition is true: no arm" if chosen is None else f"arm {chosen + 1} ({arms[chosen].output})"
    return _Decided(f"{shown} is chosen", unselected(arms, chosen))


def _merge(subject: Subject, above: Iterable[Upstream]) -> _Decided:
    merge = read_merge(subject.script)
    codes: dict[str, str] = {}
    for upstream in above:
        code = code_of(upstream.status, "ConditionUnchoose" if upstream.unchosen else "")
        for output in upstream.outputs:
            codes[output] = min(codes.get(output, code), code, key=_WORST_FIRST.index)
    shown = ", ".join(f"{arm.output} = {codes.get(arm.output)}" for arm in merge.arms)
    if not decide(merge, codes):
        raise ConditionError(f"the merge does not hold: {shown} (1 success, 2 not run, 3 failed)")
    return _Decided(f"the merge holds: {shown}")


def _mark(db: Connection, skipped: dict[int, frozenset[str]]) -> None:
    below = branches.dependencies_below(db, skipped) if skipped else []
    branches.mark(db, [(id, downstream, bool(outputs & skipped[id])) for id, downstream, outputs in below])


def _row(instance: Instance, now: int, inputs: Inputs | None) -> dict[str, object]:
    return {
        "instance_id": instance.id,
        "run_number": instance.run_number,
        "runner": "",
        "boot": "",
        "log": None,
        "inputs": None if inputs is None else inputs_to_json(inputs),
        "wait_trigger_time": instance.upstreams_done_time,
        "wait_resource_time": None,
        "started_time": now,
    }
