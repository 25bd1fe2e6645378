"""DEPENDENT tasks: looked at every `checkInterval` until what they wait for has succeeded, without a slot.

The next look is the instance's due time, so nothing is polled and a restart changes nothing. The limit counts from the
moment at which its upstreams were done and its time had come.
"""

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection

from tidemill.domain.control.waits import Dependent, Item, business_date, read_dependent
from tidemill.domain.errors import Malformed
from tidemill.domain.instance import Instance
from tidemill.store import instances
from tidemill.store import waits as store
from tidemill.store.planning import ENV
from tidemill.store.variables import Subject


def look(
    db: Connection, now: int, due: Sequence[Instance], subjects: Mapping[int, Subject]
) -> tuple[set[int], set[int]]:
    """(instances for which it is too early, and which come due again; those whose time for checks is over)."""
    wanted = {instance.id: read for instance in due if (read := _read(subjects[instance.id])) is not None}
    asked = {
        (item.output, business_date(item, subjects[id].bizdate))
        for id, read in wanted.items()
        for _, items in read.groups
        for item in items
    }
    done = store.succeeded(db, ENV, asked) if asked else set[tuple[str, str]]()
    waiting: list[Instance] = []
    late: set[int] = set()
    for instance in due:
        read = wanted.get(instance.id)
        if read is None:
            continue
        bizdate = subjects[instance.id].bizdate

        def succeeded(item: Item, bizdate: str = bizdate) -> bool:
            return (item.output, business_date(item, bizdate)) in done

        if read.holds(succeeded):
            continue
        limit = max(instance.trigger_time, instance.upstreams_done_time or 0) + read.limit * 1000
        if now >= limit:
            late.add(instance.id)
        else:
            instance.due_time = min(now + read.interval * 1000, limit)
            waiting.append(instance)
    if waiting:
        instances.save(db, now, waiting, [])
    return {instance.id for instance in waiting}, late


def _read(subject: Subject) -> Dependent | None:
    try:
        return read_dependent(subject.script)
    except Malformed:
        return None
