"""Many values compared at once: all that changed is told, whether or not Python keeps versions."""

from __future__ import annotations

import gc
import sys
import threading
from collections import OrderedDict, defaultdict, deque
from collections.abc import Callable
from types import MappingProxyType, ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_cachekit.inputs.tracing import comparisons, dict_versions
from pytest_cachekit.inputs.tracing.comparisons import Comparison
from pytest_cachekit.inputs.tracing.gathered_spots import GatheredSpots
from pytest_cachekit.inputs.tracing.leaves import collect_leaves
from pytest_cachekit.inputs.tracing.spots import Spot

ONE, OTHER = object(), object()


def counting() -> Callable[[], None]:
    count = 0

    def count_up() -> None:
        nonlocal count
        count += 1

    return count_up


class Plain:
    of_all = ONE

    def __init__(self) -> None:
        self.own = ONE


class Bare:
    """Its instances have no attributes at first."""


class Slotted:
    __slots__ = ("own",)

    def __init__(self) -> None:
        self.own = ONE


class Named(ModuleType):
    """A module of a project, as far as that goes."""

    def __init__(self) -> None:
        super().__init__("shop")

        def priced(*, taxes: dict[str, object] = {"own": ONE}) -> object:  # noqa: B006
            return taxes

        self.table: dict[Any, Any] = {"name": ONE, 1: ONE}
        self.made = defaultdict(list, name=ONE)
        self.ordered = OrderedDict(one=ONE, other=ONE)
        self.row = [ONE, OTHER]
        self.last = deque([ONE])
        self.some = {ONE}
        self.empty: dict[Any, Any] = {}
        self.plain, self.bare, self.slotted = Plain(), Bare(), Slotted()
        self.kind = type("Kind", (), {"of_all": ONE, "__module__": "shop"})
        self.function = counting()
        self.priced = priced
        self.lock = threading.Lock()
        self.shown = MappingProxyType({"name": ONE})
        self.value = ONE


def renamed(table: dict[Any, Any]) -> None:
    table.clear()
    table.update({"other": ONE, 1: ONE})


CHANGES: dict[str, Callable[[Any], object]] = {
    "a value of a table": lambda shop: shop.table.update(name=OTHER),
    "a key beside the same value": lambda shop: renamed(shop.table),
    "an element that came": lambda shop: shop.empty.update(name=ONE),
    "an element that a look-up made": lambda shop: shop.made["other"],
    "an order": lambda shop: shop.ordered.move_to_end("one"),
    "an element of a list": lambda shop: shop.row.reverse(),
    "an element of a queue": lambda shop: shop.last.append(ONE),
    "an element of a set": lambda shop: shop.some.add(OTHER),
    "an attribute": lambda shop: setattr(shop.plain, "own", OTHER),
    "an attribute that came": lambda shop: setattr(shop.plain, "other", ONE),
    "the first attribute": lambda shop: setattr(shop.bare, "own", ONE),
    "an attribute that went": lambda shop: delattr(shop.plain, "own"),
    "what a slot holds": lambda shop: setattr(shop.slotted, "own", OTHER),
    "a slot that holds nothing": lambda shop: delattr(shop.slotted, "own"),
    "an attribute of a class": lambda shop: setattr(shop.kind, "of_all", OTHER),
    "a variable of a closure": lambda shop: shop.function(),
    "an attribute of a function": lambda shop: setattr(shop.priced, "used", ONE),
    "a default": lambda shop: shop.priced()["own"] if shop.priced().update(own=OTHER) else None,
    "a lock": lambda shop: shop.lock.acquire(blocking=False),
    "what a proxy shows": lambda shop: gc.get_referents(shop.shown)[0].update(name=OTHER),
    "a global": lambda shop: setattr(shop, "value", OTHER),
    "a global that came": lambda shop: setattr(shop, "other", ONE),
}


def compared(shop: Named) -> Comparison:
    spots: set[Spot] = GatheredSpots().take_in(0, shop, collect_leaves(vars(shop), 4, "shop"))
    return Comparison(spot for spot in spots if not spot.stands_alone)


@pytest.fixture(params=[True, False], ids=["with versions", "without"])
def versions(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param and not dict_versions.ARE_KEPT:
        pytest.skip("This Python keeps no versions of dictionaries.")
    monkeypatch.setattr(comparisons, "ARE_KEPT", request.param)


@pytest.mark.usefixtures("versions")
@pytest.mark.parametrize("change", CHANGES)
def test_what_changes_is_told_once(change: str) -> None:
    shop = Named()
    comparison = compared(shop)
    assert not comparison.touched()

    CHANGES[change](shop)

    assert any(spot.is_otherwise() for spot in comparison.touched())
    assert not comparison.touched()


@given(st.lists(st.sampled_from(sorted(CHANGES))))
def test_what_is_told_is_all_that_is_otherwise(changes: list[str]) -> None:
    shop = Named()
    comparison = compared(shop)
    told = set[Spot]()
    for change in changes:
        if change not in ("an attribute that went", "a slot that holds nothing"):
            CHANGES[change](shop)
        told |= comparison.touched()

    assert {spot for spot in comparison.spots if spot.is_otherwise()} <= told


def test_versions_are_kept_up_to_python_3_13() -> None:
    if sys.implementation.name == "cpython" and sys.version_info < (3, 14):
        assert dict_versions.ARE_KEPT
