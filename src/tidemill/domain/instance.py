"""What may happen to one instance: pure decisions on a small mutable record, each giving the Change for the history.

The scheduler and the operator's actions load instances, call these, and save all of them in one statement; writers are
alone (see `store/engine.py`), so nothing changes between reading and saving.
"""

from dataclasses import dataclass

from tidemill.domain.status import FINAL, WAITING, Event, Status, reach
from tidemill.domain.windows import Window

PAUSED = ("Pause", "PauseCalendar")
UNCHOSEN = "It's set condition-skip by task"  # the log of an instance on an arm that no branch chose
SCHEDULER_TRIGGER = "SCHEDULER_TRIGGER"
SIGNAL_KEPT = 24 * 3_600_000  # milliseconds; one not used by then is lost (scheduling-semantics 6.8)
RETRIES_LOST = 3  # the third lost run in a row is Failure
SERVER_STOPPED = "server stopped"  # a run that the server's own end took along: it runs again and counts for nothing


@dataclass(slots=True)
class Instance:
    """The part of a task instance that moves. Times are epoch milliseconds, `rerun_interval` seconds.

    `signalled_time` is None for what waits for no trigger, 0 while no signal has come; a signal serves one run.
    `kind` is Task, or Workflow for the one that represents a workflow instance; `pending_upstreams` counts unsatisfied
    edges, the entry of its workflow instance and a hold; `due_time` is max(trigger time, not before).
    """

    id: int
    kind: str
    representative_id: int
    status: str
    recurrence: str
    immediate: int
    frozen: int
    pending_upstreams: int
    trigger_time: int
    due_time: int
    run_number: int
    retries_used: int
    lost_runs: int
    rerun_mode: str
    rerun_times: int
    rerun_interval: int
    stop_requested: int | None
    stop_user: str | None
    upstreams_done_time: int | None
    wait_resource_time: int | None
    started_time: int | None
    finished_time: int | None
    reason: str | None
    operation_type: str | None
    run_window: str | None = None
    control: str | None = None  # the type of a task that is more than a program to run (domain/control/kinds)
    unchosen: int = 0  # a branch above chose another arm
    signalled_time: int | None = None

    @property
    def between_runs(self) -> bool:
        """Begun, and waiting for the next run by itself: no update, suspension or reopened upstream may touch it."""
        return self.status in WAITING and (self.retries_used > 0 or self.lost_runs > 0)

    def about_to_run(self, now: int) -> bool:
        """Whether it waits for nothing but its turn, or for its next run after an earlier one."""
        due = self.pending_upstreams == 0 and not self.frozen and self.due_time <= now
        return self.status in WAITING and (self.status != Status.NOT_RUN or self.run_number > 0 or due)


@dataclass(frozen=True, slots=True)
class Change:
    """One line of the history; `unfinished` and `failed` are what it adds to its workflow instance's counters."""

    id: int
    kind: str
    representative_id: int
    run_number: int
    from_status: str
    to_status: str
    event: Event
    unfinished: int
    failed: int
    user: str | None = None
    detail: str | None = None


def _failed(instance: Instance) -> int:
    return int(instance.status == Status.FAILURE or (instance.frozen and instance.status != Status.SUCCESS))


def move(
    instance: Instance, event: Event, now: int, *, user: str | None = None, detail: str | None = None, frozen: int = -1
) -> Change:
    """Let `event` happen at `now`; `frozen` 0 or 1 sets that flag. Raises ValueError where the table forbids it."""
    status = reach(instance.status, event)
    if status is None:
        raise ValueError(f"instance {instance.id} is {instance.status}: '{event}' cannot happen")
    before = (instance.status, int(instance.status != Status.SUCCESS), _failed(instance))
    instance.status = status
    if frozen >= 0:
        instance.frozen = frozen
    instance.finished_time = now if status in FINAL else None
    return Change(
        id=instance.id,
        kind=instance.kind,
        representative_id=instance.representative_id,
        run_number=instance.run_number,
        from_status=before[0],
        to_status=status,
        event=event,
        unfinished=int(status != Status.SUCCESS) - before[1],
        failed=_failed(instance) - before[2],
        user=user,
        detail=detail,
    )


def opening(instance: Instance, now: int) -> int:
    """The moment from `now` on at which the instance may start; `now` unless its run has a window."""
    return now if instance.run_window is None else Window.of(instance.run_window).opening(now)


def come_due(instance: Instance, now: int) -> Change:
    """Upstreams are done, the time has come, nobody froze it: what happens next follows from what it is."""
    if instance.kind == "Workflow":
        instance.started_time = instance.started_time or now
        instance.run_number = max(1, instance.run_number)
        return move(instance, Event.STARTED, now)
    if instance.unchosen:
        instance.run_number += 1
        instance.started_time = now
        return move(instance, Event.SKIPPED, now, detail=UNCHOSEN)
    if instance.recurrence in PAUSED:
        instance.reason = "Frozen"
        return move(instance, Event.FROZEN_DUE, now)
    if instance.immediate:
        instance.run_number += 1
        instance.started_time = now
        return move(instance, Event.SKIPPED, now)
    if instance.signalled_time is not None:
        return _await_signal(instance, instance.signalled_time, now)
    instance.wait_resource_time = now
    return move(instance, Event.TIME_CAME, now)


def _await_signal(instance: Instance, signalled: int, now: int) -> Change:
    """A task of type SCHEDULER_TRIGGER executes nothing: with its signal it has succeeded."""
    if now - signalled > SIGNAL_KEPT:
        instance.signalled_time = 0
        return move(instance, Event.AWAITED, now)
    instance.run_number += 1
    instance.started_time = now
    instance.signalled_time = 0
    return move(instance, Event.SUCCEEDED, now)


def start(instance: Instance, now: int) -> Change:
    """A slot is granted: the next run begins."""
    instance.run_number += 1
    instance.started_time = now
    instance.reason = None
    return move(instance, Event.STARTED, now)


def end(instance: Instance, outcome: str, exit_code: int | None, ended: int, message: str) -> Change:
    """How the current run ended decides: Success, Failure, or NotRun again (a retry or a lost run).

    A run that went over a limit failed like any program, and is retried like one. Neither a timeout nor a stop is
    retried (decision 17); a lost run repeats at once unless RerunMode is AllDenied, and the third in a row is Failure
    (decision 18).
    """
    if instance.stop_requested is not None or outcome == "stopped":
        return _stopped(instance, ended)
    if outcome == "lost":
        return _lost(instance, ended, message, counts=message != SERVER_STOPPED)
    instance.lost_runs = 0
    if outcome == "timed_out":
        instance.reason = "TimedOut"
        return move(instance, Event.TIMED_OUT, ended)
    if outcome == "exited" and exit_code == 0:
        return move(instance, Event.SUCCEEDED, ended)
    detail = message or f"exit code {exit_code}"
    retry = outcome in ("exited", "limited") and instance.rerun_mode != "AllDenied"
    if retry and instance.retries_used < instance.rerun_times:
        instance.retries_used += 1
        instance.due_time = ended + instance.rerun_interval * 1000
        return move(instance, Event.RETRY, ended, detail=detail)
    instance.reason = "Failed"
    return move(instance, Event.FAILED, ended, detail=detail)


def _stopped(instance: Instance, ended: int) -> Change:
    user = instance.stop_user
    instance.stop_requested = instance.stop_user = None
    instance.reason = "Stopped"
    return move(instance, Event.STOPPED, ended, user=user)


def _lost(instance: Instance, ended: int, message: str, *, counts: bool) -> Change:
    instance.lost_runs += counts
    if instance.rerun_mode == "AllDenied" or instance.lost_runs >= RETRIES_LOST:
        instance.reason = "RunnerLost"
        return move(instance, Event.LOST_FOR_GOOD, ended, detail=message)
    return move(instance, Event.LOST, ended, detail=message)
