"""Which tasks of a workflow a backfill runs, and which between them become dry runs (scheduling-semantics 7.1)."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

Mode = Literal["General", "ManualSelection", "Chain", "AllDownstream"]
Edges = Mapping[int, Collection[int]]  # task: its upstream tasks inside the workflow


@dataclass(frozen=True, slots=True)
class Selection:
    run: frozenset[int]
    dry: frozenset[int]  # not chosen, but on a path between chosen ones


def _reach(start: Iterable[int], edges: Edges) -> set[int]:
    """All that can be reached from `start` along `edges`, `start` included."""
    seen: set[int] = set()
    todo = list(start)
    while todo:
        node = todo.pop()
        if node not in seen:
            seen.add(node)
            todo.extend(edges.get(node, ()))
    return seen


def reverse(upstreams: Edges) -> dict[int, list[int]]:
    """task: its downstream tasks."""
    downstreams: dict[int, list[int]] = {node: [] for node in upstreams}
    for node, needs in upstreams.items():
        for need in needs:
            downstreams.setdefault(need, []).append(node)
    return downstreams


def whole_graph(tasks: Mapping[int, int], links: Iterable[tuple[int, int]]) -> dict[int, list[int]]:
    """Each node's upstreams, from `tasks` (task: workflow) and same-cycle links (downstream, upstream).

    A workflow as a whole is two nodes: its id, which comes after its tasks, and its negated id, which comes before.
    """
    upstreams: dict[int, list[int]] = {task: [-workflow] for task, workflow in tasks.items()}
    for task, workflow in tasks.items():
        upstreams.setdefault(workflow, []).append(task)
        upstreams.setdefault(-workflow, [])
    for downstream, upstream in links:
        start = downstream if downstream in tasks else -downstream
        if start in upstreams and upstream in upstreams:
            upstreams[start].append(upstream)
    return upstreams


def select(
    mode: Mode, upstreams: Edges, roots: Collection[int], include: Collection[int], exclude: Collection[int]
) -> Selection:
    """The tasks that run and the dry runs between them; with neither roots nor includes, the whole workflow runs."""
    downstreams = reverse(upstreams)
    if not roots and not include:
        chosen = set(upstreams)
    elif mode == "Chain":
        first, last = include
        chosen = _reach([first], downstreams) & _reach([last], upstreams)
    elif mode == "AllDownstream":
        chosen = _reach(roots, downstreams)
    else:
        chosen = set(roots) | set(include)
    chosen -= set(exclude)
    between = _reach(chosen, downstreams) & _reach(chosen, upstreams)
    return Selection(frozenset(chosen), frozenset(between - chosen))


def groups(count: int, parallelism: int) -> list[range]:
    """Contiguous, near-equal groups of `count` dates, earlier ones one longer; each group is serial inside."""
    number = max(1, min(parallelism, count))
    size, longer = divmod(count, number)
    starts = [index * size + min(index, longer) for index in range(number + 1)]
    return [range(start, end) for start, end in pairwise(starts)]
