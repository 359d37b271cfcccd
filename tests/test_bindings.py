"""A changed binding of import-time code runs those who can name it; nobody else notices."""

from __future__ import annotations

import sys

import pytest

from .harness import After, Project
from .stories import IT, Story, replacing, side_by_side, stories

MODULE = """
    import os
    from math import pi

    LIMIT = 1
    OTHER = LIMIT

    class Thing:
        size = 1

        def grow(self):
            return self.size + 1

    def make():
        return Thing()

    def unrelated(x=LIMIT):
        return x
    """
TEST = """
    from mod import make, pi

    def test_it():
        assert make().grow() == 2 < pi
    """


def record(project: Project) -> Project:
    project = project.write({"mod.py": MODULE, "test_it.py": TEST})
    assert project.run("--cachekit").outcomes == {IT: "passed"}
    return project


@pytest.fixture
def recorded(after: After) -> Project:
    return after(record)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("LIMIT = 1", "LIMIT = 2"),
        ("OTHER = LIMIT\n", ""),
        ("import os", "import os\nimport json"),
        ("import os\n", ""),
        ("import os", "import os, string"),
        ("from math import pi", "from math import pi, tau"),
        ("OTHER =", "PATTERN = frozenset({1, 2})\nOTHER ="),
        ("size = 1\n", "size = 1\n    shade_of_it = 2\n"),
        ("size = 1\n", "size = 1\n\n    def shade_of_it(self, x=1):\n        return x\n"),
        ("def make", "class More:\n    def __len__(self):\n        return 0\n\ndef make"),
        ("def make", "def more(x, y=2):\n    return x\n\ndef make"),
        ("x=LIMIT", "x=LIMIT, y=3"),
    ],
    ids=[
        "constant", "constant gone", "import", "import gone", "more imported",
        "another name imported", "constant added",
        "attribute added", "method added", "class added", "function added", "signature",
    ],
)  # fmt: skip
def test_what_a_test_can_not_name_it_does_not_notice(recorded: Project, old: str, new: str) -> None:
    assert recorded.replace("mod.py", old, new).run("--cachekit").verdicts == {IT: "hit"}


def test_constant_names_are_all_that_an_attrgetter_gets(project: Project) -> None:
    test = """
        import operator
        from mod import Thing

        SIZE = operator.attrgetter("size")
        GROW = operator.methodcaller("grow")

        def test_it():
            assert (SIZE(Thing()), GROW(Thing())) == (1, 2)
        """
    before = project.write({"mod.py": MODULE, "test_it.py": test})
    before.run("--cachekit")

    more = before.replace("mod.py", "size = 1", "size = 1\n    more_of_it = 2")

    assert more.run("--cachekit").verdicts == {IT: "hit"}
    assert more.replace("mod.py", "size = 1", "size = 2").run("--cachekit").verdicts == {
        IT: "stale"
    }


@pytest.mark.skipif(sys.version_info < (3, 12), reason="type parameters came with Python 3.12")
def test_the_bound_of_a_type_parameter_was_asked_for_by_an_earlier_test(project: Project) -> None:
    test = """
        import mod

        def test_it():
            assert mod.Box.__parameters__[0].__bound__ is int
        """
    before = project.write(
        {
            "kinds.py": "Bound = int",
            "mod.py": "from kinds import Bound\nclass Box[T: Bound]: pass",
            "test_a.py": test,
            "test_b.py": test,
        }
    )
    before.run("--cachekit")

    changed = before.replace("kinds.py", "int", "str").run("--cachekit")

    assert set(changed.outcomes.values()) == {"failed"}


@pytest.mark.parametrize(
    "work",
    [
        "def work(x: Number): return 3",
        "@staticmethod\ndef work(x: Number): return 3",
        "@cache\ndef work() -> Number: return 3",
        "work: Number = 3",
    ],
)
@pytest.mark.parametrize(("dispatches", "verdict"), [(True, "stale"), (False, "hit")])
def test_annotations_matter_where_something_may_read_them(
    project: Project, dispatches: bool, verdict: str, work: str
) -> None:
    test = f"""
        {"from functools import singledispatch" if dispatches else ""}
        from mod import handle

        def test_it():
            assert handle(1) == 2
        """
    before = project.write(
        {
            "kinds.py": "Number = int",
            "base.py": f"from functools import cache\nfrom kinds import Number\n{work}",
            "mod.py": "from base import work\ndef handle(x): return 2 if work else 3",
            "test_it.py": test,
        }
    )
    before.run("--cachekit")

    changed = before.replace("kinds.py", "int", "str").run("--cachekit")

    assert changed.verdicts == {IT: verdict}


def test_annotations_matter_where_they_do_something(project: Project) -> None:
    before = project.write(
        {
            "marks.py": "SEEN = []\ndef mark(x): SEEN.append(x)",
            "kinds.py": "LIMIT = 1",
            "mod.py": """
                from kinds import LIMIT
                from marks import mark

                def work(x: mark(LIMIT)): pass
                """,
            "test_it.py": """
                import mod
                from marks import SEEN

                def test_it():
                    assert SEEN == [1]
                """,
        }
    )
    before.run("--cachekit")

    changed = before.replace("kinds.py", "1", "2").run("--cachekit")

    assert changed.outcomes == {IT: "failed"}


def test_what_is_imported_beside_a_changed_name_is_not_changed(project: Project) -> None:
    test = "from many import grow\ndef test_it(): assert grow() == 2"
    before = project.write(
        {
            "mod.py": "LIMIT = 1\ndef grow(): return 2",
            "many.py": "from mod import LIMIT, grow",
            "test_it.py": test,
        }
    )
    before.run("--cachekit")

    assert before.replace("mod.py", "= 1", "= 3").run("--cachekit").verdicts == {IT: "hit"}
    other = before.write({"other.py": "def grow(): return 5"})
    moved = other.replace("many.py", "LIMIT, grow", "LIMIT\nfrom other import grow")
    assert moved.run("--cachekit").outcomes == {IT: "failed"}


def test_documentation_names_nothing(project: Project) -> None:
    test = """
        import mod

        def test_it():
            'Make a thing with shade_of_it.'
            assert mod.make().grow() == 2
        """
    before = project.write({"mod.py": MODULE, "test_it.py": test})
    before.run("--cachekit")

    more = before.replace("mod.py", "size = 1", "size = 1\n    shade_of_it = 2")

    assert more.run("--cachekit").verdicts == {IT: "hit"}


def test_import_time_code_that_lists_others_notices_nothing(project: Project) -> None:
    listed = (
        "vars(os)", "dir(builtins)", "os.__dict__", "getattr(os, 'pa' + 'th')",
        "logging.LogRecord('n', 0, 'p', 0, 'm', (), None).__dict__",
        "list(globals())", "list(locals())",
    )  # fmt: skip
    imports = "import builtins, logging, os\nimport mod"
    tests = side_by_side(f"{imports}\nx = print({each})\ndef test_it(): pass" for each in listed)
    before = project.write({"mod.py": MODULE, **tests})
    before.run("--cachekit")

    more = before.replace("mod.py", "OTHER =", "SHADE = 2\nOTHER =").run("--cachekit")

    assert list(more.verdicts.values()) == ["hit"] * (len(listed) + 1), more.reasons


def test_a_parameter_is_no_use_of_what_is_called_like_it(project: Project) -> None:
    test = """
        from mod import make

        def of_thing(shade_of_it):
            return shade_of_it.grow()

        def test_it():
            assert of_thing(make()) == 2
        """
    before = project.write({"mod.py": MODULE, "test_it.py": test})
    before.run("--cachekit")

    more = before.replace("mod.py", "size = 1", "size = 1\n    shade_of_it = 2")

    assert more.run("--cachekit").verdicts == {IT: "hit"}


@pytest.mark.parametrize("name", ["typing.Any", "typing.ClassVar[int]", "list[typing.Any] | None"])
def test_an_annotation_only_binds(project: Project, name: str) -> None:
    module = f"import typing\nA = 1\nB: {name} = A\ndef f(x: {name} = A): return x\n"
    before = project.write({"mod.py": module, "test_it.py": "import mod\ndef test_it(): pass\n"})
    before.run("--cachekit")

    assert before.replace("mod.py", "A = 1", "A = 2").run("--cachekit").verdicts == {IT: "hit"}


def test_an_annotation_that_is_a_string_runs_nothing(project: Project) -> None:
    module = "from __future__ import annotations\nA = 1\ndef f(x: missing(A) = A): return x\n"
    before = project.write({"mod.py": module, "test_it.py": "import mod\ndef test_it(): pass\n"})
    before.run("--cachekit")

    assert before.replace("mod.py", "A = 1", "A = 2").run("--cachekit").verdicts == {IT: "hit"}
    evaluated = before.replace("mod.py", "from __future__ import annotations\n", "")
    assert evaluated.run("--cachekit").outcomes.get(IT) != "passed"


FIXTURES = """
    import pytest

    @pytest.fixture(name="shade")
    def make_it():
        return 1

    @pytest.fixture(name="other_one")
    def make_other():
        return 2
    """


@pytest.mark.parametrize(
    "test",
    [
        "def test_it(shade): assert shade == 1",
        "def test_it(request): assert request.getfixturevalue('sh' + 'ade') == 1",
    ],
    ids=["parameter", "computed"],
)
def test_a_fixture_that_replaces_another_is_noticed(project: Project, test: str) -> None:
    before = project.write({"conftest.py": FIXTURES, "test_it.py": test})
    before.run("--cachekit")

    run = before.replace("conftest.py", "other_one", "shade").run("--cachekit")

    assert run.outcomes == {IT: "failed"}


def test_a_new_test_does_not_run_its_neighbours(recorded: Project) -> None:
    more = recorded.replace(
        "test_it.py", "def test_it", "HELP = 1\n\ndef test_more():\n    pass\n\ndef test_it"
    )

    assert more.run("--cachekit").verdicts == {"test_it.py::test_more": "miss", IT: "hit"}


def story(title: str, module: str, test: str, old: str, new: str, because: str) -> Story:
    files = {"mod.py": module, "test_it.py": test}
    return Story(title, files, replacing("mod.py", old, new), because)


@stories(
    story(
        "through what else was bound with it",
        "A = 1\nB = (A,)",
        "import mod\ndef test_it(): assert mod.B == (1,)",
        "A = 1", "A = 2", "names B",
    ),
    story(
        "by an override",
        """
        class Base:
            def run(self): return self.step_of_it()
            def step_of_it(self): return 1
        class Thing(Base):
            size = 1
        """,
        "from mod import Thing\ndef test_it(): assert Thing().run() == 1",
        "    size = 1", "    size = 1\n    def step_of_it(self): return 2", "names step_of_it",
    ),
    story(
        "by what the language looks up",
        """
        class Thing:
            size = 1
        def make(): return Thing()
        """,
        "from mod import make\ndef test_it(): assert make()",
        "    size = 1", "    size = 1\n    def __bool__(self): return False", "names Thing",
    ),
    story(
        "by what a library looks up",
        """
        class Thing:
            def __iter__(self): return iter([(1, 2)])
            def __getitem__(self, key): return 5
        """,
        "from mod import Thing\ndef test_it(): assert dict(Thing()) == {1: 2}",
        "    def __iter__", "    def keys(self): return [9]\n    def __iter__", "names Thing",
    ),
    story(
        "by a computed name",
        """
        class Base:
            def visit(self, kind):
                return getattr(self, kind.lower(), None)
        class Thing(Base):
            size = 1
        """,
        "from mod import Thing\ndef test_it(): assert Thing().visit('ZEBRAS') is None",
        "    size = 1", "    size = 1\n    zebras = 2", "own attribute",
    ),
    story(
        "by listing all there is",
        "A = 1",
        "import mod\ndef test_it(): assert [n for n in dir(mod) if n[0] != '_'] == ['A']",
        "A = 1", "A = 1\nB = 1", "names dir",
    ),
    story(
        "under the name of a builtin function that lists",
        "eval = 1",
        "import mod\ndef test_it(): assert mod.eval == 1",
        "eval = 1", "eval = 2", "something called eval",
    ),
    story(
        "under a name like that in a string",
        "help = 1",
        "import mod\ndef test_it(): assert getattr(mod, 'help') == 1",
        "help = 1", "help = 2", "something called help",
    ),
    story(
        "as a function that replaces one that gets attributes",
        "one, two = max, min\ngetattr = one",
        "from mod import getattr\ndef test_it(): assert getattr('b', 'a') == 'b'",
        "getattr = one", "getattr = two", "something called getattr",
    ),
    story(
        "as what has a method that is called like one that gets attributes",
        """
        class A:
            hasattr = max
        class B:
            hasattr = min
        BOUND = A
        """,
        "from mod import BOUND\ndef test_it(): assert BOUND.hasattr('b', 'a') == 'b'",
        "BOUND = A", "BOUND = B", "names BOUND",
    ),
    story(
        "by a name that import-time code computes of what was bound with it",
        "A = 1\nB_of_it = A",
        "import mod\nC = vars(mod)['B_' + 'of_it']\ndef test_it(): assert C == 1",
        "A = 1", "A = 2", "any attribute B_*",
    ),
    story(
        "by import-time code that lists the module",
        "A = 1",
        "import mod\nALL = [n for n in vars(mod) if n[0] != '_']\n"
        "def test_it(): assert ALL == ['A']",
        "A = 1", "A = 1\nB = 1", "import-time code of test_it.py names",
    ),
    story(
        "by import-time code that lists what a star brought",
        "A = 1\nB = 2",
        "from mod import *\nALL = [n for n in dict(globals()) if len(n) == 1]\n"
        "def test_it(): assert ALL == ['A', 'B']",
        "A = 1\nB = 2", "A = 1", "import-time code of test_it.py names",
    ),
    story(
        "through a function's globals",
        "LIMIT = 1\ndef other(): pass",
        "import mod\ndef test_it(): assert mod.other.__globals__['LI' + 'MIT'] == 1",
        "LIMIT = 1", "LIMIT = 2", "names __globals__",
    ),
    story(
        "by an effect",
        "SEEN = []\ndef note(x): SEEN.append(x)",
        "from mod import SEEN\ndef test_it(): assert not SEEN",
        "def note(x): SEEN.append(x)", "def note(x): SEEN.append(x)\nnote(1)", "more than bind",
    ),
    story(
        "by failing where nobody has imported it yet",
        "A = 1",
        "def test_it():\n    import mod\n    assert mod",
        "A = 1", "A = MISSING", "isn't loaded",
    ),
    story(
        "by the making of a class",
        """
        SEEN = []
        class Base:
            def __init_subclass__(cls): SEEN.append(sorted(vars(cls)))
        class Thing(Base):
            size = 1
        """,
        "from mod import SEEN\ndef test_it(): assert 'more' not in SEEN[0]",
        "    size = 1", "    size = 1\n    more = 1", "runs code",
    ),
)  # fmt: skip
def test_a_binding_is_noticed(project: Project, story: Story) -> None:
    story.tell(project)


def test_the_effect_of_a_module_that_is_imported_now_is_noticed(project: Project) -> None:
    before = project.write(
        {
            "registry.py": "SEEN = []",
            "mod.py": "A = 1",
            "noisy.py": "import registry\nregistry.SEEN.append(1)",
            "test_it.py": "import mod, registry\ndef test_it(): assert not registry.SEEN",
        }
    )
    before.run("--cachekit")

    run = before.replace("mod.py", "A = 1", "import noisy\nA = 1").run("--cachekit")

    assert run.outcomes == {IT: "failed"}


def test_a_test_that_is_defined_again_is_another(recorded: Project) -> None:
    again = recorded.write({"test_it.py": TEST + "\n    def test_it():\n        assert 0\n"})

    assert again.run("--cachekit").outcomes == {IT: "failed"}


def test_data_may_name_a_binding(project: Project) -> None:
    before = project.write(
        {
            "mod.py": "THING = 1\nOTHER = 2",
            "load.py": """
                import importlib

                def load(path):
                    with open(path) as stream:
                        module, _, name = stream.read().partition(":")
                    return vars(importlib.import_module(module)).get(name)
                """,
            "name.txt": "mod:THING",
            "test_it.py": "import mod, load\ndef test_it(): assert load.load('name.txt') == 1",
        }
    )
    before.run("--cachekit")

    run = before.replace("mod.py", "THING = 1", "THING = 3").run("--cachekit")

    assert run.outcomes == {IT: "failed"}


def test_what_the_cache_loads_to_compare_is_no_input(recorded: Project) -> None:
    first = {"mod.py": MODULE + "    FIRST = 1\n", "test_it.py": TEST.replace("== 2", "< 3")}
    # It compares, and so loads what compares, before the test runs and is recorded.
    assert recorded.write(first).run("--cachekit").verdicts == {IT: "stale"}

    second = {"mod.py": MODULE + "    FUNCTIONS = WORD = ast = 2\n"}  # as that names

    assert recorded.write(second).run("--cachekit").verdicts == {IT: "hit"}
