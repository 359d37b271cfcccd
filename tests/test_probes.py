"""Woven code does and tells the same as before; and it tells which functions ran."""

from __future__ import annotations

import asyncio
import copy
import inspect
import pickle
from collections.abc import Callable
from typing import Any

import pytest

from pytest_cachekit.inputs.tracing.flags import Flags

from .woven import Woven, needs_probes

pytestmark = needs_probes


def test_what_ran_is_told_once() -> None:
    woven = Woven(
        """
        def f(): return g()
        def g(): return 1
        def never(): pass
        class C:
            def method(self): return 2
        """
    )

    assert woven.ran() == set()
    assert woven["f"]() == 1
    assert woven.ran() == {"f", "g"}
    assert woven.ran() == set()
    assert woven["C"]().method() == 2
    assert woven.ran() == {"C.method"}


def test_nested_code_belongs_to_what_encloses_it() -> None:
    woven = Woven(
        """
        def outer():
            def inner(): return [x for x in range(3)]
            return inner, lambda: 5
        """
    )
    inner, five = woven["outer"]()
    assert woven.ran() == {"outer"}

    assert inner() == [0, 1, 2]
    assert woven.ran() == {"outer"}
    assert five() == 5
    assert len(woven.units) == 1


BEHAVIOUR: dict[str, tuple[str, Callable[[Any], object]]] = {
    "generator": (
        """
        def f():
            x = yield 1
            yield x
        """,
        lambda f: (lambda g: (next(g), g.send(5), list(g)))(f()),
    ),
    "generator that is thrown into": (
        """
        def f():
            try:
                yield 1
            except KeyError:
                yield 2
        """,
        lambda f: (lambda g: (next(g), g.throw(KeyError)))(f()),
    ),
    "yield from": ("def f(): yield from range(3)", lambda f: list(f())),
    "coroutine": (
        """
        import asyncio
        async def f():
            await asyncio.sleep(0)
            return 1
        """,
        lambda f: asyncio.run(f()),
    ),
    "async generator": (
        """
        async def g(): yield 1
        async def f(): return [x async for x in g()]
        """,
        lambda f: asyncio.run(f()),
    ),
    "recursion": ("def f(n=20): return n and 1 + f(n - 1)", lambda f: f()),
    "closure": (
        """
        def f():
            n = 0
            def g():
                nonlocal n
                n += 1
                return n
            return g(), g()
        """,
        lambda f: f(),
    ),
    "every kind of argument": (
        "def f(a, /, b, *c, d=4, **e): return a, b, c, d, e",
        lambda f: f(1, 2, 3, d=5, z=6),
    ),
    "try, finally, with": (
        """
        import contextlib
        def f():
            log = []
            try:
                with contextlib.suppress(KeyError):
                    raise KeyError
                for i in range(3):
                    try:
                        if i == 1: continue
                        1 / (i - 2)
                    finally:
                        log.append(i)
            except ZeroDivisionError:
                log.append("zero")
            return log
        """,
        lambda f: f(),
    ),
    "except group": (
        """
        def f():
            try:
                raise ExceptionGroup("g", [KeyError()])
            except* KeyError as error:
                caught = str(error)
            return caught
        """,
        lambda f: f(),
    ),
    "super": (
        """
        class A:
            def m(self): return 1
        class B(A):
            def m(self): return super().m() + 1
        def f(): return B().m()
        """,
        lambda f: f(),
    ),
    "match": (
        """
        def f():
            match [1, 2]:
                case [a, b]:
                    return a + b
        """,
        lambda f: f(),
    ),
    "hundreds of names and constants": (
        "def f():\n"
        + "".join(f"    v{number} = {number}.5; print.__self__\n" for number in range(300))
        + "    return v299, len.__name__\n",
        lambda f: f(),
    ),
    "a long jump": (
        "def f():\n    total = 0\n    for i in range(3):\n"
        + "        total += i * 2 - 1\n" * 400
        + "    return total\n",
        lambda f: f(),
    ),
    "an empty function": ("def f(): pass", lambda f: f()),
}


@pytest.mark.parametrize(("source", "use"), BEHAVIOUR.values(), ids=BEHAVIOUR)
def test_behaviour_is_the_same(source: str, use: Callable[[Any], object]) -> None:
    woven = Woven(source)
    plain: dict[str, Any] = {"__name__": "woven"}
    exec(woven.plain, plain)

    assert use(woven["f"]) == use(plain["f"])
    assert "f" in woven.ran()


def test_what_can_be_read_of_a_function_is_the_same() -> None:
    woven = Woven('def f(a, b=1):\n    """Doc."""\n    c = a\n    return c\n')
    f = woven["f"]

    assert f.__doc__ == "Doc."
    assert str(inspect.signature(f)) == "(a, b=1)"
    assert f.__code__.co_varnames == ("a", "b", "c")
    assert f.__code__.co_firstlineno == 1
    assert f.__code__.co_filename == "woven.py"
    assert isinstance(hash(f.__code__), int)
    assert f.__code__ == f.__code__.replace()
    assert {f.__code__: 1}[f.__code__] == 1
    assert copy.copy(f) is f


def picklable(x: int) -> int:
    return x + 1


def test_functions_are_pickled_by_name_as_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    woven = Woven("def picklable(x): return x + 1\n")
    function = woven["picklable"]
    function.__module__ = __name__
    monkeypatch.setitem(globals(), "picklable", function)

    assert pickle.loads(pickle.dumps(function)) is function


def test_constants_that_are_pickled_by_value_lose_their_connection() -> None:
    woven = Woven("def f(): return 1\n")
    flags = [value for value in woven["f"].__code__.co_consts if isinstance(value, Flags)]
    assert flags

    for flag in flags:
        assert isinstance(pickle.loads(pickle.dumps(flag)), Flags)
    woven.ran()
    for flag in flags:
        setattr(pickle.loads(pickle.dumps(flag)), Flags.__slots__[0], True)
    assert woven.ran() == set()


@pytest.mark.parametrize("count", [1, 64, 65, 64 * 64 + 1])
def test_any_number_of_functions_is_told_apart(count: int) -> None:
    woven = Woven("".join(f"def f{number}(): return {number}\n" for number in range(count)))
    chosen = {f"f{number}" for number in range(0, count, 7)}

    for name in sorted(chosen):
        woven[name]()
    assert woven.ran() == chosen
    assert woven.ran() == set()

    woven[f"f{count - 1}"]()
    assert woven.ran() == {f"f{count - 1}"}


def test_closed_probes_are_silent() -> None:
    woven = Woven("def f(): return 1\n")
    woven.probes.close()

    assert woven["f"]() == 1
    assert woven.ran() == set()
