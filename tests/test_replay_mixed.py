"""Replayed tests stand among tests that run: order, stopping early, and what failed last time."""

from __future__ import annotations

import pytest

from .harness import After, Project

TESTS = """
    import pytest
    @pytest.mark.parametrize("number", range(6))
    def test_it(number):
        assert number not in (1, 4)
    """


def nodeids(*numbers: int) -> list[str]:
    return [f"test_it.py::test_it[{number}]" for number in numbers]


def record(project: Project) -> Project:
    project = project.write({"test_it.py": TESTS})
    assert project.run("--cachekit").counts == {"passed": 4, "failed": 2}
    return project


@pytest.fixture
def recorded(after: After) -> Project:
    """A project in which four of six tests are recorded, and two fail."""
    return after(record)


def test_failures_run_and_the_rest_is_replayed(recorded: Project) -> None:
    run = recorded.run("--cachekit")

    assert run.stats["replayed"] == 4
    assert run.counts == {"passed": 4, "failed": 2}
    assert run.exit_status == 1
    assert [nodeid for nodeid, verdict in run.verdicts.items() if verdict != "hit"] == nodeids(1, 4)


@pytest.mark.parametrize(
    "options",
    [["-v"], ["-q", "--tb=no"], ["-rA", "--tb=line"], ["-x", "-v"], ["--maxfail=2", "-rA"]],
    ids=" ".join,
)
def test_order_of_output_is_that_of_a_plain_run(recorded: Project, options: list[str]) -> None:
    plain = recorded.run(*options)
    mixed = recorded.run("--cachekit", *options)

    assert mixed.plain_stdout == plain.plain_stdout
    assert mixed.exit_status == plain.exit_status == 1
    assert list(mixed.junit) == list(plain.junit)


def test_exit_first_stops_at_the_failure(recorded: Project) -> None:
    run = recorded.run("--cachekit", "-x")

    assert run.junit == {nodeids(0)[0]: "passed", nodeids(1)[0]: "failed"}
    assert [nodeid for nodeid, outcome in run.outcomes.items() if outcome is None] == nodeids(
        2, 3, 4, 5
    )
    assert run.stats["not_run"] == 4
    assert run.stats["replayed"] == 1


def test_last_failed_selects_what_failed(recorded: Project) -> None:
    recorded.run("--cachekit")
    run = recorded.run("--cachekit", "--lf")

    assert list(run.junit) == nodeids(1, 4)


def test_failed_first_puts_failures_first(recorded: Project) -> None:
    run = recorded.run("--cachekit", "--ff")

    assert list(run.junit) == nodeids(1, 4, 0, 2, 3, 5)
    assert run.stats["replayed"] == 4


def test_a_replayed_test_no_longer_counts_as_failed_last(recorded: Project) -> None:
    fixed = recorded.replace("test_it.py", "not in (1, 4)", "not in ()")
    fixed.run("--cachekit")
    assert recorded.run().counts["failed"] == 2
    replayed = fixed.run("--cachekit", "--lf")

    assert replayed.verdicts == dict.fromkeys(nodeids(1, 4), "hit")
    assert list(fixed.run("--lf", "--lfnf=none").junit) == []


def test_stepwise_goes_on_at_the_failure(recorded: Project) -> None:
    stopped = recorded.run("--cachekit", "--sw")
    again = recorded.run("--cachekit", "--sw")

    assert list(stopped.junit) == nodeids(0, 1)
    assert list(again.junit) == nodeids(1)
    assert again.exit_status == stopped.exit_status


def test_repeated_node_ids_are_no_trouble(recorded: Project) -> None:
    run = recorded.run("--cachekit", "--keep-duplicates", "test_it.py", "test_it.py")

    assert run.counts == {"passed": 8, "failed": 4}
