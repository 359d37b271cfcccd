"""Test files that have nothing to run aren't imported, and nobody can tell."""

from __future__ import annotations

import textwrap

import pytest

from .harness import After, Project
from .result import Run

# Tells when all is over which modules were imported; no test depends on it.
TELLING = """
    import atexit, sys

    @atexit.register
    def tell():
        print("imported:", *sorted({"test_it", "test_other", "helper"} & sys.modules.keys()))
    """
VARIED = {
    "conftest.py": TELLING,
    "pytest.ini": "[pytest]\nmarkers =\n    slow: it takes time\n    level(number): of several\n",
    "helper.py": "VALUES = [1, 2]\n\nclass Base:\n    def test_inherited(self):\n        pass\n",
    "test_it.py": """
        import unittest
        import pytest
        import helper

        pytestmark = pytest.mark.level(1)

        @pytest.mark.parametrize("value", helper.VALUES)
        def test_param(value):
            assert value

        @pytest.mark.parametrize("made", [object(), lambda: 1])
        def test_objects(made):
            assert made

        @pytest.mark.slow
        class TestClass:
            class TestInner:
                @pytest.mark.level(number=2)
                @pytest.mark.parametrize("y", ["a", "b"])
                @pytest.mark.parametrize("x", [1, pytest.param(2, marks=pytest.mark.slow)])
                def test_two(self, x, y):
                    pass

        class TestDerived(helper.Base):
            __test__ = True

            @pytest.mark.skipif("1 == 1", reason="by condition")
            def test_own(self):
                pass

        class Case(unittest.TestCase):
            @unittest.skip("not this one")
            def test_skipped(self):
                pass

            def test_unit(self):
                self.assertTrue(True)

        class TestNothing:
            __test__ = False

            def test_unseen(self):
                pass

        def test_attribute():
            pass

        test_attribute.colour = "blue"
        """,
    "test_other.py": """
        import pytest
        pytest.importorskip("nothing_of_this_name")
        """,
}


def imported(run: Run) -> list[str]:
    """Return which modules of the project a run imported, as its conftest tells."""
    lines = [line for line in run.stdout.splitlines() if line.startswith("imported:")]
    return lines[-1].split()[1:]


def record(project: Project) -> Project:
    project = project.write(VARIED)
    project.run("--cachekit")
    return project


@pytest.fixture
def varied(after: After) -> Project:
    return after(record)


def test_files_with_nothing_to_run_are_not_imported(varied: Project) -> None:
    warm = varied.run("--cachekit")

    assert set(warm.verdicts.values()) == {"hit"}
    assert imported(warm) == []


@pytest.mark.parametrize(
    "options",
    [
        ["-v", "-ra"],
        ["-vv", "-rA"],
        ["-k", "blue or colour or Inner"],
        ["-k", "value"],
        ["-k", "not slow"],
        ["-m", "slow"],
        ["-m", "level(number=2)"],
        ["--deselect", "test_it.py::TestClass"],
        ["test_it.py::TestClass::TestInner::test_two[1-b]", "test_it.py::test_param"],
        ["test_it.py::Case", "test_it.py::TestDerived::test_inherited"],
        ["test_it.py", "test_it.py::test_attribute"],
        ["test_other.py"],
        ["--lf"],
        ["--ff"],
        ["--nf"],
        ["--sw"],
        ["--collect-only", "-q"],
        ["--collect-only", "-v"],
        ["--fixtures-per-test"],
    ],
    ids=" ".join,
)
def test_it_looks_like_a_plain_run(varied: Project, options: list[str]) -> None:
    looks_like_a_plain_run(varied, options)


@pytest.mark.parametrize(
    "options", [["-p", "no:warnings"], ["--import-mode=importlib"], ["-W", "error"]], ids=" ".join
)
def test_so_it_does_with_options_that_are_part_of_the_key(
    varied: Project, options: list[str]
) -> None:
    varied.run("--cachekit", *options)

    looks_like_a_plain_run(varied, options)


def looks_like_a_plain_run(varied: Project, options: list[str]) -> None:
    warm, plain = varied.run("--cachekit", *options), varied.run(*options)

    assert [line for line in warm.plain_stdout.splitlines() if "imported:" not in line] == [
        line for line in plain.plain_stdout.splitlines() if "imported:" not in line
    ]
    assert warm.exit_status == plain.exit_status
    assert warm.junit == plain.junit


@pytest.mark.parametrize("options", [["-k", "colour or two"], ["-m", "level(number=2)"], ["--ff"]])
def test_selecting_imports_nothing(varied: Project, options: list[str]) -> None:
    warm = varied.run("--cachekit", *options)

    assert set(warm.verdicts.values()) == {"hit"}
    assert imported(warm) == []


EDITS = {
    "a list of parameters elsewhere": ("helper.py", "[1, 2]", "[1, 2, 3]"),
    "an inherited test": ("helper.py", "test_inherited", "test_inherited_too"),
    "a class": ("test_it.py", "class TestInner", "class TestWithin"),
    "a condition": ("test_it.py", '"1 == 1"', '"1 == 2"'),
    "__test__": ("test_it.py", "__test__ = False", "__test__ = True"),
    "a mark of the module": ("test_it.py", "pytest.mark.level(1)", "pytest.mark.slow"),
    "an attribute": ("test_it.py", '"blue"', '"red"'),
    "lines alone": ("test_it.py", "def test_attribute", "\n\n\ndef test_attribute"),
    "python_functions": ("pytest.ini", "[pytest]", "[pytest]\npython_functions = test_ *_unseen"),
    "python_classes": ("pytest.ini", "[pytest]", "[pytest]\npython_classes = TestD"),
}


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS)
def test_edits_that_concern_collecting_are_noticed(
    varied: Project, edit: tuple[str, str, str]
) -> None:
    after = varied.replace(*edit)
    warm, plain = after.run("--cachekit", "-v"), after.run("-v")

    assert "test_it" in imported(warm)
    assert warm.junit == plain.junit
    assert imported(varied.run("--cachekit")) == []


ADDED = {
    "generates tests": """
        def pytest_generate_tests(metafunc):
            if "value" in metafunc.fixturenames:
                metafunc.fixturenames.append("other")
                metafunc.parametrize("other", ["p", "q"])
        """,
    "makes items": """
        def pytest_pycollect_makeitem(collector, name, obj):
            return [] if name == "TestDerived" else None
        """,
    "makes modules": """
        import pytest

        class Twice(pytest.Module):
            def collect(self):
                return list(super().collect())[:2]

        def pytest_pycollect_makemodule(module_path, parent):
            return Twice.from_parent(parent, path=module_path)
        """,
    "looks at functions": """
        def pytest_collection_modifyitems(items):
            items[:] = [item for item in items if item.function.__code__.co_argcount < 2]
        """,
    "looks at classes": """
        def pytest_collection_modifyitems(items):
            items.sort(key=lambda item: (item.cls is None, item.name))
        """,
    "adds marks": """
        import pytest

        def pytest_itemcollected(item):
            if "param" in item.name:
                item.add_marker(pytest.mark.skip(reason="by a conftest"))
        """,
    "looks at modules": """
        def pytest_itemcollected(item):
            assert item.module.__name__ == "test_it"
            assert item.getparent(type(item.parent)) is item.parent
        """,
    "looks at parameters": """
        def pytest_collection_modifyitems(items):
            items[:] = [
                item for item in items
                if not hasattr(item, "callspec") or item.callspec.params.get("x") != 1
            ]
        """,
    "wants a fixture": """
        def pytest_itemcollected(item):
            if "fixed" not in item.fixturenames:
                item.fixturenames.insert(0, "fixed")

        import pytest

        @pytest.fixture
        def fixed(request):
            request.node.user_properties.append(("fixed", 1))
        """,
}


@pytest.mark.parametrize("hooks", ADDED.values(), ids=ADDED)
def test_hooks_that_look_at_items_see_real_ones(varied: Project, hooks: str) -> None:
    conftest = textwrap.dedent(TELLING) + textwrap.dedent(hooks)
    after = varied.edit({"conftest.py": conftest})
    first, warm, plain = after.run("--cachekit"), after.run("--cachekit"), after.run()

    assert first.junit == warm.junit == plain.junit
    assert list(warm.junit) == list(plain.junit)
    assert warm.counts == plain.counts


def test_what_imports_print_and_warn_is_there_again(project: Project) -> None:
    project = project.write(
        {
            "conftest.py": TELLING,
            "helper.py": "import warnings\nwarnings.warn('old helper')",
            "test_it.py": "import helper\n\ndef test_it():\n    pass\n",
            "test_other.py": "import helper\n\ndef test_it():\n    pass\n",
        }
    )
    first, warm = project.run("--cachekit"), project.run("--cachekit")

    assert first.counts == warm.counts == {"passed": 2, "warning": 1}
    # Whoever imports it first is warned.
    assert project.run("--cachekit", "test_other.py").counts == {"passed": 1, "warning": 1}


def test_a_file_that_runs_finds_what_others_did_when_they_were_imported(project: Project) -> None:
    project = project.write(
        {
            "conftest.py": TELLING,
            "helper.py": "registered = []\n",
            "test_it.py": (
                "import helper\n\nhelper.registered.append('it')\n\ndef test_it():\n    pass\n"
            ),
            "test_other.py": (
                "import helper\n\ndef test_other():\n    assert helper.registered == ['it'] # 0\n"
            ),
        }
    )
    project.run("--cachekit")
    edited = project.replace("test_other.py", "# 0", "and True")
    run = edited.run("--cachekit")

    assert run.verdicts == {"test_it.py::test_it": "hit", "test_other.py::test_other": "stale"}
    assert run.outcomes["test_other.py::test_other"] == "passed"
    assert imported(run) == ["helper", "test_it", "test_other"]


QUIET = """
    import pytest
    import helper
    from unittest import TestCase

    NAMES = ["a", "b"]

    @pytest.fixture
    def name():
        return "a"

    @pytest.mark.parametrize("other", NAMES)
    def test_it(name, other):
        assert helper

    class Case(TestCase):
        def test_unit(self):
            pass
    """
NOTICEABLE = {
    "calls a function": "helper.register('it')",
    "calls one for a parameter": """
@pytest.mark.parametrize("value", [helper.register("it")])
def test_value(value): pass
""",
    "makes a subclass": "class Derived(helper.Base): pass",
    "sets an attribute": "helper.registered = ['it']",
    "is the first to import a module": "import more",
    "sets a variable": "import os; os.environ['IT'] = '1'",
    "generates tests": "def pytest_generate_tests(metafunc): helper.register('it')",
    "names parameters by a function": """
@pytest.mark.parametrize("value", [1], ids=lambda value: helper.register("it") or "x")
def test_value(value): pass
""",
    "has a decorator": """
@helper.register
def test_registered(): pass
""",
    "changes where modules are found": "import sys; sys.path.append('elsewhere')",
}
OTHER = """
    import helper, os, sys

    def test_other():
        seen = [helper.registered, helper.Base.__subclasses__(), os.environ.get("IT")]
        assert any(seen) or "more" in sys.modules or "elsewhere" in sys.path, "nothing noticed"
    """


def beside_others(project: Project, more: str) -> Project:
    return project.write(
        {
            "conftest.py": TELLING,
            "helper.py": """
                registered = []

                def register(what):
                    registered.append(what)

                class Base:
                    pass
                """,
            "more.py": "import helper\n\nhelper.register('more')\n",
            "test_it.py": textwrap.dedent(QUIET) + more,
            "test_other.py": OTHER,
        }
    )


def test_files_that_do_nothing_aren_t_imported_beside_those_that_run(project: Project) -> None:
    project = beside_others(project, "")
    project = project.write({"test_early.py": "import helper\n\ndef test_early():\n    pass\n"})
    project = project.replace("test_other.py", "assert any", "assert True or any")
    project.run("--cachekit")
    run = project.replace("test_other.py", '"nothing noticed"', '"nothing"').run("--cachekit")

    assert run.verdicts["test_other.py::test_other"] == "stale"
    assert run.outcomes["test_other.py::test_other"] == "passed"
    # The first file that needs the helper is imported, since that might do something.
    late = project.edit({"test_early.py": "import helper\n\ndef test_early():\n    assert 1\n"})
    assert imported(late.run("--cachekit")) == ["helper"]


@pytest.mark.parametrize("more", NOTICEABLE.values(), ids=NOTICEABLE)
def test_files_that_do_something_are_imported_before_others_run(
    project: Project, more: str
) -> None:
    project = beside_others(project, more)
    project.run("--cachekit")
    edited = project.replace("test_other.py", '"nothing noticed"', '"nothing"')
    run = edited.run("--cachekit")

    assert run.verdicts["test_other.py::test_other"] == "stale"
    assert run.outcomes["test_other.py::test_other"] == "passed"


def test_a_new_file_is_collected_and_a_deleted_one_is_not(varied: Project) -> None:
    more = varied.write({"test_more.py": "def test_more():\n    pass\n"})
    run = more.run("--cachekit")
    assert run.verdicts["test_more.py::test_more"] == "miss"
    assert "test_it.py::test_attribute" in run.verdicts

    without = varied.remove("test_it.py").run("--cachekit")
    assert without.verdicts == {}


def test_two_files_of_one_name_still_clash(project: Project) -> None:
    one = project.write({"a/test_it.py": "def test_it():\n    pass\n"})
    one.run("--cachekit")
    two = one.write({"b/test_it.py": "def test_it():\n    pass\n"})

    assert "import file mismatch" in two.run("--cachekit").stdout
    assert two.run("--cachekit").exit_status == two.run().exit_status == 2


def test_modules_of_one_name_in_two_directories_are_one_and_the_same(project: Project) -> None:
    folders = {
        f"{name}/{file}.py": text
        for name in ("api", "web")
        for file, text in {
            "utils": f"URL = '/{name}'",
            f"test_{name}": f"from utils import URL\ndef test_it(): assert URL == '/{name}'",
        }.items()
    }
    project = project.write(folders)
    alone = [project.run("--cachekit", name).verdicts for name in ("api", "web")]
    assert alone == [{"api/test_api.py::test_it": "miss"}, {"web/test_web.py::test_it": "miss"}]
    plain = project.run()
    assert plain.exit_status == 1

    for _ in range(2):
        # Whichever is imported first is what all get.
        together = project.run("--cachekit")

        assert together.exit_status == 1
        assert together.junit == plain.junit
        assert "hit" not in together.verdicts.values()
    assert project.run("--cachekit", "api").verdicts == {"api/test_api.py::test_it": "hit"}


def test_tests_that_are_new_in_each_run_are_collected_in_each(project: Project) -> None:
    project = project.write(
        {
            "test_it.py": """
                import os
                import pytest

                @pytest.mark.parametrize("number", [os.getpid()])
                def test_it(number):
                    pass

                def test_other():
                    assert 1 # 0
                """
        }
    )
    project.run("--cachekit")
    edited = project.write({"test_more.py": "def test_more():\n    pass\n"})
    for _ in range(2):
        run = edited.run("--cachekit")
        assert run.exit_status == 0
        assert run.counts == {"passed": 3}


def test_hooks_at_the_end_of_a_run_find_what_imports_left(project: Project) -> None:
    project = project.write(
        {
            "conftest.py": (
                "registered = []\n"
                "def pytest_terminal_summary(terminalreporter):\n"
                "    terminalreporter.write_line(f'registered: {registered}')\n"
            ),
            "test_it.py": (
                "import conftest\n\nconftest.registered.append(1)\n\ndef test_it():\n    pass\n"
            ),
        }
    )
    project.run("--cachekit")

    assert "registered: [1]" in project.run("--cachekit").stdout
