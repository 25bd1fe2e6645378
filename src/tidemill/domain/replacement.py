"""What an Immediately deployment does to the instances of today (scheduling-semantics 2.2)."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import NamedTuple

Slot = tuple[int, int]  # task, trigger time


class Standing(NamedTuple):
    """An instance that there is; `begun` once anything at all happened to it but waiting."""

    id: int
    task_id: int
    trigger_time: int
    begun: bool


@dataclass(frozen=True, slots=True)
class Replacement:
    """`made` and `expired` (dry runs) are instances to be; `renewed` and `removed` are ids of those there are.

    A renewed instance keeps its row and id, and takes everything else from the new version.
    """

    made: tuple[Slot, ...]
    expired: tuple[Slot, ...]
    renewed: tuple[int, ...]
    removed: tuple[int, ...]


def replacement(
    there: Iterable[Standing],
    tasks: Collection[int],
    never_deployed: Collection[int],
    times: Collection[int],
    threshold: int,
) -> Replacement:
    """Compare today's instances with the new version's `tasks` and cycle `times`; all times are epoch milliseconds.

    Up to and including `threshold` (ten minutes after the deployment) only tasks that never were deployed before get
    instances, as dry runs, and whatever there is stays. After it, the new version's instances are those there are;
    what has begun all the same is left alone.
    """
    standing = {(item.task_id, item.trigger_time): item for item in there}
    wanted = {(task, time) for task in tasks for time in times if time > threshold}
    missed = {(task, time) for task in never_deployed for time in times if time <= threshold}
    open = {slot: item.id for slot, item in standing.items() if slot[1] > threshold and not item.begun}
    return Replacement(
        made=tuple(sorted(wanted - standing.keys())),
        expired=tuple(sorted(missed - standing.keys())),
        renewed=tuple(sorted(open[slot] for slot in wanted & open.keys())),
        removed=tuple(sorted(open[slot] for slot in open.keys() - wanted)),
    )
