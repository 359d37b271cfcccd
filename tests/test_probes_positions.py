"""Woven code has the lines and columns that it had: in tracebacks, for tracers and debuggers."""

from __future__ import annotations

import contextlib
import inspect
import itertools
import sys
import textwrap
import traceback
from collections.abc import Callable
from types import CodeType
from typing import Any

import pytest

from pytest_cachekit.inputs.tracing import probes

from .woven import Woven, needs_probes

pytestmark = needs_probes

RAISES = """
    def f(n):
        values = [1,
                  2]
        if n == 0:
            return (values[0]
                    + {}["missing"])
        try:
            return f(n - 1)
        finally:
            values.append(
                n)

    def g():
        for value in h():
            pass

    def h():
        yield 1
        raise ValueError(
            "in a generator")

    async def a():
        async with object():
            pass
    """


def trace(function: Callable[..., object], *arguments: object) -> list[tuple[object, ...]]:
    if inspect.iscoroutinefunction(function):
        function = function(*arguments).send
        arguments = (None,)
    with pytest.raises((KeyError, ValueError, TypeError)) as raised:
        function(*arguments)
    summary = traceback.extract_tb(raised.tb)[1:]
    return [(f.name, f.lineno, f.end_lineno, f.colno, f.end_colno) for f in summary]


@pytest.mark.parametrize(("name", "arguments"), [("f", (0,)), ("f", (3,)), ("g", ()), ("a", ())])
def test_tracebacks_have_the_same_lines_and_columns(
    name: str, arguments: tuple[object, ...]
) -> None:
    woven = Woven(RAISES)
    plain: dict[str, Any] = {"__name__": "woven"}
    exec(woven.plain, plain)

    assert trace(woven[name], *arguments) == trace(plain[name], *arguments)


def functions_in(code: CodeType) -> list[CodeType]:
    inner = [constant for constant in code.co_consts if isinstance(constant, CodeType)]
    return [code, *(deep for one in inner for deep in functions_in(one))]


def lines_of(code: CodeType) -> list[int]:
    """Return the lines of `code` in order; a line of several ranges counts once."""
    return [line for line, _ in itertools.groupby(line for *_, line in code.co_lines() if line)]


@pytest.mark.parametrize(
    "module", ["argparse", "ast", "asyncio.tasks", "dataclasses", "inspect", "typing", "tarfile"]
)
def test_positions_in_real_modules_are_kept(module: str) -> None:
    __import__(module)
    source = inspect.getsource(sys.modules[module])
    plain = compile(source, module, "exec")
    woven = probes.Probes().instrument(plain, lambda _: 0)

    for before, after in zip(functions_in(plain), functions_in(woven), strict=True):
        positions = [position for position in after.co_positions() if position != (None,) * 4]
        expected = [position for position in before.co_positions() if position != (None,) * 4]
        assert positions == expected
        assert lines_of(after) == lines_of(before)


def lines_seen(names: dict[str, Any]) -> list[tuple[str, str, int]]:
    seen: list[tuple[str, str, int]] = []

    def tracer(frame: Any, event: str, _argument: object) -> Any:
        if frame.f_code.co_filename == "woven.py":
            seen.append((frame.f_code.co_name, event, frame.f_lineno))
        return tracer

    before = sys.gettrace()
    sys.settrace(tracer)
    try:
        with contextlib.suppress(KeyError):
            names["f"](2)
        with contextlib.suppress(ValueError):
            names["g"]()
        names["one_line"](3)
    finally:
        sys.settrace(before)
    return seen


def test_lines_seen_by_a_tracer_are_the_same() -> None:
    source = textwrap.dedent(RAISES) + "def one_line(n): return n and one_line(n - 1)\n"
    woven = Woven(source)
    plain: dict[str, Any] = {"__name__": "woven"}
    exec(woven.plain, plain)

    seen = lines_seen(plain)
    assert {name for name, _, _ in seen} == {"f", "g", "h", "one_line"}
    assert lines_seen(woven.names) == seen
