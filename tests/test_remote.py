"""A remote tier: what one runner recorded is replayed by all others, in few round trips."""

from __future__ import annotations

import functools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from .harness import Project
from .result import Run

FILES = {
    "code_.py": """
        def double(number):
            return 2 * number
        def half(number):
            return number / 2
        """,
    "test_double.py": """
        import code_
        def test_double():
            assert code_.double(2) == 4
        def test_half():
            assert code_.half(2) == 1
        """,
    "test_words.py": """
        def test_upper():
            print("some output")
            assert "a".upper() == "A"
        """,
}
ALL = ("test_double.py::test_double", "test_double.py::test_half", "test_words.py::test_upper")
HITS = dict.fromkeys(ALL, "hit")
MISSES = dict.fromkeys(ALL, "miss")
Runner = Callable[[str], Project]


@pytest.fixture
def runner(tmp_path: Path) -> Runner:
    """The same project in a directory for each name, with a cold cache, and a common remote."""

    @functools.cache
    def make(name: str) -> Project:
        project = Project(tmp_path / name / f"checkout-{name}").write(FILES)
        return project.with_environment(CACHEKIT_REMOTE=f"file:{tmp_path / 'shared'}")

    return make


def remote(run: Run) -> tuple[int, int, int]:
    """How many records a run read there, wrote there, and how often it went there."""
    data = run.stats["remote"]
    return data["read"], data["written"], data["batches"]


def test_what_one_runner_recorded_hits_on_another(runner: Runner) -> None:
    recorded = runner("a").run("--cachekit")
    replayed = runner("b").run("--cachekit")

    assert recorded.verdicts == MISSES
    assert replayed.verdicts == HITS
    assert replayed.junit == recorded.junit


def test_a_run_goes_there_once_to_read_and_once_to_write(runner: Runner) -> None:
    many = {f"test_{n}.py": f"def test_{n}(): assert {n} + 0 == {n}" for n in range(40)}
    first = runner("a").write(many).run("--cachekit")
    second = runner("b").write(many).run("--cachekit")
    third = runner("b").write(many).run("--cachekit")

    assert first.stats["remote"]["batches"] == 2
    assert second.stats["replayed"] == 43
    assert remote(second) == (42, 0, 1)
    assert remote(third) == (0, 0, 0)


def test_what_is_stale_here_may_hit_there(runner: Runner) -> None:
    ours = runner("a")
    ours.run("--cachekit")
    edited = runner("b").replace("code_.py", "2 * number", "number * 2")
    edited.run("--cachekit")
    here = runner("a").replace("code_.py", "2 * number", "number * 2").touch()
    run = here.run("--cachekit")

    assert run.verdicts == HITS
    # And both states are known here from now on, without asking anybody.
    assert remote(here.run("--cachekit")) == (0, 0, 0)
    assert remote(runner("a").touch().run("--cachekit")) == (0, 0, 0)


def test_only_what_changed_runs_on_a_cold_machine(runner: Runner) -> None:
    runner("a").run("--cachekit")
    run = runner("b").replace("code_.py", "number / 2", "number * 0.5").run("--cachekit")

    assert run.verdicts == {**HITS, ALL[1]: "stale"}
    assert run.reasons[ALL[1]] == "function code_.py::half changed"


def test_what_was_recorded_before_there_was_a_remote_goes_there(runner: Runner) -> None:
    local = runner("a").with_environment(CACHEKIT_REMOTE="")
    local.run("--cachekit")
    runner("a").replace("code_.py", "number / 2", "number * 0.5").run("--cachekit")

    assert runner("b").run("--cachekit").verdicts[ALL[1]] == "hit"


def test_several_runners_results_are_merged(runner: Runner) -> None:
    runner("a").run("--cachekit", "-k", "double")
    runner("b").run("--cachekit", "-k", "half")
    runner("c").run("--cachekit", "-k", "upper")

    assert runner("d").run("--cachekit").verdicts == HITS


def test_read_only_runs_take_and_give_nothing(runner: Runner) -> None:
    runner("a").run("--cachekit", "-k", "double")
    reading = runner("b").run("--cachekit", "--cachekit-remote-mode=read-only")
    reading_all = runner("c").run("--cachekit", "--cachekit-mode=read-only")

    for run in (reading, reading_all):
        assert run.verdicts == {**MISSES, ALL[0]: "hit", ALL[1]: "hit"}
        assert remote(run)[1] == 0
    # What it recorded itself is kept where it is, unless that is only read, too.
    assert runner("b").run("--cachekit").verdicts == HITS
    assert not runner("c").cache.exists()


def test_refresh_records_anew_for_all(runner: Runner) -> None:
    runner("a").run("--cachekit")
    refreshed = runner("b").run("--cachekit", "--cachekit-mode=refresh")

    assert refreshed.verdicts == MISSES
    assert remote(refreshed)[1] > 0
    assert runner("c").run("--cachekit").verdicts == HITS


def test_workers_results_hit_elsewhere_and_the_other_way_round(runner: Runner) -> None:
    def distributed(name: str) -> Project:
        return runner(name).with_plugins("xdist")

    by_workers = distributed("a").run("--cachekit", "-n", "2")
    alone = distributed("b").run("--cachekit")
    cold = distributed("c").run("--cachekit", "-n", "2")

    assert by_workers.verdicts == MISSES
    assert alone.verdicts == HITS
    assert cold.verdicts == HITS
    assert "created: " not in cold.stdout
    # One look whether there is anything at all, besides.
    assert remote(by_workers)[2] <= 3
    assert remote(cold) == (3, 0, 2)


def test_namespaces_are_apart(runner: Runner) -> None:
    runner("a").run("--cachekit", "--cachekit-namespace=one")

    assert runner("b").run("--cachekit", "--cachekit-namespace=two").verdicts == MISSES
    assert runner("c").run("--cachekit").verdicts == MISSES
    assert runner("d").run("--cachekit", "--cachekit-namespace=one").verdicts == HITS


def test_an_epoch_disowns_all_that_came_before(runner: Runner) -> None:
    project = runner("a")
    project.run("--cachekit")

    assert project.run("--cachekit", "--cachekit-epoch=2").verdicts == MISSES
    assert runner("b").run("--cachekit", "--cachekit-epoch=2").verdicts == HITS


@pytest.mark.parametrize("option", ["namespace", "epoch"])
def test_names_that_are_none_are_refused(runner: Runner, option: str) -> None:
    run = runner("a").run("--cachekit", f"--cachekit-{option}=a/b:c")

    assert run.exit_status == pytest.ExitCode.USAGE_ERROR
    assert f"--cachekit-{option}: 'a/b:c' is no name" in run.stderr


def test_output_stays_here_unless_asked_for(runner: Runner) -> None:
    runner("a").run("--cachekit")
    quiet, shown = runner("b").run("--cachekit"), runner("c").run("--cachekit", "-rA")

    assert quiet.verdicts == HITS
    # Who wants to see it runs the test; whoever printed it has it.
    assert shown.verdicts == {**HITS, ALL[2]: "miss"}
    assert "what it printed isn't shared" in shown.reasons[ALL[2]]
    assert "some output" in shown.stdout
    again = runner("a").run("--cachekit", "-rA")
    assert again.verdicts == HITS
    assert "some output" in again.stdout


def test_output_is_shared_when_asked_for(runner: Runner) -> None:
    runner("a").run("--cachekit", "--cachekit-remote-output")
    run = runner("b").run("--cachekit", "-rA")

    assert run.verdicts == HITS
    assert "some output" in run.stdout


def test_a_remote_that_is_none_is_told_once(runner: Runner) -> None:
    run = runner("a").run("--cachekit", "--cachekit-remote=nonsense")

    assert run.counts == {"passed": 3, "warning": 1}
    assert "The remote cache is left out of this run" in run.stdout
    assert runner("a").run("--cachekit", "--cachekit-remote=nonsense").verdicts == HITS


def test_runners_that_end_at_once_lose_nothing(runner: Runner) -> None:
    tests = {f"test_{n}": f"def test_{n}(): assert {n} + 0 == {n}" for n in range(6)}
    files = {"test_many.py": "\n".join(tests.values())}

    def run_one(name: str) -> Run:
        return runner(name).write(files).run("--cachekit", f"test_many.py::{name}")

    with ThreadPoolExecutor(len(tests)) as pool:
        runs = list(pool.map(run_one, tests))
    assert [run.counts for run in runs] == [{"passed": 1}] * len(tests)

    replayed = runner("last").write(files).run("--cachekit", "test_many.py")
    assert replayed.verdicts == {f"test_many.py::{name}": "hit" for name in tests}
