"""Nodes of a graph that reach each other, by R. Tarjan's algorithm (SIAM J. Comput. 1, 1972)."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence


def components(edges: Sequence[Collection[int]]) -> list[list[int]]:
    """Return the strongly connected components, each after those that it reaches.

    Args:
        edges: for each node, those that it leads to.
    """
    found: list[list[int]] = []
    met: dict[int, int] = {}
    lowest: dict[int, int] = {}
    """For each node, the earliest one that it is known to reach among those on the path."""
    path: list[int] = []
    done: set[int] = set()
    visits: list[tuple[int, Iterator[int]]] = []

    def visit(node: int) -> None:
        met[node] = lowest[node] = len(met)
        path.append(node)
        visits.append((node, iter(edges[node])))

    for start in range(len(edges)):
        if start not in met:
            visit(start)
        while visits:
            node, targets = visits[-1]
            for target in targets:
                if target not in met:
                    visit(target)
                    break
                if target not in done:
                    lowest[node] = min(lowest[node], met[target])
            else:
                visits.pop()
                if visits:
                    before = visits[-1][0]
                    lowest[before] = min(lowest[before], lowest[node])
                if lowest[node] == met[node]:
                    component = [path.pop()]
                    while component[-1] != node:
                        component.append(path.pop())
                    found.append(component)
                    done.update(component)
    return found
