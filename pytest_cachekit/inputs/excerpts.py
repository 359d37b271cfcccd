"""Excerpts of source files for people: a function's text, and import-time code without bodies."""

from __future__ import annotations

from .version import first_line, functions_of, parse


def function_at(content: bytes, line: int) -> tuple[str, list[str]] | None:
    """Return dotted name and lines of the function that begins on `line`; None where none does."""
    return next(
        ((name, text) for name, start, text in _functions(content) if start == line),
        None,
    )


def function_named(content: bytes, name: str) -> list[str]:
    """Return the lines of the function called `name`; none where there is no such function."""
    return next((text for found, _, text in _functions(content) if found == name), [])


def names_at(content: bytes, lines: frozenset[int]) -> list[str]:
    """Return the dotted names of the functions that begin on one of `lines`, in their order."""
    return [name for name, start, _ in _functions(content) if start in lines]


def import_time_code(content: bytes) -> list[str]:
    """Return the lines of a file without those of functions' bodies; all where it isn't valid."""
    lines = _lines(content)
    tree = parse(content)
    hidden: set[int] = set()
    for _, node in () if tree is None else functions_of(tree):
        hidden.update(range(node.body[0].lineno, (node.end_lineno or 0) + 1))
        hidden.discard(node.lineno)
    return [line for number, line in enumerate(lines, 1) if number not in hidden]


def _functions(content: bytes) -> list[tuple[str, int, list[str]]]:
    tree = parse(content)
    if tree is None:
        return []
    lines = _lines(content)
    return [
        (name, first_line(node), lines[first_line(node) - 1 : node.end_lineno])
        for name, node in functions_of(tree)
    ]


def _lines(content: bytes) -> list[str]:
    return content.decode("utf-8", "replace").splitlines()
