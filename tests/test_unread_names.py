"""What isn't run, and what is only kept, names nothing: blocks for type checkers, annotations."""

from __future__ import annotations

import pytest

from .harness import Project
from .stories import IT, Story, replacing, stories

MODULE = """
    from __future__ import annotations
    from collections.abc import MutableSequence
    from typing import TYPE_CHECKING, TypedDict, overload
    import typing as t

    from other import Table, make

    if TYPE_CHECKING:
        from typing import Protocol
        class Encoder(Protocol):
            def __call__(self, table: Table) -> int: ...
    if t.TYPE_CHECKING:
        P = t.ParamSpec("P", bound=Table)

    @overload
    def f(x: int) -> int: ...
    @overload
    def f(x: str) -> Table: ...
    def f(x):
        return x

    HELD: dict[str, Table] = make()

    class Row(MutableSequence):
        def __init__(self): self.held = []
        def __getitem__(self, index): return self.held[index]
        def __setitem__(self, index, value): self.held[index] = value
        def __delitem__(self, index): del self.held[index]
        def __len__(self): return len(self.held)
        def insert(self, index, value): self.held.insert(index, value)
        def shelve(self): return self
    """
OTHER = """
    class Table(dict):
        size = 1

    def make():
        return {}
    """
TEST = """
    from mod import HELD, Row, f

    def test_it():
        row = Row()
        row.append(f(1))
        assert (row.pop(), HELD) == (1, {})
    """


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("mod.py", "int: ...\n    if t.", "int: ...\n        from no_such import more\n    if t."),
        ("other.py", "size = 1", "size = 2\n        def __or__(self, other): return other"),
        ("mod.py", "def insert", "def shade_of_it(self): return 1\n        def insert"),
        ("other.py", "def make", "def shelve(x): return x\n\n    def make"),
    ],
    ids=["in a block", "in annotations", "method of a sequence", "named as a method"],
)
def test_it_is_not_noticed(project: Project, name: str, old: str, new: str) -> None:
    before = project.write({"mod.py": MODULE, "other.py": OTHER, "test_it.py": TEST})
    assert before.run("--cachekit").outcomes == {IT: "passed"}

    old, new = (text.replace("\n    ", "\n") for text in (old, new))
    run = before.replace(name, old, new).run("--cachekit")
    assert run.verdicts == {IT: "hit"}, run.reasons


def story(title: str, module: str, test: str, old: str, new: str, because: str) -> Story:
    files = {"mod.py": module, "test_it.py": test}
    return Story(title, files, replacing("mod.py", old, new), because)


FLAGGED = """
    import typing as t
    if t.TYPE_CHECKING:
        LIMIT = 1
    else:
        LIMIT = 0
    """


@stories(
    story(
        "a block that a test has run",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    LIMIT = 1",
        """
        import importlib, mod
        def test_it(monkeypatch):
            monkeypatch.setattr("typing.TYPE_CHECKING", True)
            assert importlib.reload(mod).LIMIT == 1
        """,
        "LIMIT = 1", "LIMIT = 2", "names TYPE_CHECKING",
    ),
    Story(
        "a block that a conftest has run",
        {
            "conftest.py": "import typing\ntyping.TYPE_CHECKING = True\nimport mod\n"
            "typing.TYPE_CHECKING = False\n",
            "mod.py": FLAGGED,
            "test_it.py": "import mod\ndef test_it(): assert mod.LIMIT == 1",
        },
        replacing("mod.py", "LIMIT = 1", "LIMIT = 2"),
        "TYPE_CHECKING may have been set",
        spares_bystanders=False,
    ),
    story(
        "a constant that only looks like the flag",
        "TYPE_CHECKING = True\nif TYPE_CHECKING:\n    LIMIT = 1",
        "import mod\ndef test_it(): assert mod.LIMIT == 1",
        "G = True", "G = False", "names LIMIT",
    ),
    story(
        "an annotation that a signature shows",
        "Alias = int\ndef f(x: Alias): return x\nTABLE = [f]",
        """
        from inspect import signature
        from mod import TABLE
        def test_it(): assert str(signature(TABLE[0])) == "(x: int)"
        """,
        "Alias = int", "Alias = str", "names TABLE",
    ),
    story(
        "an annotation that a decorator reads",
        """
        def convert(f): return lambda x: f.__annotations__["x"](x)
        Alias = int
        @convert
        def f(x: Alias): return x
        """,
        "from mod import f\ndef test_it(): assert f(1) == 1",
        "Alias = int", "Alias = str", "names Alias",
    ),
    story(
        "what is called like something that reflects",
        "locals = 1\ndef f(): return locals",
        "from mod import f\ndef test_it(): assert f() == 1",
        "= 1", "= 2", "names something called locals",
    ),
    story(
        "a method that becomes abstract",
        "import abc\nclass Base(abc.ABC):\n    def go(self): return 1",
        "from mod import Base\ndef test_it(): assert Base()",
        "    def go", "    @abc.abstractmethod\n    def go", "names Base",
    ),
)  # fmt: skip
def test_it_is_noticed_where_it_counts(project: Project, story: Story) -> None:
    story.tell(project)
