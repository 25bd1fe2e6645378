"""Queued instances get a slot, a run number and a lease; committed before anything starts."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from tidemill.domain.instance import Instance, move, opening, start
from tidemill.domain.status import Event
from tidemill.runners.contract import Run
from tidemill.scheduler.compose import compose
from tidemill.scheduler.consequences import carry_out
from tidemill.store import instances, runs


@dataclass(frozen=True, slots=True)
class Lease:
    """Who executes: the runner's name, and the machine's boot, by which power loss is told from a restart."""

    runner: str
    boot: str


def dispatch(db: Connection, now: int, lease: Lease, default_slots: int) -> list[Run]:
    """Start as many queued instances as their resource groups have room for; the runs to hand over after the commit."""
    picked = instances.load(db, runs.pick(db, runs.slots(db), default_slots))
    started = [instance for instance in picked if opening(instance, now) == now]
    if len(started) < len(picked):
        _hold(db, now, [instance for instance in picked if opening(instance, now) > now])
    if not started:
        return []
    changes = [start(instance, now) for instance in started]
    orders = composed(db, started, now)
    runs.begin(db, [_row(instance, run, lease, now) for instance, run in zip(started, orders, strict=True)])
    carry_out(db, now, started, changes)
    return orders


def _hold(db: Connection, now: int, late: Sequence[Instance]) -> None:
    """Queued instances whose window has closed: they come due when it opens again."""
    for instance in late:
        instance.due_time = opening(instance, now)
    carry_out(db, now, late, [move(instance, Event.WINDOW_CLOSED, now) for instance in late])


def composed(db: Connection, started: Sequence[Instance], now: int) -> list[Run]:
    """What each of these instances is to execute in its current run, in their order."""
    by_id = {order.id: order for order in runs.orders(db, [instance.id for instance in started])}
    return [compose(by_id[instance.id], instance.run_number, now) for instance in started]


def _row(instance: Instance, run: Run, lease: Lease, now: int) -> dict[str, Any]:
    return {
        "instance_id": instance.id,
        "run_number": instance.run_number,
        "runner": lease.runner,
        "boot": lease.boot,
        "log": run.log,
        "inputs": None,
        "wait_trigger_time": instance.upstreams_done_time,
        "wait_resource_time": instance.wait_resource_time,
        "started_time": now,
    }
