"""The state machine of an instance, as a table: the code, the SQL, the tests and the docs all read it.

WaitTime is derived, never stored: NotRun, nothing pending, not frozen, and `due_time` still to come. A workflow
instance follows the same table through the task instance that represents it: TIME_CAME and STARTED when its entry
opens, then SUCCEEDED, FAILED and REOPENED as its inner instances go; one that ended before its entry had opened goes
back to it by RERUN.
"""

from enum import StrEnum


class Status(StrEnum):
    NOT_RUN = "NotRun"
    WAIT_TIME = "WaitTime"  # on the wire only
    WAIT_RESOURCE = "WaitResource"
    WAIT_TRIGGER = "WaitTrigger"
    CHECKING_CONDITION = "CheckingCondition"
    RUNNING = "Running"
    CHECKING = "Checking"
    SUCCESS = "Success"
    FAILURE = "Failure"


class Event(StrEnum):
    """Why a status changed: the `cause` in the history."""

    TIME_CAME = "time came"  # upstreams done, due, not frozen
    STARTED = "started"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    RETRY = "failed, will be retried"
    TIMED_OUT = "timed out"
    STOP_ASKED = "stop asked"
    STOPPED = "stopped"
    LOST = "runner lost, will run again"
    LOST_FOR_GOOD = "runner lost"
    SKIPPED = "skipped"  # a dry run or a VIRTUAL task
    FROZEN_DUE = "frozen when due"
    SUSPENDED = "suspended"
    RESUMED = "resumed"
    SET_SUCCESS = "set successful"
    RERUN = "rerun"
    REOPENED = "inner instance reopened"
    FREED = "upstream removed"
    UPSTREAM_REOPENED = "upstream reopened"
    UNDEPLOYED = "undeployed"
    AWAITED = "waits for its trigger"
    TRIGGERED = "triggered"
    CHANGED = "changed"
    WINDOW_CLOSED = "window closed"


WAITING = (Status.NOT_RUN, Status.WAIT_RESOURCE, Status.WAIT_TRIGGER)
FINAL = (Status.SUCCESS, Status.FAILURE)


def _all(leaves: tuple[Status, ...], reaches: Status) -> dict[Status, Status]:
    return dict.fromkeys(leaves, reaches)


def _stay(*statuses: Status) -> dict[Status, Status]:
    return {status: status for status in statuses}


RULES: dict[Event, dict[Status, Status]] = {  # event: the statuses it may leave, and what each becomes
    Event.TIME_CAME: {Status.NOT_RUN: Status.WAIT_RESOURCE},
    Event.STARTED: {Status.WAIT_RESOURCE: Status.RUNNING, Status.NOT_RUN: Status.RUNNING},
    Event.SUCCEEDED: {Status.RUNNING: Status.SUCCESS, Status.NOT_RUN: Status.SUCCESS, Status.FAILURE: Status.SUCCESS},
    Event.FAILED: {Status.RUNNING: Status.FAILURE},
    Event.RETRY: {Status.RUNNING: Status.NOT_RUN},
    Event.TIMED_OUT: {Status.RUNNING: Status.FAILURE},
    Event.STOP_ASKED: _stay(Status.RUNNING),
    Event.STOPPED: _all((*WAITING, Status.RUNNING), Status.FAILURE),
    Event.LOST: {Status.RUNNING: Status.NOT_RUN},
    Event.LOST_FOR_GOOD: {Status.RUNNING: Status.FAILURE},
    Event.SKIPPED: {Status.NOT_RUN: Status.SUCCESS},
    Event.FROZEN_DUE: {Status.NOT_RUN: Status.FAILURE},
    Event.SUSPENDED: _stay(*WAITING),
    Event.RESUMED: {**_stay(*WAITING), Status.FAILURE: Status.NOT_RUN},
    Event.SET_SUCCESS: _all((*WAITING, Status.FAILURE), Status.SUCCESS),
    Event.RERUN: _all(FINAL, Status.NOT_RUN),
    Event.REOPENED: _all(FINAL, Status.RUNNING),
    Event.FREED: _stay(Status.NOT_RUN),
    Event.UPSTREAM_REOPENED: _all(WAITING, Status.NOT_RUN),
    Event.UNDEPLOYED: _all(WAITING, Status.NOT_RUN),
    Event.AWAITED: {Status.NOT_RUN: Status.WAIT_TRIGGER},
    Event.TRIGGERED: _all((Status.NOT_RUN, Status.WAIT_TRIGGER), Status.NOT_RUN),
    Event.CHANGED: _stay(*(status for status in Status if status not in (*FINAL, Status.WAIT_TIME))),
    Event.WINDOW_CLOSED: _all(WAITING, Status.NOT_RUN),
}


def reach(status: str, event: Event) -> Status | None:
    """The status that `event` leads to from `status`; None where it may not happen."""
    return RULES[event].get(Status(status))
