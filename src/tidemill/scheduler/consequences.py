"""Saving moves together with all that follows from them at once, in the same transaction.

A success lowers what waits downstream, a workflow instance whose time has come lets its inner instances go, an inner
instance's end moves its workflow instance, a reopened upstream holds back what has not begun, and what is sent back to
NotRun waits again for those of its upstreams that are not Success by then. Whoever moves an
instance, the scheduler or an operator's action, goes through `carry_out`.
"""

from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import Connection

from tidemill.domain.instance import Change, Instance, move
from tidemill.domain.status import FINAL, Event, Status
from tidemill.domain.variables import Value
from tidemill.scheduler.loops import advance
from tidemill.scheduler.passing import hand_on
from tidemill.store import instances, representatives
from tidemill.store.instances import Counters


def carry_out(
    db: Connection,
    now: int,
    moved: Sequence[Instance],
    changes: Sequence[Change],
    results: Mapping[int, Value] | None = None,
) -> None:
    """Write the moved instances, their history, and what follows; `results` are what their scripts gave."""
    pending: tuple[list[Instance], list[Change]] = (list(moved), list(changes))
    while pending[1]:
        counted = instances.save(db, now, *pending)
        hand_on(db, now, *pending, results or {})
        _pass_on(db, now, pending[1])
        touched = counted()
        freed = [change.representative_id for change in pending[1] if change.event == Event.FREED]
        touched |= instances.counters(db, freed) if freed else {}
        opened = [change.id for change in pending[1] if change.kind == "Workflow" and change.event == Event.STARTED]
        if opened:
            instances.open_entry(db, now, opened)
        touched |= instances.counters(db, [id for id in opened if id not in touched]) if opened else {}
        followed, turned = _follow(db, now, touched), advance(db, now, *pending)
        pending = [*followed[0], *turned[0]], [*followed[1], *turned[1]]


def review(db: Connection, now: int, representative_ids: Iterable[int]) -> None:
    """Move workflow instances that no longer are as their inner instances say, because those were replaced."""
    carry_out(db, now, *_follow(db, now, instances.counters(db, representative_ids)))


def _pass_on(db: Connection, now: int, changes: Iterable[Change]) -> None:
    """Tell the downstream instances."""
    succeeded = [change.id for change in changes if change.unfinished < 0]
    reopened = [change.id for change in changes if change.unfinished > 0]
    if succeeded:
        instances.satisfy(db, now, succeeded)
    if reopened:
        _hold_back(db, now, reopened)
    again = [change.id for change in changes if change.from_status in FINAL and change.to_status == Status.NOT_RUN]
    if again:
        instances.recheck(db, again)


def _hold_back(db: Connection, now: int, reopened: Iterable[int]) -> None:
    held = instances.load(db, instances.unsatisfy(db, reopened))
    queued = [instance for instance in held if instance.status != Status.NOT_RUN]
    instances.save(db, now, queued, [move(instance, Event.UPSTREAM_REOPENED, now) for instance in queued])


def _follow(db: Connection, now: int, counted: Mapping[int, Counters]) -> tuple[list[Instance], list[Change]]:
    """Move the workflow instances whose inner instances changed; those already right are left alone."""
    troubled = [item.id for item in counted.values() if item.failed and item.unfinished]
    proceeding = representatives.proceeding(db, troubled) if troubled else set[int]()
    events = {id: _next(item, id in proceeding) for id, item in counted.items()}
    moved = instances.load(db, due) if (due := [id for id, event in events.items() if event is not None]) else []
    changes = [move(instance, event, now) for instance in moved if (event := events[instance.id]) is not None]
    return moved, changes


def _next(counted: Counters, proceeding: bool) -> Event | None:
    if counted.unfinished == 0:
        return None if counted.status == Status.SUCCESS else Event.SUCCEEDED
    if counted.started_time is None:  # its entry is closed: ended by an operator, it waits for the entry again
        back = counted.status in FINAL and (proceeding or not counted.failed)
        return Event.RERUN if back else None
    if counted.failed and not proceeding:
        return None if counted.status == Status.FAILURE else Event.FAILED
    return None if counted.status == Status.RUNNING else Event.REOPENED
