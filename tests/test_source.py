"""What `compare` calls a change: of a function, of import-time code, or none."""

from __future__ import annotations

import textwrap

import pytest

from pytest_cachekit.inputs import source
from pytest_cachekit.inputs.source import SourceChange
from pytest_cachekit.inputs.version import Forms, Version

BASE = '''
    """A module."""
    import os
    from typing import overload

    LIMIT = 10

    def plain(x, y=1):
        """Add."""
        return x + y

    async def waits():
        return 1

    class Thing(object):
        size = 1

        def method(self):
            return self.size

        @property
        def double(self):
            def inner():
                return 2
            return inner() * self.size

    if LIMIT > 5:
        def chosen():
            return "large"
    else:
        def chosen():
            return "small"

    THING = Thing()
    '''


def encoded(text: str) -> bytes:
    return textwrap.dedent(text).lstrip().encode()


def compare(old: bytes, new: bytes) -> SourceChange:
    forms: Forms = {}
    return source.compare(Version(old, forms), Version(new, forms))


def changed(old: str, new: str, text: str = BASE) -> SourceChange:
    """Compare `text` with itself after one replacement."""
    assert text.count(old) == 1, f"{old!r} occurs {text.count(old)} times"
    return compare(encoded(text), encoded(text.replace(old, new)))


def functions(change: SourceChange) -> set[str]:
    return set(change.functions.values())


def test_nothing_changed() -> None:
    assert compare(encoded(BASE), encoded(BASE)) == SourceChange()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("LIMIT = 10", "LIMIT = 10  # the limit"),
        ("LIMIT = 10", "# the limit\n    LIMIT = 10"),
        ("LIMIT = 10", "\n\n    LIMIT  =  0xA"),
        ("return x + y", "return (x + y)"),
        ("return x + y", "# why\n        return x + y"),
        ('"large"', "'large'"),
        ("def plain(x, y=1):", "def plain(\n        x,\n        y=1,\n    ):"),
        ("class Thing(object):", "class Thing(\n        object\n    ):"),
    ],
)
def test_layout_and_comments_are_no_change(old: str, new: str) -> None:
    assert changed(old, new) == SourceChange()


@pytest.mark.parametrize(
    ("old", "new", "name"),
    [
        ("return x + y", "return x - y", "plain"),
        ("async def waits():\n        return 1", "async def waits():\n        return 2", "waits"),
        ("return self.size", "return -self.size", "Thing.method"),
        ("return inner() *", "return inner() +", "Thing.double"),
        ("return 2", "return 3", "Thing.double"),
        ('"large"', '"LARGE"', "chosen"),
        ('"small"', '"SMALL"', "chosen#2"),
    ],
    ids=["function", "coroutine", "method", "property", "nested", "if", "else"],
)
def test_a_changed_body_changes_its_function_alone(old: str, new: str, name: str) -> None:
    change = changed(old, new)

    assert functions(change) == {name}
    assert change.import_time is None


@pytest.mark.parametrize(
    ("old", "new", "label"),
    [
        ("LIMIT = 10", "LIMIT = 11", "`LIMIT = 11`"),
        ("LIMIT = 10\n", "LIMIT = 10\n    MORE = 1\n", "`MORE = 1`"),
        ("    LIMIT = 10\n", "", "`LIMIT = 10`"),
        ("import os\n", "import os, sys\n", "`import os, sys`"),
        ("size = 1", "size = 2", "`size = 2`"),
        ("class Thing(object)", "class Thing(dict)", "class Thing"),
        ("LIMIT > 5", "LIMIT > 6", None),
        ("Thing()\n", "Thing\n", "`THING = Thing`"),
        ('"""A module."""', '"""The module."""', None),
        ("@property\n        ", "", "the signature of Thing.double"),
        ("y=1", "y=2", "the signature of plain"),
        ("def plain(x", "def plain(x: int", "the signature of plain"),
        ('"""Add."""', '"""Sum."""', "the signature of plain"),
        ("async def waits", "def waits", "the signature of waits"),
    ],
)
def test_import_time_code_is_named_by_what_differs(old: str, new: str, label: str | None) -> None:
    change = changed(old, new)

    assert change.import_time is not None
    assert label is None or change.import_time == label


def test_a_new_function_is_import_time_code() -> None:
    change = changed("    LIMIT = 10\n", "    LIMIT = 10\n    def more(): pass\n")

    assert change.import_time == "the signature of more"
    assert not change.functions


def test_a_renamed_function_is_gone() -> None:
    change = changed("def plain", "def fancy")

    assert functions(change) == {"plain"}
    assert change.import_time is not None


def test_a_function_becomes_a_generator() -> None:
    change = changed("return x + y", "yield x + y")

    assert functions(change) == {"plain"}
    assert change.import_time == "the signature of plain"


def test_functions_are_found_by_their_first_line_in_the_old_version() -> None:
    old = encoded("# one\n@decorator\n@other\ndef f():\n    return 1\n\ndef g(): return 1\n")
    new = encoded("@decorator\n@other\ndef f():\n    return 2\ndef g(): return 2\n")

    assert compare(old, new).functions == {2: "f", 7: "g"}


MOVABLE = """
    import functools

    def first():
        return 1

    def second():
        return 2

    class Thing:
        def one(self): pass
        def two(self): pass
    """


@pytest.mark.parametrize(
    "text",
    [
        """
        import functools

        def second():
            return 2

        def first():
            return 1

        class Thing:
            def two(self): pass
            def one(self): pass
        """,
        """
        def first():
            return 1

        import functools

        class Thing:
            def one(self): pass
            def two(self): pass

        def second():
            return 2
        """,
    ],
    ids=["swapped", "around statements"],
)
def test_the_order_of_plain_definitions_matters_to_reflection_alone(text: str) -> None:
    change = compare(encoded(MOVABLE), encoded(text))

    assert change == SourceChange(import_time=None, order=True, functions={})


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("a = 1\na = 2\n", "a = 2\na = 1\n"),
        ("def f(): return 1\nx = f()\n", "x = f()\ndef f(): return 1\n"),
        ("def f(): return 1\ndef f(): return 2\n", "def f(): return 2\ndef f(): return 1\n"),
        ("def f(): pass\nf = None\n", "f = None\ndef f(): pass\n"),
        ("@register\ndef a(): pass\n@register\ndef b(): pass\n",
         "@register\ndef b(): pass\n@register\ndef a(): pass\n"),
        ("def f(): pass\nimport other\n", "import other\ndef f(x): pass\n"),
        ("class C:\n    def f(self): pass\n    g = f\n",
         "class C:\n    g = f\n    def f(self): pass\n"),
        ("def f(x=[]): pass\ny = 1\n", "y = 1\ndef f(x=[1]): pass\n"),
    ],
    ids=["rebound", "called", "defined twice", "then bound", "registered", "signature", "aliased",
         "default"],
)  # fmt: skip
def test_an_order_that_code_could_notice_matters(old: str, new: str) -> None:
    change = compare(old.encode(), new.encode())

    assert change.import_time is not None or change.functions


@pytest.mark.parametrize(
    ("old", "new"),
    [(b"def f(: pass", b"def f(): pass"), (b"def f(): pass", b"def f(: pass"), (b"\0", b"x = 1")],
    ids=["old", "new", "null byte"],
)
def test_what_is_not_python_is_a_change_of_everything(old: bytes, new: bytes) -> None:
    change = compare(old, new)

    assert change.import_time == "it isn't valid Python"
    assert functions(change) in (set(), {"f"})


def test_encodings_are_understood() -> None:
    old = "# coding: latin-1\nNAME = 'Zoë'\n".encode("latin-1")
    new = "# -*- coding: utf-8 -*-\nNAME = 'Zoë'\n".encode()

    assert compare(old, new) == SourceChange()
    assert compare(old, new.replace(b"Zo", b"Xo")).import_time == "`NAME = 'Xoë'`"
