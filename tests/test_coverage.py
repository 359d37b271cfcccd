"""With coverage on, what replayed tests covered counts: reports are those of a full run."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from .harness import After, Project

FILES = {
    "code_.py": """
        import functools
        def pick(number):
            if number > 0:
                return "positive"
            return "other"
        def unused():
            return 1
        def late():
            import lazy
            return lazy.VALUE
        def total(numbers):
            result = 0
            for number in numbers:
                result += number
            return result
        """,
    "lazy.py": """
        VALUE = 1
        def never():
            return 2
        """,
    "test_one.py": """
        import pytest, code_
        @pytest.fixture(scope="module")
        def sum_of_all():
            return code_.total([1, 2])
        def test_sum(sum_of_all):
            assert sum_of_all == 3
        def test_sum_again(sum_of_all):
            assert sum_of_all > 0
        @pytest.mark.parametrize("number", [1, -1])
        def test_pick(number):
            assert code_.pick(number)
        """,
    "test_two.py": """
        import code_
        def test_late():
            assert code_.late() == 1
        def test_late_again():
            assert code_.late() > 0
        """,
}
CORES = ["ctrace", "pytrace", *(["sysmon"] if sys.version_info >= (3, 12) else [])]
TESTS = 6


@pytest.fixture
def covered(project: Project) -> Project:
    """A project whose coverage is measured."""
    return project.write(FILES).with_plugins("pytest_cov")


def record(project: Project) -> Project:
    project = project.write(FILES).with_plugins("pytest_cov")
    project.run("--cachekit", "--cov=.")
    return project


@pytest.fixture
def recorded(after: After) -> Project:
    """The same project, after a run with the cache."""
    return after(record)


def measured(project: Project, *arguments: str, **stats: int) -> dict[str, Any]:
    """What coverage's JSON report says after a run of these statistics: of each file, in all."""
    path = project.root / "coverage.json"
    path.unlink(missing_ok=True)
    run = project.run("--cov=.", "--cov-report=json", "--cov-report=", *arguments)
    assert path.exists(), run.stdout + run.stderr
    assert stats.items() <= run.stats.items(), run.stats
    report = json.loads(path.read_text())
    path.unlink()
    return {"files": report["files"], "totals": report["totals"]}


@pytest.mark.parametrize("core", CORES)
@pytest.mark.parametrize("branches", [(), ("--cov-branch",)], ids=["lines", "branches"])
def test_reports_are_those_of_a_full_run(
    covered: Project, core: str, branches: tuple[str, ...]
) -> None:
    covered = covered.with_environment(COVERAGE_CORE=core)
    plain = measured(covered, *branches)

    first = measured(covered, "--cachekit", *branches, replayed=0)
    warm = measured(covered, "--cachekit", *branches, replayed=TESTS)

    assert first == plain
    assert warm == plain
    assert plain["totals"]["missing_lines"] > 0


@pytest.mark.parametrize("core", CORES)
def test_a_selected_test_covers_what_it_would_cover_alone(covered: Project, core: str) -> None:
    covered = covered.with_environment(COVERAGE_CORE=core)
    covered.run("--cachekit", "--cov=.")

    # Those who use a fixture that others set up, and a module that others imported.
    again = measured(covered, "--cachekit", "-k", "again", run=0)
    assert again == measured(covered, "-k", "again")


@pytest.mark.parametrize("branches", [(), ("--cov-branch",)], ids=["lines", "branches"])
def test_after_an_edit_lines_count_where_they_stand_now(
    covered: Project, branches: tuple[str, ...]
) -> None:
    covered.run("--cachekit", "--cov=.", *branches)
    edited = covered.replace("code_.py", "def unused():", "# Above.\n\ndef unused():").replace(
        "code_.py", "    for number", "    # Inside.\n    for number"
    )

    replayed = measured(edited, "--cachekit", *branches, replayed=TESTS)
    assert replayed == measured(edited, *branches)


def test_after_a_change_what_runs_and_what_is_replayed_add_up(recorded: Project) -> None:
    changed = recorded.replace("code_.py", "number > 0", "number > 5")
    first = measured(changed, "--cachekit", stale=2)

    assert first == measured(changed, "--cachekit", stale=0) == measured(changed)


def test_contexts_are_those_of_a_full_run(covered: Project) -> None:
    arguments = ("--cov-context=test", "--cov-report=json:out.json")

    def contexts(*more: str) -> Any:
        config = covered.write({".coveragerc": "[json]\nshow_contexts = true\n"})
        assert config.run("--cov=.", *arguments, *more).exit_status == 0
        report = json.loads((covered.root / "out.json").read_text())
        return {
            (file, line): sorted(filter(None, names))
            for file, what in report["files"].items()
            for line, names in what["contexts"].items()
        }

    plain = contexts()
    contexts("--cachekit")

    assert contexts("--cachekit") == plain
    assert any(names for names in plain.values())


def test_fail_under_counts_what_is_replayed(recorded: Project) -> None:
    total = measured(recorded)["totals"]["percent_covered"]

    reached = recorded.run("--cachekit", "--cov=.", f"--cov-fail-under={total - 0.01}")
    missed = recorded.run("--cachekit", "--cov=.", f"--cov-fail-under={total + 0.01}")

    assert reached.stats["replayed"] == missed.stats["replayed"] == TESTS
    assert (reached.exit_status, missed.exit_status) == (0, 1)


def test_what_was_recorded_without_coverage_is_not_replayed_with_it(covered: Project) -> None:
    covered.run("--cachekit")
    assert covered.run("--cachekit", "--cov=.").stats["replayed"] == 0

    assert covered.run("--cachekit", "--cov=.").stats["replayed"] == TESTS
    assert covered.run("--cachekit").stats["replayed"] == TESTS


def test_other_settings_of_coverage_run_everything(recorded: Project) -> None:
    other = recorded.write({".coveragerc": "[run]\nomit = lazy.py\n"})

    first = measured(other, "--cachekit", replayed=0)
    assert first == measured(other, "--cachekit", replayed=TESTS) == measured(other)


def test_workers_cover_what_one_process_covers(covered: Project) -> None:
    distributed = covered.with_plugins("xdist")
    plain = measured(distributed)

    assert measured(distributed, "--cachekit", "-n", "2") == plain
    assert measured(distributed, "--cachekit", "-n", "2") == plain
    assert measured(distributed, "--cachekit") == plain
    changed = distributed.replace("code_.py", "number > 0", "number > 5")
    assert measured(changed, "--cachekit", "-n", "2") == measured(changed)
    assert changed.run("--cachekit", "--cov=.", "-n", "2").stats["replayed"] == TESTS


def test_coverage_that_runs_pytest_is_served_as_well(covered: Project) -> None:
    def percent(*arguments: str) -> str:
        run = covered.run(*arguments, under=("coverage", "run", "--source=."))
        assert run.exit_status == 0, run.stdout
        report = subprocess.run(
            [sys.executable, "-m", "coverage", "report", "--precision=4", "--show-missing"],
            cwd=covered.root, capture_output=True, text=True, check=True,
        )  # fmt: skip
        return report.stdout + str(run.stats.get("replayed"))

    plain, first, warm = percent(), percent("--cachekit"), percent("--cachekit")

    assert first == plain.replace("None", "0")
    assert warm == plain.replace("None", str(TESTS))
