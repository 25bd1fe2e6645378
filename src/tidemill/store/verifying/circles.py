"""Instances that wait for each other in a circle: no query finds them, so what waits is read and taken apart here."""

from collections.abc import Iterator

from sqlalchemy import Connection, select

from tidemill.store.tables import instance_edge, task_instance

t = task_instance.c
e = instance_edge.c


def circles(db: Connection, most: int) -> Iterator[str]:
    """A sentence for each of the instances, at most `most`, that can never start because they wait in a circle.

    A workflow instance is two nodes: its start, for which its first instances wait, and its end (its id negated),
    for which others wait and which waits for all inside.
    """
    waits: dict[int, int] = {}
    leads: dict[int, list[int]] = {}

    def add(upstream: int, downstream: int) -> None:
        waits[downstream] = waits.get(downstream, 0) + 1
        waits.setdefault(upstream, 0)
        leads.setdefault(upstream, []).append(downstream)

    whole: set[int] = set()
    for id, kind, representative, entry in db.execute(
        select(t.id, t.kind, t.representative_id, t.waits_entry).where(t.finished_time.is_(None))
    ):
        if kind == "Workflow":
            whole.add(id)
            add(id, -id)
        else:
            add(id, -representative)
            if entry:
                add(representative, id)
    edges = select(e.downstream_id, e.upstream_id).join_from(
        instance_edge, task_instance, (t.id == e.downstream_id) & t.finished_time.is_(None)
    )
    for downstream, upstream in db.execute(edges.where(e.satisfied == 0)):
        add(-upstream if upstream in whole else upstream, downstream)
    free = [node for node, count in waits.items() if count == 0]
    while free:
        for downstream in leads.get(free.pop(), ()):
            waits[downstream] -= 1
            if waits[downstream] == 0:
                free.append(downstream)
    stuck = sorted(node for node, count in waits.items() if count > 0 and node > 0)
    for id in stuck[:most]:
        yield f"instance {id} can never start: it waits in a circle, or for instances that do"
