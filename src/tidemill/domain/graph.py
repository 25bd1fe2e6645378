"""Same-cycle loops: found before they are stored, from what changes only (scheduling-semantics 5.7)."""

from collections.abc import Iterable, Mapping


def find_cycle(upstreams: Mapping[int, Iterable[int]], changed: Iterable[int]) -> list[int] | None:
    """A loop that can be reached upstream of `changed`, as a path that ends where it began; None if there is none.

    Walks each node once and without recursion, so depth is no limit.
    """
    done: set[int] = set()
    for start in changed:
        path: list[int] = []
        place: dict[int, int] = {}
        stack: list[tuple[int, bool]] = [(start, True)]
        while stack:
            node, entering = stack.pop()
            if not entering:
                done.add(path.pop())
                del place[node]
            elif node in place:
                return [*path[place[node] :], node]
            elif node not in done:
                place[node] = len(path)
                path.append(node)
                stack.append((node, False))
                stack.extend((need, True) for need in upstreams.get(node, ()))
    return None
