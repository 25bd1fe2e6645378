"""Runs that the database calls Running when a server starts: sent again, or lost with the machine."""

from collections.abc import Collection

from sqlalchemy import Connection

from tidemill.runners.contract import Result, Run
from tidemill.scheduler.compose import failing
from tidemill.scheduler.dispatch import Lease, composed
from tidemill.scheduler.settle import settle
from tidemill.store import instances, runs
from tidemill.store.parameters import Secrets

Key = tuple[int, int]
"""Instance and run number."""


def rescue(
    db: Connection,
    now: int,
    lease: Lease,
    vault: Secrets | None = None,
    *,
    shared: bool = False,
    known: Collection[Key] = (),
) -> list[Run]:
    """The runs to hand over again; the runner ignores those it knows, and starts those that never reached it.

    Runs from another boot of the machine ended with it, whether or not their journal survived, and those that a
    restored backup remembers are not of this runner: they are lost. One that
    can no longer be put together, as its secret was deleted meanwhile, fails unless the runner knows it. In a `shared`
    installation only those of this runner are ours; those `known` to have been handed over are left out.
    """
    running = runs.running(db, lease.runner if shared else None)
    lost = [(instance, number) for instance, number, boot in running if boot != lease.boot]
    settle(db, now, [_lost(instance, number, now) for instance, number in lost])
    again = {
        instance: number for instance, number, boot in running if boot == lease.boot and (instance, number) not in known
    }
    if not again:
        return []
    orders, refused = composed(db, instances.load(db, again), now, runs.inputs(db, again), vault)
    return orders + [failing(instance, again[instance], now, message) for instance, message in refused.items()]


def _lost(instance: int, run_number: int, now: int) -> Result:
    return Result(
        instance, run_number, "lost", None, 0, now, message="the machine was restarted, or a backup was restored"
    )
