"""Instances whose upstreams are done and whose time has come: queued for a slot, or ended in a wave."""

from collections.abc import Sequence

from sqlalchemy import Connection

from tidemill.domain.instance import Instance, come_due, opening
from tidemill.domain.status import Event
from tidemill.scheduler.consequences import carry_out
from tidemill.scheduler.control import settle_control, settled_here
from tidemill.store import instances

WAVE = 2_000  # rows in one transaction: a layered graph of VIRTUAL tasks drains in bounded steps


def release(db: Connection, now: int, limit: int = WAVE) -> bool:
    """Move what is due, wave after wave; True when `limit` was reached and more may be due."""
    done = 0
    while done < limit:
        due = instances.ready(db, now, limit - done)
        if not due:
            return False
        moved = _within_their_windows(db, now, due)
        here = [instance for instance in moved if settled_here(instance)]
        changes = [come_due(instance, now) for instance in moved if not settled_here(instance)]
        changes += settle_control(db, now, here) if here else []
        carry_out(db, now, moved, changes)
        done += len(due)
        if all(change.event == Event.TIME_CAME for change in changes) and done < limit:
            return False  # they were only queued: nothing else can have come due by it
    return True


def _within_their_windows(db: Connection, now: int, due: Sequence[Instance]) -> list[Instance]:
    """Those that may start now; the others come due again when their window opens."""
    for instance in due:
        instance.due_time = opening(instance, now) if instance.run_window else instance.due_time
    closed = [instance for instance in due if instance.due_time > now]
    if closed:
        instances.save(db, now, closed, [])
    return [instance for instance in due if instance.due_time <= now]
