"""A changed binding of import-time code runs those who can name it; nobody else notices."""

from __future__ import annotations

import pytest

from .harness import Project
from .stories import IT, Story, replacing, stories

MODULE = """
    import os

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
    from mod import make

    def test_it():
        assert make().grow() == 2
    """


@pytest.fixture
def recorded(project: Project) -> Project:
    project = project.write({"mod.py": MODULE, "test_it.py": TEST})
    assert project.run("--cachekit").outcomes == {IT: "passed"}
    return project


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("LIMIT = 1", "LIMIT = 2"),
        ("OTHER = LIMIT\n", ""),
        ("import os", "import os\nimport json"),
        ("import os\n", ""),
        ("OTHER =", "PATTERN = frozenset({1, 2})\nOTHER ="),
        ("size = 1\n", "size = 1\n    shade_of_it = 2\n"),
        ("size = 1\n", "size = 1\n\n    def shade_of_it(self, x=1):\n        return x\n"),
        ("def make", "class More:\n    def __len__(self):\n        return 0\n\ndef make"),
        ("def make", "def more(x, y=2):\n    return x\n\ndef make"),
        ("x=LIMIT", "x=LIMIT, y=3"),
    ],
    ids=[
        "constant", "constant gone", "import", "import gone", "constant added",
        "attribute added", "method added", "class added", "function added", "signature",
    ],
)  # fmt: skip
def test_what_a_test_can_not_name_it_does_not_notice(recorded: Project, old: str, new: str) -> None:
    assert recorded.replace("mod.py", old, new).run("--cachekit").verdicts == {IT: "hit"}


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
        "from mod import Thing\ndef test_it(): assert Thing().visit('ROW') is None",
        "    size = 1", "    size = 1\n    row = 2", "own attribute",
    ),
    story(
        "by listing all there is",
        "A = 1",
        "import mod\ndef test_it(): assert [n for n in dir(mod) if n[0] != '_'] == ['A']",
        "A = 1", "A = 1\nB = 1", "names dir",
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
