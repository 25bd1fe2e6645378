"""Queued instances get a slot, a run number and a lease; committed before anything starts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from heapq import heapify, heapreplace
from typing import Any

from sqlalchemy import Connection

from tidemill.domain.errors import Malformed
from tidemill.domain.instance import Instance, end, move, opening, start
from tidemill.domain.parameters import Resolved
from tidemill.domain.status import Event, Status
from tidemill.domain.substitution import secrets_read
from tidemill.domain.variables import inputs_to_json
from tidemill.runners.contract import Result, Run
from tidemill.scheduler.compose import compose
from tidemill.scheduler.consequences import carry_out
from tidemill.scheduler.variables import Inputs, inputs_of
from tidemill.store import loops, runs
from tidemill.store.parameters import Secrets


@dataclass(frozen=True, slots=True)
class Lease:
    """Who executes: the runner's name, and the machine's boot, by which power loss is told from a restart."""

    runner: str
    boot: str


def dispatch(
    db: Connection,
    now: int,
    lease: Lease,
    default_slots: int,
    vault: Secrets | None = None,
    others: Sequence[Lease] = (),
    *,
    room: bool = True,
) -> list[Run]:
    """Start as many queued instances as their resource groups have room for; the runs to hand over after the commit.

    With `others`, each run goes to the runner that has the fewest, and only those of `lease` are returned. Without
    `room` on the disk of `lease`, the others alone are given runs.
    """
    if not (room or others):
        return []
    picked = runs.pick(db, default_slots)
    started = [instance for instance in picked if opening(instance, now) == now]
    if len(started) < len(picked):
        _hold(db, now, [instance for instance in picked if opening(instance, now) > now])
    if not started:
        return []
    changes = [start(instance, now) for instance in started]
    inputs = inputs_of(db, with_variables) if (with_variables := [i.id for i in started if i.control]) else {}
    orders, refused = composed(db, started, now, inputs, vault)
    logs = {run.instance: run.log for run in orders}
    places = _spread(db, [lease, *others] if room else others, len(started)) if others else [lease] * len(started)
    begun = zip(started, places, strict=True)
    runs.begin(db, [_row(item, logs.get(item.id), inputs.get(item.id), place, now) for item, place in begun])
    failed = [(instance, refused[instance.id]) for instance in started if instance.id in refused]
    changes += [end(instance, "refused", None, now, message) for instance, message in failed]
    runs.finish(db, [_refusal(instance, now, message) for instance, message in failed])
    carry_out(db, now, started, changes)
    here = {item.id for item, place in zip(started, places, strict=True) if place is lease}
    return [run for run in orders if run.instance in here]


def _spread(db: Connection, among: Sequence[Lease], count: int) -> list[Lease]:
    """A place for each of `count` runs; the first where others have as few: our own, because nobody need be told."""
    loads = runs.loads(db)
    heap = [(loads.get(place.runner, 0), order, place) for order, place in enumerate(among)]
    heapify(heap)
    places: list[Lease] = []
    for _ in range(count):
        load, order, place = heap[0]
        heapreplace(heap, (load + 1, order, place))
        places.append(place)
    return places


def _hold(db: Connection, now: int, late: Sequence[Instance]) -> None:
    """Queued instances whose window has closed: they come due when it opens again."""
    for instance in late:
        instance.due_time = opening(instance, now)
    carry_out(db, now, late, [move(instance, Event.WINDOW_CLOSED, now) for instance in late])


def composed(
    db: Connection, started: Sequence[Instance], now: int, inputs: Mapping[int, Inputs], vault: Secrets | None
) -> tuple[list[Run], dict[int, str]]:
    """What each of these instances is to execute in its current run, in their order, and why others cannot."""
    by_id = {order.id: order for order in runs.orders(db, [instance.id for instance in started])}
    special = [instance.id for instance in started if instance.control is not None]
    turns = loops.turns_of(db, special) if special else {}
    values = {id: Resolved.from_json(order.parameters) for id, order in by_id.items()}
    read = {
        id: secrets_read(order.task_type, order.script, values[id], inputs.get(id, ())) for id, order in by_id.items()
    }
    places = {place for item in read.values() for place in item.values()}
    opened = vault.opened(db, places) if vault is not None and places else {}
    orders: list[Run] = []
    refused: dict[int, str] = {}

    def _compose(instance: Instance) -> Run:
        id = instance.id
        known = values[id].revealed(read[id], opened)
        return compose(by_id[id], known, instance.run_number, now, inputs.get(id, {}), turns.get(id))

    for instance in started:
        try:
            orders.append(_compose(instance))
        except Malformed as error:
            refused[instance.id] = str(error)
    return orders, refused


def _refusal(instance: Instance, now: int, message: str) -> tuple[Result, str]:
    return Result(instance.id, instance.run_number, "refused", None, 0, now, message=message), Status.FAILURE


def _row(instance: Instance, log: str | None, inputs: Inputs | None, lease: Lease, now: int) -> dict[str, Any]:
    return {
        "instance_id": instance.id,
        "run_number": instance.run_number,
        "runner": lease.runner,
        "boot": lease.boot,
        "log": log,
        "inputs": None if inputs is None else inputs_to_json(inputs),
        "wait_trigger_time": instance.upstreams_done_time,
        "wait_resource_time": instance.wait_resource_time,
        "started_time": now,
    }
