"""Line numbers count for tests that can see them, of functions that these ran; for nobody else."""

from __future__ import annotations

import pytest

from .harness import After, Project

FILES = {
    "where.py": """
        import sys

        def where():
            return sys._getframe(1).f_lineno
        """,
    "m.py": """
        import functools
        from where import where

        def first():
            return where()

        @functools.lru_cache
        def remembered():
            return where()

        def never():
            pass

        def plain():
            return 1
        """,
    "test_first.py": "import m\ndef test_first(): assert m.first() < 99",
    "test_remembered.py": "import m\ndef test_remembered(): assert m.remembered() < 99",
    "test_later.py": "import m\ndef test_later(): assert m.remembered() < 99",
    "test_plain.py": "import m\ndef test_plain(): assert m.plain() == 1",
}
FIRST, REMEMBERED, LATER, PLAIN = (
    f"test_{name}.py::test_{name}" for name in ("first", "remembered", "later", "plain")
)
ORDER = ("test_first.py", "test_remembered.py", "test_later.py", "test_plain.py")


def record(project: Project) -> Project:
    project = project.write(FILES)
    assert project.run("--cachekit", *ORDER).counts == {"passed": 4}
    return project


@pytest.fixture
def recorded(after: After) -> Project:
    return after(record)


@pytest.mark.parametrize(
    ("old", "new", "noticing"),
    [
        ("def never", "# A comment.\ndef never", set()),
        ("    return 1", "    # A comment.\n    return 1", set()),
        ("@functools", "# A comment.\n@functools", {REMEMBERED, LATER}),
        ("def first", "# A comment.\ndef first", {FIRST, REMEMBERED, LATER}),
        ("def first():\n", "def first():\n    # A comment.\n", {FIRST, REMEMBERED, LATER}),
        ("return where()\n\n@", "return (\n        where())\n@", {FIRST}),
    ],
    ids=["below all", "in another", "above one", "above all", "within", "one that others fit"],
)
def test_those_run_who_see_what_moved(
    recorded: Project, old: str, new: str, noticing: set[str]
) -> None:
    run = recorded.replace("m.py", old, new).run("--cachekit", "--cachekit-explain", *ORDER)

    assert {nodeid for nodeid, verdict in run.verdicts.items() if verdict != "hit"} == noticing


def test_a_class_within_a_function_sees_no_lines(project: Project) -> None:
    recorded = project.write(
        {
            "m.py": """
                def never():
                    pass

                def make():
                    class Made:
                        number = 1
                    return Made
                """,
            "test_it.py": "import m\ndef test_it(): assert m.make().number == 1",
        }
    )
    recorded.run("--cachekit")
    run = recorded.replace("m.py", "def never", "# A comment.\ndef never").run("--cachekit")

    assert run.verdicts == {"test_it.py::test_it": "hit"}


def test_the_reason_names_the_function_that_moved(recorded: Project) -> None:
    moved = recorded.replace("m.py", "def first", "# A comment.\ndef first")
    reason = "the lines of m.py::first changed"

    assert reason in moved.command("why", FIRST).stdout
    assert moved.run("--cachekit", *ORDER).reasons[FIRST] == reason


def test_what_moves_back_is_replayed(recorded: Project) -> None:
    moved = recorded.replace("m.py", "def first", "# A comment.\ndef first")
    moved.run("--cachekit", *ORDER)

    run = moved.replace("m.py", "# A comment.\n", "").run("--cachekit", *ORDER)
    assert run.stats["replayed"] == 4
