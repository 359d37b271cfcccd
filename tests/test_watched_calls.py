"""Who reads a memo rests on what ran while it was filled, not on all that fillers could call."""

from __future__ import annotations

import gc
import pickle
import weakref
from types import CodeType
from typing import Any

import pytest

from pytest_cachekit.inputs.tracing import probes

from .harness import Project
from .woven import needs_probes

CALC = """
    def parse(text):
        return clean(text).split()
    def clean(text):
        return text.strip()
    def far(text):
        return clean(text)
    """
READER = "from pkg.{0} import get\ndef test_b():\n    assert get() == ['a', 'b']\n"
FILLS = {
    "a_global": """
        from pkg.calc import parse
        _words = None
        def get():
            global _words
            if _words is None:
                _words = parse(" a b ")
            return _words
        """,
    "a_class": """
        from pkg.calc import parse
        class Words:
            _only = None
            @classmethod
            def only(cls):
                if cls._only is None:
                    cls._only = cls()
                return cls._only
            def __init__(self):
                self.words = parse(" a b ")
        def get():
            return Words.only().words
        """,
    "a_table": """
        from pkg.calc import parse
        _known = {}
        def words(text):
            if text not in _known:
                _known[text] = parse(text)
            return _known[text]
        def get():
            return words(" a b ")
        """,
    "a_decorator": """
        from functools import lru_cache
        from pkg.calc import parse
        @lru_cache
        def get():
            return parse(" a b ")
        """,
}


def filled(project: Project, how: str) -> Project:
    # Who fills it also calls what has nothing to do with it, under names that the fillers use.
    return project.write(
        {
            "pkg/__init__.py": "",
            "pkg/calc.py": CALC,
            f"pkg/{how}.py": FILLS[how],
            "pkg/other.py": "class Other:\n    def split(self):\n        return 1\n",
            "test_a.py": f"""
                from pkg.{how} import get
                from pkg.calc import far
                from pkg.other import Other
                def test_a():
                    assert get() and far("x") and Other().split()
                """,
            "test_b.py": READER.format(how),
        }
    )


@needs_probes
@pytest.mark.parametrize("how", FILLS)
def test_what_filled_a_memo_reruns_who_reads_it(project: Project, how: str) -> None:
    project = filled(project, how)
    project.run("--cachekit")

    run = project.replace("pkg/calc.py", "clean(text).split()", "clean(text).split('z')").run(
        "--cachekit"
    )

    assert run.verdicts == {"test_a.py::test_a": "stale", "test_b.py::test_b": "stale"}
    assert run.counts == {"passed": 1, "failed": 1}


@needs_probes
@pytest.mark.parametrize("how", ["a_global", "a_class", "a_table"])
@pytest.mark.parametrize(
    ("path", "old", "new"),
    [("pkg/calc.py", "return clean(text)\n", "return clean(text) + ''\n"),
     ("pkg/other.py", "return 1", "return 2")],
)  # fmt: skip
def test_what_else_ran_beside_does_not(
    project: Project, how: str, path: str, old: str, new: str
) -> None:
    project = filled(project, how)
    project.run("--cachekit")

    run = project.replace(path, old, new).run("--cachekit")

    assert run.verdicts == {"test_a.py::test_a": "stale", "test_b.py::test_b": "hit"}


CONFIG = """
    class Config:
        level = "low"
    CONFIG = Config()
    def configure(level):
        CONFIG.level = check(level)
    def check(level):
        return level
    def level():
        return CONFIG.level
    """


@needs_probes
def test_who_leaves_a_setting_as_it_was_is_nothing_that_others_rest_on(project: Project) -> None:
    project = project.write(
        {
            "config.py": CONFIG,
            "values.py": "def computed():\n    return 'high'\n",
            "test_a.py": """
                import pytest
                from config import configure, level
                from values import computed
                def test_first():
                    configure("low")
                @pytest.fixture
                def high():
                    configure(computed())
                    yield
                    configure("low")
                def test_high(high):
                    assert level()
                """,
            "test_b.py": "from config import level\ndef test_low():\n    assert level() == 'low'\n",
        }
    )
    project.run("--cachekit")

    run = project.replace("values.py", "'high'", "'higher'").run("--cachekit")

    assert run.verdicts["test_a.py::test_high"] == "stale"
    assert run.verdicts["test_b.py::test_low"] == "hit"


class _Extent:
    def __init__(self, log: list[str], name: str) -> None:
        self._log, self._name = log, name

    def __del__(self) -> None:
        self._log.append(f"/{self._name}")


def watched(source: str) -> tuple[dict[str, Any], list[str]]:
    """Return the names of a module whose functions are watched, and what is noted of them."""
    log: list[str] = []

    def watch(code: CodeType, _unit: int) -> Any:
        def begin() -> _Extent:
            log.append(code.co_name)
            return _Extent(log, code.co_name)

        return begin

    code = compile(source, "watched.py", "exec")
    names: dict[str, Any] = {}
    exec(probes.Probes().instrument(code, lambda _: 0, watch), names)
    return names, log


CALLS = """
def plain(x):
    return x + 1
def handled(x):
    try:
        return 1 / x
    except ZeroDivisionError:
        return 7
def much():
    for x in (1, 2):
        try:
            raise KeyError(x)
        except KeyError as error:
            with open("/dev/null"):
                y = [str(error) for _ in (1, 2)]
    return y
def twice():
    return plain(1) + plain(2)
def again(n):
    return n and again(n - 1)
def shares():
    a = 1
    def inner():
        nonlocal a
        a += 1
        return a
    return inner()
def fails():
    raise KeyError
def passes_on():
    try:
        fails()
    finally:
        pass
def catches():
    try:
        passes_on()
    except KeyError:
        return 1
def generator():
    yield 1
def consumes():
    return list(generator())
class Base:
    def method(self, *a, k=1, **kw):
        return super().__repr__()
"""


@needs_probes
@pytest.mark.parametrize(
    ("call", "expected"),
    [
        ("plain(1)", "plain /plain"),
        ("handled(0)", "handled /handled"),
        ("much()", "much /much"),
        ("twice()", "twice plain /plain plain /plain /twice"),
        ("again(1)", "again again /again /again"),
        ("shares()", "shares inner /inner /shares"),
        ("catches()", "catches passes_on fails /fails /passes_on /catches"),
        ("consumes()", "consumes /consumes"),
        ("Base().method(1, z=2)", "method /method"),
    ],
)
def test_a_watched_call_lasts_from_its_beginning_until_its_frame_goes(
    call: str, expected: str
) -> None:
    names, log = watched(CALLS)
    plain: dict[str, Any] = {}
    exec(CALLS, plain)

    for _ in range(100):
        assert type(eval(call, names)) is type(eval(call, plain))

    assert log == expected.split() * 100


@needs_probes
def test_a_watched_function_keeps_no_argument_alive() -> None:
    names, _ = watched("def f(x):\n    y = [x]\n    raise KeyError")
    given = {1, 2}
    seen = weakref.ref(given)

    with pytest.raises(KeyError):
        names["f"](given)
    del given
    gc.collect()

    assert seen() is None


@needs_probes
def test_a_watched_function_is_pickled_by_value_without_who_watches(project: Project) -> None:
    from pytest_cachekit.inputs.tracing.extents import Extents

    extents = Extents(lambda: None, lambda _: None, lambda: None)
    code = compile("x = 0\ndef f():\n    global x\n    x = 1\n", "m.py", "exec")
    extents.in_module(code)
    watching = extents.watch(code.co_consts[1], 0)

    assert watching is not None
    assert pickle.loads(pickle.dumps(watching))() is None
