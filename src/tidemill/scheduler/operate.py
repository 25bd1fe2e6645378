"""What an operator may do to instances: each function answers for every id whether it was done, and if not, why.

Runs in the transaction of an action; the loop is woken by the commit and goes on from there.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from tidemill.domain.instance import PAUSED, Change, Instance, move
from tidemill.domain.status import FINAL, Event, Status, reach
from tidemill.scheduler.consequences import carry_out
from tidemill.store import instances, loops, runs

Refusal = str
Deed = Callable[[Instance], "Change | Refusal"]


@dataclass(frozen=True, slots=True)
class Operator:
    """Who asks, and when (epoch milliseconds)."""

    user: str
    now: int


def each(db: Connection, by: Operator, ids: Sequence[int], operation: str, deed: Deed) -> dict[int, str]:
    """Do `deed` to each instance; id: "" where it was done, else the reason why not."""
    found = {item.id: item for item in instances.existing(db, ids) if item.kind == "Task"}
    answers: dict[int, str] = {}
    moved: list[Instance] = []
    changes: list[Change] = []
    for id in dict.fromkeys(ids):
        if id not in found:
            answers[id] = f"the task instance {id} does not exist"
            continue
        done = deed(found[id])
        answers[id] = done if isinstance(done, str) else ""
        if not isinstance(done, str):
            found[id].operation_type = operation
            moved.append(found[id])
            changes.append(done)
    carry_out(db, by.now, moved, changes)
    return answers


def stands(instance: Instance) -> str:
    stopping = " and being stopped" if instance.stop_requested is not None else ""
    return f"the instance is {instance.status}{stopping}"


def stop(db: Connection, by: Operator, ids: Sequence[int]) -> dict[int, str]:
    """Ask for the end of running instances; those queued, about to be, or between two runs fail at once (engine 16)."""

    def deed(instance: Instance) -> Change | Refusal:
        if instance.status == Status.RUNNING:
            if instance.stop_requested is None:
                instance.stop_requested, instance.stop_user = by.now, by.user
            return move(instance, Event.STOP_ASKED, by.now, user=by.user)
        if instance.about_to_run(by.now):
            return _fail(instance, by)
        return f"{stands(instance)}: only what runs or is about to run can be stopped"

    answers = each(db, by, ids, "Stop", deed)
    stop_turns(db, by, [id for id, refusal in answers.items() if not refusal])
    return answers


def stop_turns(db: Connection, by: Operator, ids: Sequence[int]) -> None:
    """Stop what runs inside those of these instances that are loops."""
    turns = loops.unfinished(db, ids)
    if turns:
        stop_workflows(db, by, turns)


def _fail(instance: Instance, by: Operator) -> Change:
    instance.reason = "Stopped"
    return move(instance, Event.STOPPED, by.now, user=by.user, frozen=0)  # else Resume would run it again


def stop_workflows(db: Connection, by: Operator, workflow_instance_ids: Sequence[int]) -> dict[int, str]:
    """Stop all of these workflow instances: what runs is ended, what has not begun fails (decision 13)."""
    inner = instances.inner(db, workflow_instance_ids)
    answers: dict[int, str] = {}
    for id in dict.fromkeys(workflow_instance_ids):
        if id not in inner:
            answers[id] = f"the workflow instance {id} does not exist"
        elif all(item.status in FINAL for item in inner[id]):
            answers[id] = "the workflow instance has ended"
        else:
            answers[id] = ""
    chosen = [item for id, items in inner.items() if not answers[id] for item in items]
    moved: list[Instance] = []
    changes: list[Change] = []
    for item in chosen:
        if item.status in FINAL or (item.kind == "Workflow" and item.status != Status.NOT_RUN):
            continue
        moved.append(item)
        if item.status == Status.RUNNING:
            item.stop_requested, item.stop_user = item.stop_requested or by.now, item.stop_user or by.user
            changes.append(move(item, Event.STOP_ASKED, by.now, user=by.user))
        else:
            changes.append(_fail(item, by))
    carry_out(db, by.now, moved, changes)
    stop_turns(db, by, [item.id for item in moved if item.status == Status.RUNNING])
    return answers


def suspend(db: Connection, by: Operator, ids: Sequence[int]) -> dict[int, str]:
    """Freeze instances that have not begun: they do not run and block their downstream until resumed (decision 14)."""

    def deed(instance: Instance) -> Change | Refusal:
        if instance.frozen:
            return "the instance is suspended already"
        if reach(instance.status, Event.SUSPENDED) is None or instance.between_runs:
            return f"{stands(instance)}: only an instance that has not begun can be suspended"
        return move(instance, Event.SUSPENDED, by.now, user=by.user, frozen=1)

    return each(db, by, ids, "Suspend", deed)


def resume(db: Connection, by: Operator, ids: Sequence[int]) -> dict[int, str]:
    """Unfreeze instances; one that failed because it was frozen when due is looked at again (engine 15)."""
    unpaused: list[int] = []

    def deed(instance: Instance) -> Change | Refusal:
        paused = instance.recurrence in PAUSED and instance.status not in FINAL
        failed_frozen = instance.status == Status.FAILURE and instance.reason == "Frozen"
        if not (instance.frozen or paused or failed_frozen):
            return f"{stands(instance)}, and not suspended"
        unpaused.append(instance.id)
        if failed_frozen:
            instance.reason = None
        return move(instance, Event.RESUMED, by.now, user=by.user, frozen=0)

    answers = each(db, by, ids, "Resume", deed)
    instances.unpause(db, unpaused)
    return answers


def set_success(db: Connection, by: Operator, ids: Sequence[int]) -> dict[int, str]:
    """Count instances as successful without running them; what waits downstream goes on (decision 16)."""
    possible = [item.id for item in instances.existing(db, ids) if reach(item.status, Event.SET_SUCCESS) is not None]
    instances.pass_entry(db, possible)

    def deed(instance: Instance) -> Change | Refusal:
        if reach(instance.status, Event.SET_SUCCESS) is None:
            return f"{stands(instance)}: only a failed or not yet running instance can be set successful"
        instance.reason = "SetSuccess"
        return move(instance, Event.SET_SUCCESS, by.now, user=by.user, frozen=0)

    return each(db, by, ids, "SetSuccess", deed)


def rerun_refusal(instance: Instance) -> Refusal:
    """Why the instance may not run again; "" if it may."""
    if instance.status not in FINAL:
        return f"{stands(instance)}: only an instance that has ended can run again"
    if instance.rerun_mode == "AllDenied":
        return "the task's RerunMode is AllDenied"
    if instance.rerun_mode == "FailureAllowed" and instance.status == Status.SUCCESS:
        return "the task's RerunMode is FailureAllowed, and the instance is Success"
    return ""


def rerun(db: Connection, by: Operator, ids: Sequence[int]) -> dict[int, str]:
    """Send ended instances back to NotRun, as their RerunMode allows (decision 16)."""
    runs.keep_runless(db, ids)

    def deed(instance: Instance) -> Change | Refusal:
        refusal = rerun_refusal(instance)
        if refusal:
            return refusal
        instance.retries_used = instance.lost_runs = 0
        if instance.run_number > 0:
            instance.due_time = by.now
        instance.reason = None
        return move(instance, Event.RERUN, by.now, user=by.user)

    return each(db, by, ids, "Rerun", deed)


def start_workflows(db: Connection, by: Operator, workflow_instance_ids: Sequence[int]) -> dict[int, str]:
    """Lift the hold of workflow instances made with AutoStartEnabled = false."""
    gates = instances.gates(db, workflow_instance_ids)
    held: list[int] = []
    answers: dict[int, str] = {}
    for id in dict.fromkeys(workflow_instance_ids):
        if id not in gates:
            answers[id] = f"the workflow instance {id} does not exist"
        elif gates[id].gate is not None:
            answers[id] = f"the workflow instance waits for the end of workflow instance {gates[id].gate}"
        elif gates[id].status in FINAL:
            answers[id] = "the workflow instance has ended"
        elif not gates[id].held:
            answers[id] = "the workflow instance has been started already"
        else:
            answers[id] = ""
            held.append(gates[id].representative_id)
    instances.lift_holds(db, by.now, held)
    return answers


def remove_dependencies(db: Connection, by: Operator, id: int, upstream_ids: Sequence[int]) -> str:
    """Cut an instance off from some of its upstreams (decision 19); "" where it was done, else the reason why not.

    The caller has seen that all of them are upstreams of it.
    """

    def deed(instance: Instance) -> Change | Refusal:
        if instance.status != Status.NOT_RUN or instance.between_runs:
            return f"{stands(instance)}: only an instance that has not begun can lose its upstreams"
        instances.cut(db, by.now, id, upstream_ids)
        return move(instance, Event.FREED, by.now, user=by.user, detail=", ".join(map(str, upstream_ids)))

    return each(db, by, [id], "RemoveDependencies", deed)[id]
