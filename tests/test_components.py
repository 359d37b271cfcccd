"""Which nodes of a graph reach each other."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pytest_cachekit.inputs.tracing.components import components

graphs = st.integers(1, 12).flatmap(
    lambda size: st.lists(
        st.sets(st.integers(0, size - 1), max_size=4), min_size=size, max_size=size
    )
)


def reached(edges: list[set[int]], start: int) -> set[int]:
    found = {start}
    wanted = [start]
    while wanted:
        new = edges[wanted.pop()] - found
        found |= new
        wanted += new
    return found


@given(graphs)
def test_members_reach_each_other_and_nobody_else_does(edges: list[set[int]]) -> None:
    found = components(edges)

    assert sorted(node for component in found for node in component) == list(range(len(edges)))
    for component in found:
        for node in component:
            mutual = {other for other in reached(edges, node) if node in reached(edges, other)}
            assert mutual == set(component)


@given(graphs)
def test_what_a_component_reaches_comes_before_it(edges: list[set[int]]) -> None:
    before: set[int] = set()
    for component in components(edges):
        before |= set(component)
        assert reached(edges, component[0]) <= before


def test_a_long_chain_needs_no_deep_stack() -> None:
    length = 10_000
    assert len(components([{node + 1} for node in range(length - 1)] + [set()])) == length
