"""A test goes stale when a function that it ran has changed."""

from __future__ import annotations

from .harness import Project
from .stories import Story, replacing, stories

TEST = "from mod import f\ndef test_it(): assert f() == 1"


@stories(
    Story(
        "the test itself",
        {"test_it.py": "def test_it():\n    assert 1 == 1"},
        replacing("test_it.py", "1 == 1", "1 == 2"),
        "function test_it.py::test_it",
    ),
    Story(
        "a callee",
        {"mod.py": "def f():\n    return 1", "test_it.py": TEST},
        replacing("mod.py", "1", "2"),
        "function mod.py::f",
    ),
    Story(
        "a callee's callee",
        {
            "mod.py": "from deep import g\ndef f(): return g()",
            "deep.py": "def g():\n    return 1",
            "test_it.py": TEST,
        },
        replacing("deep.py", "1", "2"),
        "function deep.py::g",
    ),
    Story(
        "a method",
        {
            "mod.py": "class C:\n    def m(self):\n        return 1\ndef f(): return C().m()",
            "test_it.py": TEST,
        },
        replacing("mod.py", "return 1", "return 2"),
        "function mod.py::C.m",
    ),
    Story(
        "an inherited method",
        {
            "base.py": "class Base:\n    def m(self):\n        return 1",
            "mod.py": "from base import Base\nclass C(Base): pass\ndef f(): return C().m()",
            "test_it.py": TEST,
        },
        replacing("base.py", "1", "2"),
        "function base.py::Base.m",
    ),
    Story(
        "a property",
        {
            "mod.py": """
                class C:
                    @property
                    def p(self):
                        return 1
                def f(): return C().p
                """,
            "test_it.py": TEST,
        },
        replacing("mod.py", "return 1", "return 2"),
        "function mod.py::C.p",
    ),
    Story(
        "a nested function",
        {
            "mod.py": "def f():\n    def inner():\n        return 1\n    return inner()",
            "test_it.py": TEST,
        },
        replacing("mod.py", "return 1", "return 2"),
        "function mod.py::f",
    ),
    Story(
        "a closure made at import time",
        {
            "mod.py": "def make():\n    def g():\n        return 1\n    return g\nf = make()",
            "test_it.py": TEST,
        },
        replacing("mod.py", "return 1", "return 2"),
        "function mod.py::make",
    ),
    Story(
        "a decorator's wrapper",
        {
            "deco.py": """
                import functools
                def deco(f):
                    @functools.wraps(f)
                    def wrapper(*args):
                        return f(*args)
                    return wrapper
                """,
            "mod.py": "from deco import deco\n@deco\ndef f(): return 1",
            "test_it.py": TEST,
        },
        replacing("deco.py", "return f(*args)", "return f(*args) + 1"),
        "function deco.py::deco",
    ),
    Story(
        "a decorated function",
        {
            "mod.py": "import functools\n@functools.cache\ndef f():\n    return 1",
            "test_it.py": TEST,
        },
        replacing("mod.py", "return 1", "return 2"),
        "function mod.py::f",
    ),
    Story(
        "a generator",
        {
            "mod.py": "def g():\n    yield 0\n    yield 1\ndef f(): return max(g())",
            "test_it.py": TEST,
        },
        replacing("mod.py", "yield 1", "yield 2"),
        "function mod.py::g",
    ),
    Story(
        "a coroutine",
        {
            "mod.py": """
                import asyncio
                async def answer():
                    return 1
                def f(): return asyncio.run(answer())
                """,
            "test_it.py": TEST,
        },
        replacing("mod.py", "return 1", "return 2"),
        "function mod.py::answer",
    ),
    Story(
        "a function run in a thread",
        {
            "mod.py": """
                from concurrent.futures import ThreadPoolExecutor
                def g():
                    return 1
                def f():
                    with ThreadPoolExecutor(1) as pool:
                        return pool.submit(g).result()
                """,
            "test_it.py": TEST,
        },
        replacing("mod.py", "return 1", "return 2"),
        "function mod.py::g",
    ),
    Story(
        "a function called by the standard library",
        {
            "mod.py": "def key(x):\n    return x\ndef f(): return sorted([2, 1], key=key)[0]",
            "test_it.py": TEST,
        },
        replacing("mod.py", "return x", "return -x"),
        "function mod.py::key",
    ),
    Story(
        "a function that raised",
        {
            "mod.py": """
                def g():
                    raise KeyError
                def f():
                    try:
                        g()
                    except KeyError:
                        return 1
                """,
            "test_it.py": TEST,
        },
        replacing("mod.py", "raise KeyError", "return 2"),
        "function mod.py::g",
    ),
    Story(
        "a finalizer",
        {
            "mod.py": """
                log = []
                class C:
                    def __del__(self):
                        log.append(1)
                def f():
                    C()
                    return log[-1]
                """,
            "test_it.py": TEST,
        },
        replacing("mod.py", "append(1)", "append(2)"),
        "function mod.py::C.__del__",
    ),
    Story(
        "a default value",
        {"mod.py": "def f(x=1): return x", "test_it.py": TEST},
        replacing("mod.py", "x=1", "x=2"),
        "mod.py",
    ),
    Story(
        "a docstring that the test reads",
        {
            "mod.py": "def f():\n    'one'",
            "test_it.py": "from mod import f\ndef test_it(): assert f.__doc__ == 'one'",
        },
        replacing("mod.py", "one", "two"),
        "mod.py",
    ),
    Story(
        "source text that the test reads",
        {
            "mod.py": "def f():\n    return 1  # one",
            "test_it.py": """
                import inspect, mod
                def test_it(): assert "one" in inspect.getsource(mod.f)
                """,
        },
        replacing("mod.py", "# one", "# two"),
        "mod.py",
    ),
)
def test_goes_stale(project: Project, story: Story) -> None:
    story.tell(project)


def test_a_function_that_two_tests_share_is_credited_to_both(project: Project) -> None:
    before = project.write(
        {
            "mod.py": "def shared():\n    return 1\ndef mine(): return 1",
            "test_it.py": """
                import mod
                def test_a(): assert mod.shared()
                def test_b(): assert mod.shared()
                def test_c(): assert mod.mine()
                """,
        }
    )
    before.run("--cachekit")
    after = before.replace("mod.py", "    return 1", "    return 2").run("--cachekit")

    assert list(after.verdicts.values()) == ["stale", "stale", "hit"]


def test_a_sibling_outside_of_the_root_is_followed_wherever_the_checkout_lies(
    project: Project,
) -> None:
    before = project.ini("pythonpath = ../sibling").write(
        {
            "../sibling/mod.py": "LIMIT = 1\ndef f():\n    return LIMIT",
            "test_it.py": TEST + "\ndef test_other(): pass",
        }
    )
    body = before.replace("../sibling/mod.py", "return LIMIT", "return LIMIT + 1")
    constant = before.replace("../sibling/mod.py", "LIMIT = 1", "LIMIT = 2")
    before.run("--cachekit")

    for after in (body, constant):
        run = after.run("--cachekit")
        assert run.verdicts == {"test_it.py::test_it": "stale", "test_it.py::test_other": "hit"}
        assert run.outcomes["test_it.py::test_it"] == "failed"
    assert set(before.run("--cachekit").verdicts.values()) == {"hit"}
