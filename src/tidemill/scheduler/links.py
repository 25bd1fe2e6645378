"""Edges between periodic instances of a date: made by planning, and made again when instances were replaced.

Instances inside one workflow instance are tied when they are made; everything else is here: other workflows, workflows
as a whole, previous cycles.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, date, datetime, timedelta

from sqlalchemy import Connection

from tidemill.domain.cron import Cron, CycleClass
from tidemill.domain.instance_edges import Day, Edge, Link, edges_between, isolated
from tidemill.domain.status import Status
from tidemill.store import linking
from tidemill.store.linking import Declared, NodeInstance

_HOUR = 3_600_000
_ZONES = 15 * _HOUR  # no zone is further from UTC
_DAY = timedelta(days=1)


def link(
    db: Connection,
    now: int,
    env: str,
    nodes: Collection[int],
    bizdate: date,
    declared: Sequence[Declared],
    *,
    fresh: bool,
) -> int:
    """Tie the instances of `nodes` of a business date to what they wait for; returns how many edges that made.

    `fresh`: they were just made and are tied to nothing outside their workflow instance. Otherwise instances that have
    not begun lose the edges they no longer should have.
    """
    links = links_of(db, env, declared)
    involved = {id for item in links for id in (item.downstream, item.upstream)}
    if not fresh:
        involved |= set(nodes)  # they may have lost the last of their links
    if not involved:
        return 0
    crons = linking.crons(db, env, involved)
    days = _Days(db, env, involved, bizdate, crons, fresh=fresh)
    wanted = {
        edge
        for edge in edges_between((item for item in links if not _inside(item, crons)), days.today, days.before)
        if edge.downstream_id in days.open
    }
    changed = _write(db, days, wanted, fresh=fresh)
    changed |= _isolate(db, now, days, nodes, links, fresh=fresh)
    if not fresh:
        # Edges to instances that were removed are gone already; whoever waited for those waits for them no longer.
        changed |= {id for node in nodes if node in days.today for id in days.today[node].ids if id in days.open}
    linking.recount(db, now, changed)
    return len(wanted)


def _inside(link: Link, crons: dict[int, tuple[int, str | None]]) -> bool:
    """Whether both are tasks of one workflow, so that their edge is inside each workflow instance."""
    ends = crons.get(link.downstream), crons.get(link.upstream)
    return link.type == "Normal" and ends[0] is not None and ends[1] is not None and ends[0][0] == ends[1][0]


def links_of(db: Connection, env: str, declared: Sequence[Declared]) -> list[Link]:
    """Links between two nodes each; a dependency on one's children is one on the previous cycle of each."""
    parents = {item.downstream for item in declared if item.type == "CrossCycleDependsOnChildren"}
    links = [
        Link(item.downstream, item.upstream, "Normal" if item.type == "Normal" else "CrossCycle")
        for item in declared
        if item.upstream is not None
    ]
    links += [
        Link(item.downstream, item.downstream, "CrossCycle")
        for item in declared
        if item.type == "CrossCycleDependsOnSelf"
    ]
    links += [
        Link(child.upstream, child.downstream, "CrossCycle")
        for child in linking.children(db, env, parents)
        if child.upstream is not None
    ]
    return list(dict.fromkeys(links))


class _Days:
    """The instances of all nodes of interest, of a business date and the one before."""

    def __init__(
        self,
        db: Connection,
        env: str,
        nodes: Collection[int],
        bizdate: date,
        crons: dict[int, tuple[int, str | None]],
        *,
        fresh: bool,
    ) -> None:
        midnight = int(datetime.combine(bizdate, datetime.min.time(), UTC).timestamp() * 1000)
        found = linking.instances(db, env, nodes, midnight - _ZONES, midnight + 48 * _HOUR + _ZONES)
        self_dependent = linking.self_dependent(db, env, nodes)
        classes = {id: Cron.parse(cron).cycle_class for id, (_, cron) in crons.items() if cron is not None}

        def days(day: date) -> dict[int, Day]:
            by_node: dict[int, list[NodeInstance]] = {}
            for item in found:
                if item.bizdate == day.isoformat():
                    by_node.setdefault(item.node, []).append(item)
            return {
                node: Day.of(
                    [(item.trigger_time, item.id) for item in listed],
                    classes.get(node, CycleClass.DAY),
                    self_dependent=node in self_dependent,
                )
                for node, listed in by_node.items()
            }

        self.today = days(bizdate)
        self.before = days(bizdate - _DAY)
        self.satisfied = {item.id for item in found if item.status == Status.SUCCESS}
        self.open = {item.id for item in found if item.bizdate == bizdate.isoformat() and (fresh or not item.begun)}
        self.expired = {item.id for item in found if item.expired}
        self.containers = {item.id: item.workflow_instance_id for item in found}


def _write(db: Connection, days: _Days, wanted: set[Edge], *, fresh: bool) -> set[int]:
    """Add the wanted edges, take away what is no longer wanted; returns the instances whose edges changed."""
    there: set[Edge] = set()
    if not fresh:
        for edge, _, container in linking.existing(db, days.open):
            if edge.type != "Gate" and (edge.type != "Normal" or container != days.containers[edge.downstream_id]):
                there.add(edge)
        linking.delete(db, there - wanted)
    linking.add(db, wanted - there, days.satisfied)
    return {edge.downstream_id for edge in wanted ^ there}


def _isolate(
    db: Connection, now: int, days: _Days, nodes: Iterable[int], links: Sequence[Link], *, fresh: bool
) -> set[int]:
    """Mark the isolated instances, and note upstreams that are left out because they have no instance."""
    upstreams: dict[int, list[Link]] = {}
    for item in links:
        if item.type == "Normal":
            upstreams.setdefault(item.downstream, []).append(item)
    flags: list[tuple[int, bool]] = []
    absent: list[tuple[int, int]] = []
    for node in nodes:
        if node not in days.today or (fresh and node not in upstreams):
            continue
        alone = node in upstreams and isolated(node, upstreams[node], days.today)
        ids = [id for id in days.today[node].ids if id in days.open and id not in days.expired]
        if alone or not fresh:
            flags += [(id, alone) for id in ids]
        if fresh and not alone:
            absent += [(id, item.upstream) for item in upstreams[node] if item.upstream not in days.today for id in ids]
    linking.isolate(db, flags)
    linking.note_absent(db, now, absent)
    return {id for id, _ in flags}
