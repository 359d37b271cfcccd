"""A test goes stale when import-time code that it rests on has changed, whoever ran it first."""

from __future__ import annotations

from .harness import Project
from .stories import Story, removing, replacing, stories, writing

TEST = "from mod import VALUE\ndef test_it(): assert VALUE == 1"
EARLIER = "import mod\ndef test_earlier(): assert mod"


@stories(
    Story(
        "a constant",
        {"mod.py": "VALUE = 1", "test_it.py": TEST},
        replacing("mod.py", "1", "2"),
        "import-time code of mod.py (`VALUE = 2`)",
    ),
    Story(
        "a constant that a function reads",
        {
            "mod.py": "VALUE = 1\ndef f(): return VALUE",
            "test_it.py": "from mod import f\ndef test_it(): assert f() == 1",
        },
        replacing("mod.py", "= 1", "= 2"),
        "import-time code of mod.py",
    ),
    Story(
        "a class attribute",
        {
            "mod.py": "class C:\n    value = 1\nVALUE = C().value",
            "test_it.py": TEST,
        },
        replacing("mod.py", "value = 1", "value = 2"),
        "import-time code of mod.py",
    ),
    Story(
        "a base class",
        {
            "mod.py": """
                class A:
                    value = 1
                class B:
                    value = 2
                class C(A):
                    pass
                """,
            "test_it.py": "from mod import C\ndef test_it(): assert C.value == 1",
        },
        replacing("mod.py", "C(A)", "C(B)"),
        "import-time code of mod.py",
    ),
    Story(
        "a decorator taken away",
        {
            "mod.py": "def add(f):\n    return lambda: f() + 1\n@add\ndef f():\n    return 0",
            "test_it.py": "from mod import f\ndef test_it(): assert f() == 1",
        },
        replacing("mod.py", "@add\n", ""),
        "mod.py",
    ),
    Story(
        "a lambda",
        {
            "mod.py": "f = lambda: 1",
            "test_it.py": "from mod import f\ndef test_it(): assert f() == 1",
        },
        replacing("mod.py", "1", "2"),
        "import-time code of mod.py",
    ),
    Story(
        "a function called at import time",
        {"mod.py": "def f():\n    return 1\nVALUE = f()", "test_it.py": TEST},
        replacing("mod.py", "return 1", "return 2"),
        "function mod.py::f",
    ),
    Story(
        "another module's function called at import time",
        {
            "deep.py": "def f():\n    return 1",
            "mod.py": "from deep import f\nVALUE = f()",
            "test_it.py": TEST,
        },
        replacing("deep.py", "1", "2"),
        "function deep.py::f",
    ),
    Story(
        "a transitively imported module",
        {
            "deepest.py": "VALUE = 1",
            "deep.py": "from deepest import *",
            "mod.py": "import deep\nVALUE = deep.VALUE",
            "test_it.py": TEST,
        },
        replacing("deepest.py", "1", "2"),
        "import-time code of deepest.py",
    ),
    Story(
        "a package's __init__",
        {
            "pkg/__init__.py": "VALUE = 1",
            "pkg/mod.py": "from . import VALUE",
            "test_it.py": "from pkg.mod import VALUE\ndef test_it(): assert VALUE == 1",
        },
        replacing("pkg/__init__.py", "1", "2"),
        "import-time code of pkg/__init__.py",
    ),
    Story(
        "a module that another test imported before",
        {"mod.py": "VALUE = 1", "test_a_earlier.py": EARLIER, "test_it.py": TEST},
        replacing("mod.py", "1", "2"),
        "import-time code of mod.py",
    ),
    Story(
        "a module that another test imported before, imported in the test",
        {
            "mod.py": "VALUE = 1",
            "test_a_earlier.py": EARLIER,
            "test_it.py": "def test_it():\n    import mod\n    assert mod.VALUE == 1",
        },
        replacing("mod.py", "1", "2"),
        "import-time code of mod.py",
    ),
    Story(
        "a module imported by name",
        {
            "mod.py": "VALUE = 1",
            "test_a_earlier.py": EARLIER,
            "test_it.py": """
                import importlib
                def test_it(): assert importlib.import_module("mod").VALUE == 1
                """,
        },
        replacing("mod.py", "1", "2"),
        "import-time code of mod.py",
    ),
    Story(
        "a module reached through sys.modules",
        {
            "mod.py": "VALUE = 1",
            "test_a_earlier.py": EARLIER,
            "test_it.py": "import sys\ndef test_it(): assert sys.modules['mod'].VALUE == 1",
        },
        replacing("mod.py", "1", "2"),
        "import-time code of mod.py",
    ),
    Story(
        "the order of definitions, where a test looks at it",
        {
            "mod.py": "def a(): pass\ndef b(): pass\n",
            "test_it.py": """
                import mod
                def test_it(): assert [name for name in vars(mod) if len(name) == 1] == ["a", "b"]
                """,
        },
        writing("mod.py", "def b(): pass\ndef a(): pass\n"),
        "order of definitions in mod.py",
    ),
    Story(
        "the order of definitions, where a method looks at it by way of its class",
        {
            "mod.py": """
                class Thing:
                    def a(self): pass
                    def b(self): pass
                    def names(self): return [n for n in type(self).__dict__ if len(n) == 1]
                """,
            "test_it.py": """
                import mod
                def test_it(): assert mod.Thing().names() == ["a", "b"]
                """,
        },
        writing(
            "mod.py",
            """
            class Thing:
                def b(self): pass
                def a(self): pass
                def names(self): return [n for n in type(self).__dict__ if len(n) == 1]
            """,
        ),
        "order of definitions in mod.py",
    ),
    Story(
        "the order of definitions, where a class looks at itself",
        {
            "mod.py": """
                class Named(type):
                    def names(self): return [n for n in self.__dict__ if len(n) == 1]
                """,
            "thing.py": """
                import mod
                class Thing(metaclass=mod.Named):
                    def a(self): pass
                    def b(self): pass
                """,
            "test_it.py": """
                import thing
                def test_it(): assert thing.Thing.names() == ["a", "b"]
                """,
        },
        writing(
            "thing.py",
            """
            import mod
            class Thing(metaclass=mod.Named):
                def b(self): pass
                def a(self): pass
            """,
        ),
        "thing.py",
    ),
    Story(
        "an optional import that appears",
        {
            "mod.py": """
                try:
                    import speedups
                    VALUE = 2
                except ImportError:
                    VALUE = 1
                """,
            "test_it.py": TEST,
        },
        writing("speedups.py", ""),
        "module speedups, absent before,",
        spares_bystanders=False,
    ),
    Story(
        "an optional import that goes",
        {
            "speedups.py": "",
            "mod.py": """
                try:
                    import speedups
                    VALUE = 1
                except ImportError:
                    VALUE = 2
                """,
            "test_it.py": TEST,
        },
        removing("speedups.py"),
        "speedups",
    ),
    Story(
        "a module that appears nearer on the path",
        {
            "pytest.ini": "[pytest]\npythonpath = near far",
            "near/readme.txt": "",
            "far/mod.py": "VALUE = 1",
            "test_it.py": TEST,
        },
        writing("near/mod.py", "VALUE = 2"),
        "place of module mod",
        spares_bystanders=False,
    ),
    Story(
        "a module of the standard library that gets hidden",
        {"test_it.py": "import colorsys\ndef test_it(): assert colorsys.rgb_to_hsv(0, 0, 0)"},
        writing("colorsys.py", "def rgb_to_hsv(*rgb): return None"),
        "module colorsys",
        spares_bystanders=False,
    ),
    Story(
        "parameters from another module",
        {
            "cases.py": "CASES = [1]",
            "test_it.py": """
                import pytest
                from cases import CASES
                @pytest.mark.parametrize("case", CASES, ids=["one"])
                def test_it(case): assert case == 1
                """,
        },
        replacing("cases.py", "1", "2"),
        "import-time code of cases.py",
        target="test_it.py::test_it[one]",
    ),
)
def test_goes_stale(project: Project, story: Story) -> None:
    story.tell(project)
