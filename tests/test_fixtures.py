"""What runs once and serves many tests is an input of all of them."""

from __future__ import annotations

from .harness import Project
from .stories import Story, replacing, stories

SECOND = "test_it.py::test_second"


def fixture(scope: str) -> str:
    return f"""
        import pytest, mod
        @pytest.fixture(scope={scope!r})
        def value(): return mod.f()
        def test_first(value): pass
        def test_second(value): assert value == 1
        """


MOD = "def f():\n    return 1"
CHANGED = replacing("mod.py", "1", "2")


@stories(
    *(
        Story(
            f"a {scope} fixture, set up for an earlier test",
            {"mod.py": MOD, "test_it.py": fixture(scope)},
            CHANGED,
            "function mod.py::f",
            target=SECOND,
        )
        for scope in ("function", "module", "package", "session")
    ),
    Story(
        "a class fixture",
        {
            "mod.py": MOD,
            "test_it.py": """
                import pytest, mod
                class TestClass:
                    @pytest.fixture(scope="class")
                    def value(self): return mod.f()
                    def test_first(self, value): pass
                    def test_second(self, value): assert value == 1
                """,
        },
        CHANGED,
        "function mod.py::f",
        target="test_it.py::TestClass::test_second",
    ),
    Story(
        "a session fixture in a conftest, set up for another file",
        {
            "mod.py": MOD,
            "conftest.py": """
                import pytest
                @pytest.fixture(scope="session")
                def value():
                    import mod
                    return mod.f()
                """,
            "test_a_earlier.py": "def test_earlier(value): pass",
            "test_it.py": "def test_second(value): assert value == 1",
        },
        CHANGED,
        "function mod.py::f",
        target=SECOND,
    ),
    Story(
        "a session fixture's session fixture",
        {
            "mod.py": MOD,
            "test_it.py": """
                import pytest, mod
                @pytest.fixture(scope="session")
                def deep(): return mod.f()
                @pytest.fixture(scope="session")
                def value(deep): return deep
                def test_first(deep): pass
                def test_second(value): assert value == 1
                """,
        },
        CHANGED,
        "function mod.py::f",
        target=SECOND,
    ),
    Story(
        "getfixturevalue",
        {
            "mod.py": MOD,
            "test_it.py": """
                import pytest, mod
                @pytest.fixture(scope="session")
                def value(): return mod.f()
                def test_first(value): pass
                def test_second(request): assert request.getfixturevalue("value") == 1
                """,
        },
        CHANGED,
        "function mod.py::f",
        target=SECOND,
    ),
    Story(
        "an autouse fixture",
        {
            "mod.py": MOD,
            "test_it.py": """
                import pytest, mod
                seen = []
                @pytest.fixture(scope="module", autouse=True)
                def value(): seen.append(mod.f())
                def test_first(): pass
                def test_second(): assert seen == [1]
                """,
        },
        CHANGED,
        "function mod.py::f",
        target=SECOND,
    ),
    Story(
        "a file that a session fixture read",
        {
            "data.txt": "one",
            "test_it.py": """
                import pytest
                @pytest.fixture(scope="session")
                def value(): return open("data.txt").read()
                def test_first(value): pass
                def test_second(value): assert value == "one"
                """,
        },
        replacing("data.txt", "one", "two"),
        "file data.txt",
        target=SECOND,
    ),
    Story(
        "setup_module",
        {
            "mod.py": MOD,
            "test_it.py": """
                import mod
                def setup_module(module): module.value = mod.f()
                def test_first(): pass
                def test_second(): assert value == 1
                """,
        },
        CHANGED,
        "function mod.py::f",
        target=SECOND,
    ),
    Story(
        "setup_class",
        {
            "mod.py": MOD,
            "test_it.py": """
                import mod
                class TestClass:
                    @classmethod
                    def setup_class(cls): cls.value = mod.f()
                    def test_first(self): pass
                    def test_second(self): assert self.value == 1
                """,
        },
        CHANGED,
        "function mod.py::f",
        target="test_it.py::TestClass::test_second",
    ),
    Story(
        "setUpClass",
        {
            "mod.py": MOD,
            "test_it.py": """
                import unittest, mod
                class TestCase(unittest.TestCase):
                    @classmethod
                    def setUpClass(cls): cls.value = mod.f()
                    def test_first(self): pass
                    def test_second(self): assert self.value == 1
                """,
        },
        CHANGED,
        "function mod.py::f",
        target="test_it.py::TestCase::test_second",
    ),
    Story(
        "setUpModule",
        {
            "mod.py": MOD,
            "test_it.py": """
                import unittest, mod
                def setUpModule():
                    global value
                    value = mod.f()
                class TestCase(unittest.TestCase):
                    def test_first(self): pass
                    def test_second(self): assert value == 1
                """,
        },
        CHANGED,
        "function mod.py::f",
        target="test_it.py::TestCase::test_second",
    ),
)
def test_goes_stale(project: Project, story: Story) -> None:
    story.tell(project)


def test_a_fixture_that_a_test_does_not_use_is_no_input_of_it(project: Project) -> None:
    before = project.write(
        {
            "mod.py": MOD,
            "test_it.py": """
                import pytest
                @pytest.fixture(scope="session")
                def value():
                    import mod
                    return mod.f()
                def test_a_uses(value): assert value
                def test_b_uses_none(): pass
                """,
        }
    )
    before.run("--cachekit")
    after = CHANGED(before).run("--cachekit")

    assert after.verdicts == {
        "test_it.py::test_a_uses": "stale",
        "test_it.py::test_b_uses_none": "hit",
    }


def test_what_teardown_reads_counts(project: Project) -> None:
    before = project.write(
        {
            "mod.py": MOD,
            "test_it.py": """
                import pytest, mod
                @pytest.fixture
                def value():
                    yield
                    assert mod.f() == 1
                def test_it(value): pass
                """,
        }
    )
    before.run("--cachekit")
    after = CHANGED(before).run("--cachekit")

    assert after.verdicts == {"test_it.py::test_it": "stale"}
    assert after.outcomes == {"test_it.py::test_it": "error"}
