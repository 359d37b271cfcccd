"""What a function's bytecode tells of what it keeps, and whether a test left something changed."""

from __future__ import annotations

import sys
from types import CodeType
from typing import Any

import pytest

from pytest_cachekit.inputs.tracing.fillers import may_fill
from pytest_cachekit.inputs.tracing.keeping import How, changes_of, keeps_under
from pytest_cachekit.inputs.tracing.keeping import returns_what_it_keeps as is_memo
from pytest_cachekit.inputs.tracing.stamps import is_same, stamp


def function(source: str) -> CodeType:
    """Return the code of the function at the end of some source."""
    names: dict[str, Any] = {}
    exec(source, names)
    found: CodeType = [each for each in names.values() if hasattr(each, "__code__")][-1].__code__
    return found


@pytest.mark.parametrize(
    ("source", "fills", "keeps", "changes"),
    [
        ("def f(k, v):\n    S[k] = v", True, True, {("S", How.CHANGED)}),
        ("def f(k, v):\n    S[norm(k)] = make(v)", True, True, {("S", How.CHANGED)}),
        ("def f(v):\n    S.append(v)", True, True, {("S", How.CHANGED)}),
        ("def f(v):\n    global S\n    S = v", True, True, {("S", How.BOUND)}),
        ("def f(v):\n    S.x = v", True, True, {("S", How.CHANGED)}),
        ("def f(v):\n    S.x.append(v)", True, True, {("S", How.DEEP)}),
        ("def f(v):\n    S.__dict__.setdefault('x', []).append(v)", False, True,
         {("S", How.CHANGED), ("S", How.DEEP)}),
        ("def f(k, v):\n    S['a'][k] = v", True, True, None),
        ("def f(v):\n    setattr(S, v, 1)", True, True, None),
        ("def f(k):\n    return S[k]", False, False, set()),
        ("def f(v):\n    a = []\n    a.append((v, S.x.y))\n    return a", False, False, set()),
        ("def f(k, d):\n    d[k] = S", False, False, set()),
    ],
)  # fmt: skip
def test_how_a_function_keeps_something_under_a_name(
    source: str, fills: bool, keeps: bool, changes: set[tuple[str, How]] | None
) -> None:
    code = function(source)

    assert may_fill(code) or not fills
    assert keeps_under(code, {"S"}) == keeps
    assert changes_of(code) == changes


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("def f(k):\n    return S[k]", True),
        ("def f(k):\n    return S.setdefault(k, k)", True),
        ("def f(k):\n    S[k] = 1", False),
        ("def f(k):\n    S.append(k)\n    return k", False),
        ("def f(k, text):\n    return S[k]", False),
        ("def f(k):\n    if k in S:\n        raise KeyError(k)\n    return S[k]", False),
    ],
)
def test_only_who_returns_what_was_asked_for_is_a_memo(source: str, expected: bool) -> None:
    assert is_memo(function(source)) == expected


class Thing:
    """Something with attributes."""


def test_a_stamp_tells_values_and_not_what_they_are_made_of() -> None:
    held, thing = [1, "a"], Thing()
    changes = {("S", How.CHANGED)}
    before = stamp({"S": {"k": held, "o": thing}}, changes)

    assert is_same(before, stamp({"S": {"k": [1, "a"], "o": thing}}, changes))
    assert not is_same(before, stamp({"S": {"k": [1, "b"], "o": thing}}, changes))
    assert not is_same(before, stamp({"S": {"k": [True, "a"], "o": thing}}, changes))
    assert not is_same(before, stamp({"S": {"k": held, "o": Thing()}}, changes))
    assert not is_same(before, stamp({"S": {"k": held}}, changes))


def test_a_stamp_of_what_cannot_be_told_is_like_none() -> None:
    for value in (object(), [[[[[1]]]]], list(range(1000))):
        unknown = stamp({"S": value}, {("S", How.CHANGED)})

        assert unknown is None
        assert not is_same(unknown, unknown)


def test_a_stamp_keeps_nothing_alive() -> None:
    thing = Thing()
    count = sys.getrefcount(thing)

    taken = stamp({"S": [thing]}, {("S", How.CHANGED)})

    assert taken is not None
    assert sys.getrefcount(thing) == count
