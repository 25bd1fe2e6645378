"""From declared dependencies to edges between instances, one business date at a time (scheduling-semantics 5).

A node is a task, or a workflow as a whole; both have instances with trigger times, and everything here is the same for
both.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from tidemill.domain.cron import CycleClass
from tidemill.domain.edges import DaySchedule, cross_cycle_edges, same_cycle_edges, self_edges

EdgeType = Literal["Normal", "CrossCycle"]


class Edge(NamedTuple):
    """One instance waits for another."""

    downstream_id: int
    upstream_id: int
    type: str


class Link(NamedTuple):
    """One node depends on another: of `type` Normal in the same cycle, of CrossCycle in the previous one.

    A CrossCycle link of a node to itself is its self-dependency.
    """

    downstream: int
    upstream: int
    type: EdgeType


@dataclass(frozen=True)
class Day:
    """A node's instances of one business date: `ids` go with the times of `schedule`."""

    ids: tuple[int, ...]
    schedule: DaySchedule

    @staticmethod
    def of(instances: Iterable[tuple[int, int]], cycle_class: CycleClass, *, self_dependent: bool) -> "Day":
        """From (trigger time, instance id) in any order."""
        ordered = sorted(instances)
        times = tuple(time for time, _ in ordered)
        return Day(tuple(id for _, id in ordered), DaySchedule(times, cycle_class, self_dependent))


Days = Mapping[int, Day]


def edges_between(links: Iterable[Link], today: Days, before: Days) -> Iterator[Edge]:
    """The edges that `links` make; a node with no instance in a date is absent there or has an empty Day."""
    for link in links:
        downstream = today.get(link.downstream)
        if downstream is not None and downstream.ids:
            yield from _edges(link, downstream, today, before)


def _edges(link: Link, downstream: Day, today: Days, before: Days) -> Iterator[Edge]:
    upstream, previous = today.get(link.upstream), before.get(link.upstream)
    if link.type == "Normal":
        if upstream is not None:
            ranges = same_cycle_edges(upstream.schedule, downstream.schedule)
            yield from _pairs(downstream.ids, upstream.ids, ranges, link.type)
        return
    known = upstream or previous
    if known is None:
        return
    absent = Day((), DaySchedule((), known.schedule.cycle_class, known.schedule.self_dependent))
    upstream, previous = upstream or absent, previous or absent
    if link.downstream == link.upstream:
        ranges = self_edges(previous.schedule, downstream.schedule)
    else:
        ranges = cross_cycle_edges(previous.schedule, upstream.schedule, downstream.schedule)
    yield from _pairs(downstream.ids, upstream.ids, map(_own, ranges), link.type)
    yield from _pairs(downstream.ids, previous.ids, map(_earlier, ranges), link.type)


def _own(chosen: range) -> range:
    return range(max(chosen.start, 0), max(chosen.stop, 0))


def _earlier(chosen: range) -> range:
    """Negative indexes, which count from the end of the date before."""
    return range(min(chosen.start, 0), min(chosen.stop, 0))


def _pairs(
    downstream: Sequence[int], upstream: Sequence[int], ranges: Iterable[range], type: EdgeType
) -> Iterator[Edge]:
    for id, chosen in zip(downstream, ranges, strict=True):
        for index in chosen:
            yield Edge(id, upstream[index], type)


def isolated(node: int, links: Iterable[Link], today: Days) -> bool:
    """Whether `node` declares same-cycle upstreams and none of them has an instance in the period (engine 17)."""
    upstreams = [link.upstream for link in links if link.downstream == node and link.type == "Normal"]
    return bool(upstreams) and not any(id in today and today[id].ids for id in upstreams)
