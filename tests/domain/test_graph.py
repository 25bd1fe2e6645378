"""Cycles and orders of dependency graphs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidemill.domain.graph import find_cycle, layers, topological_order

Graph = dict[int, set[int]]
GRAPHS = st.dictionaries(st.integers(0, 8), st.sets(st.integers(0, 8), max_size=3), max_size=9)


def acyclic(graph: Graph) -> Graph:
    """The same graph without the edges that go up or stay."""
    return {node: {upstream for upstream in upstreams if upstream < node} for node, upstreams in graph.items()}


@pytest.mark.parametrize(
    ("upstreams", "changed", "cycle"),
    [
        pytest.param({2: [1], 3: [2]}, [3], None, id="a chain"),
        pytest.param({1: [1]}, [1], [1], id="a node on itself"),
        pytest.param({1: [3], 2: [1], 3: [2]}, [1], [1, 3, 2], id="three in a ring, from the changed one"),
        pytest.param({4: [1], 1: [3], 2: [1], 3: [2]}, [4], [1, 3, 2], id="the way to the ring is no part of it"),
        pytest.param({1: [2], 2: [1], 3: [4]}, [3], None, id="a ring that no changed node reaches"),
        pytest.param({4: [2, 3], 2: [1], 3: [1]}, [4], None, id="a diamond"),
    ],
)
def test_a_cycle_is_found_upstream_of_what_changed(
    upstreams: dict[int, list[int]], changed: list[int], cycle: list[int] | None
) -> None:
    assert find_cycle(upstreams, changed) == cycle


@given(GRAPHS)
def test_a_cycle_is_a_closed_path_and_its_absence_an_order(graph: Graph) -> None:
    cycle = find_cycle(graph, graph)
    if cycle is None:
        assert set(topological_order(graph)) == set(graph) | {up for ups in graph.values() for up in ups}
    else:
        assert len(set(cycle)) == len(cycle)
        assert all(up in graph[node] for node, up in zip(cycle, [*cycle[1:], cycle[0]], strict=True))
        with pytest.raises(ValueError, match="is a cycle"):
            layers(graph)


@given(GRAPHS, st.integers(0, 8), st.integers(0, 8))
def test_a_new_edge_is_judged_from_its_own_node(graph: Graph, node: int, upstream: int) -> None:
    changed = acyclic(graph)
    changed.setdefault(node, set()).add(upstream)
    assert (find_cycle(changed, [node]) is None) is (find_cycle(changed, changed) is None)


@given(GRAPHS)
def test_nothing_comes_before_its_upstreams(graph: Graph) -> None:
    graph = acyclic(graph)
    depth = {node: n for n, layer in enumerate(layers(graph)) for node in layer}
    for node, upstreams in graph.items():
        assert depth[node] == max((depth[upstream] + 1 for upstream in upstreams), default=0)
    order = topological_order(graph)
    assert all(order.index(up) < order.index(node) for node, ups in graph.items() for up in ups)


def test_depth_has_no_limit() -> None:
    chain = {node: [node - 1] for node in range(1, 100_000)}
    assert find_cycle(chain, [99_999]) is None
    assert topological_order(chain) == list(range(100_000))
    assert len(find_cycle(chain | {0: [99_999]}, [0]) or []) == 100_000
