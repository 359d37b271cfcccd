"""A fixture's value is replayed in the next run, as long as what it read is unchanged."""

from __future__ import annotations

import re

import pytest

from tests.harness import Project

TEST = """
    def test_it(measure):
        print("VALUE", measure)

    def test_again(measure):
        print("VALUE", measure)
"""
CONFTEST = """
    import time
    import pytest_cachekit
    from factors import FACTOR

    def draw():
        # Nobody gets the same twice, unless it is replayed.
        return time.perf_counter_ns()

    @pytest_cachekit.fixture(scope="session")
    def measure(base):
        with open("words.txt") as stream:
            return [len(stream.read()) * FACTOR, base, draw()]

    @pytest_cachekit.fixture(scope="session")
    def base():
        return 7
"""


@pytest.fixture
def suite(project: Project) -> Project:
    return project.write(
        {
            "conftest.py": CONFTEST,
            "factors.py": "FACTOR = 2\nOTHER = 1\n",
            "words.txt": "tea",
            "test_it.py": TEST,
        }
    )


def values(suite: Project, *options: str) -> list[str]:
    run = suite.run("-s", *options)
    assert run.exit_status == 0, run.stdout
    return re.findall(r"VALUE (\[.*?\])", run.stdout)


def test_a_value_is_replayed_in_the_next_run(suite: Project) -> None:
    first = values(suite)

    assert first[0] == first[1]
    assert values(suite) == first
    assert values(suite.replace("factors.py", "OTHER = 1", "OTHER = 2")) == first


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("words.txt", "tea", "coffee"),
        ("factors.py", "FACTOR = 2", "FACTOR = 3"),
        ("conftest.py", "return time.perf_counter_ns()", "return -time.perf_counter_ns()"),
        ("conftest.py", "return 7", "return 8"),
    ],
)
def test_a_changed_input_sets_it_up_anew(suite: Project, file: str, old: str, new: str) -> None:
    first = values(suite)

    changed = suite.replace(file, old, new)
    again = values(changed)
    assert again[0] != first[0]
    assert values(changed) == again
    assert values(suite) == first


def test_with_results_cached_its_inputs_are_those_of_the_tests(suite: Project) -> None:
    assert set(suite.run("--cachekit").verdicts.values()) == {"miss"}
    assert set(suite.run("--cachekit").verdicts.values()) == {"hit"}

    changed = suite.write({"words.txt": "coffee"})
    assert set(changed.run("--cachekit").verdicts.values()) == {"stale"}


def test_what_yields_is_told_at_once(suite: Project) -> None:
    run = suite.replace("conftest.py", "return 7", "yield 7").run()

    assert run.exit_status != 0
    assert "let it return a value" in run.stdout + run.stderr


def test_a_cache_that_cannot_be_used_is_done_without(suite: Project) -> None:
    assert len(values(suite, "--cachekit-url=nowhere:")) == 2
