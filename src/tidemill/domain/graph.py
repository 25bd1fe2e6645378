"""Directed graphs of ids: is there a cycle, what order, which layers. Nothing here recurses, so depth has no limit.

A graph is a mapping from each node to the nodes it depends on; a node that is only depended on needs no entry.
"""

from collections.abc import Collection, Iterable, Mapping
from graphlib import CycleError, TopologicalSorter


def find_cycle(upstreams: Mapping[int, Collection[int]], changed: Iterable[int]) -> list[int] | None:
    """A cycle that can be reached upstream from the `changed` nodes, or None.

    Each id of the answer depends on the next, and the last on the first. If the graph had no cycle before the change,
    any there is now passes a changed node, so `upstreams` need hold no more than the ancestors of those.
    """
    done: set[int] = set()
    for start in changed:
        if start not in done and (cycle := _cycle_from(upstreams, start, done)):
            return cycle
    return None


def _cycle_from(upstreams: Mapping[int, Collection[int]], start: int, done: set[int]) -> list[int] | None:
    """Depth first from `start`, adding to `done` every node from which no cycle can be reached."""
    path = [(start, iter(upstreams.get(start, ())))]
    place = {start: 0}
    while path:
        node, rest = path[-1]
        upstream = next(rest, None)
        if upstream is None:
            path.pop()
            del place[node]
            done.add(node)
        elif upstream in place:
            return [node for node, _ in path[place[upstream] :]]
        elif upstream not in done:
            place[upstream] = len(path)
            path.append((upstream, iter(upstreams.get(upstream, ()))))
    return None


def layers(upstreams: Mapping[int, Collection[int]]) -> list[list[int]]:
    """Nodes by depth, ascending in each; a layer depends on those before it only. Raises ValueError for a cycle."""
    sorter = TopologicalSorter(upstreams)
    try:
        sorter.prepare()
    except CycleError as error:
        raise ValueError(f"no order: {' → '.join(map(str, error.args[1]))} is a cycle") from None
    found: list[list[int]] = []
    while sorter.is_active():
        ready = sorter.get_ready()
        found.append(sorted(ready))
        sorter.done(*ready)
    return found


def topological_order(upstreams: Mapping[int, Collection[int]]) -> list[int]:
    """Every node after all it depends on; equal graphs, equal orders. Raises ValueError for a cycle."""
    return [node for layer in layers(upstreams) for node in layer]
