"""Which instances an instance waits for, from the day schedules of the two tasks.

Both schedules are of one business date. An answer has one `range` for each downstream cycle: indexes of the upstream's
cycles, ascending; a negative index counts back from the end of the previous run date. Every rule picks neighbours, so a
range says it all. Source: DataWorks, "Principles and samples of scheduling configurations in complex dependency
scenarios".
"""

from bisect import bisect_right
from dataclasses import dataclass

from tidemill.domain.cron import CycleClass

_NONE = range(0)


@dataclass(frozen=True)
class DaySchedule:
    """A task's cycles of one run date: trigger times in epoch milliseconds, ascending, dry runs included.

    `cycle_class` is that of the newest definition, also when a replacement left cycles of an older one.
    """

    times: tuple[int, ...]
    cycle_class: CycleClass
    self_dependent: bool = False

    @property
    def is_daily(self) -> bool:
        return self.cycle_class is CycleClass.DAY


def same_cycle_edges(upstream: DaySchedule, downstream: DaySchedule) -> list[range]:
    """Edges of a Normal dependency; all empty when the upstream has no cycle that day.

    Daily upstreams serve every cycle, or only the first of a task that depends on itself. A daily task waits for the
    whole day of its upstream. Between sub-day tasks of one class with equally many cycles, ordinals pair up whatever
    the times; otherwise a cycle waits for those since the cycle before it, or shares the last one. An upstream that
    depends on itself has done all its earlier cycles when it has done one, so one is enough.
    """
    if not upstream.times:
        return [_NONE] * len(downstream.times)
    if upstream.is_daily:
        # More than one only after a replacement during the day; all of them count.
        return _only_first(range(len(upstream.times)), downstream)
    if downstream.is_daily and not upstream.self_dependent:
        return [range(len(upstream.times))] * len(downstream.times)
    if _pair_by_ordinal(upstream, downstream):
        return [range(k, k + 1) for k in range(len(downstream.times))]
    return _nearest(upstream, downstream)


def cross_cycle_edges(yesterday: DaySchedule, upstream: DaySchedule, downstream: DaySchedule) -> list[range]:
    """Edges to the previous cycle of another task (CrossCycleDependsOnOtherNode; OnChildren with the child upstream).

    `yesterday` is the upstream's previous run date. Sub-day tasks wait for the cycle before the one that the same-cycle
    rule picks last. Where no previous cycle exists the range is empty: the edge is satisfied.
    """
    if upstream.is_daily or downstream.is_daily:
        whole_day = yesterday.is_daily or not yesterday.self_dependent
        previous = range(-len(yesterday.times) if whole_day else max(-1, -len(yesterday.times)), 0)
        return _only_first(previous, downstream)
    return [
        _existing(picked.stop - 2, yesterday) if picked else _existing(-1, yesterday)
        for picked in same_cycle_edges(upstream, downstream)
    ]


def self_edges(yesterday: DaySchedule, today: DaySchedule) -> list[range]:
    """Edges of CrossCycleDependsOnSelf: each cycle waits for the one before, the first for the last of yesterday."""
    return [_existing(k - 1, yesterday) for k in range(len(today.times))]


def _only_first(edges: range, downstream: DaySchedule) -> list[range]:
    """The same edges for every cycle, but of a self-dependent sub-day task for the first: the rest follow it."""
    if downstream.self_dependent and not downstream.is_daily:
        return [edges if k == 0 else _NONE for k in range(len(downstream.times))]
    return [edges] * len(downstream.times)


def _pair_by_ordinal(upstream: DaySchedule, downstream: DaySchedule) -> bool:
    return upstream.cycle_class is downstream.cycle_class and len(upstream.times) == len(downstream.times)


def _nearest(upstream: DaySchedule, downstream: DaySchedule) -> list[range]:
    """For each cycle those upstream cycles since the cycle before it, at least the last one not later than itself."""
    edges: list[range] = []
    earlier = 0
    for time in downstream.times:
        not_later = bisect_right(upstream.times, time)
        last = max(not_later - 1, 0)  # the first of the day serves cycles before it
        edges.append(range(last if upstream.self_dependent else min(earlier, last), last + 1))
        earlier = not_later
    return edges


def _existing(index: int, yesterday: DaySchedule) -> range:
    return range(index, index + 1) if index >= -len(yesterday.times) else _NONE
