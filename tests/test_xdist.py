"""Under pytest-xdist the controller decides and replays, and workers run the rest."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from .harness import Project
from .result import Run

MODES = ["load", "loadscope", "loadfile", "loadgroup", "worksteal"]
FILES = {
    "code_.py": """
        def double(number):
            return 2 * number
        """,
    "test_numbers.py": """
        import pytest, code_
        @pytest.mark.parametrize("number", range(6))
        def test_double(number):
            assert code_.double(number) == 2 * number
        @pytest.mark.xdist_group("heavy")
        def test_grouped():
            pass
        """,
    "test_words.py": """
        import pytest, warnings
        class TestWords:
            def test_upper(self, record_property):
                record_property("word", "a")
                assert "a".upper() == "A"
            @pytest.mark.skip(reason="not today")
            def test_lower(self):
                pass
            @pytest.mark.xfail(reason="some day")
            def test_title(self):
                assert 0
        def test_warns():
            warnings.warn("careful")
        """,
    "test_optional.py": """
        import pytest
        pytest.skip("not here", allow_module_level=True)
        """,
}
EVERYTHING = 11


@pytest.fixture
def distributed(project: Project) -> Project:
    """A project whose tests pass, run by workers."""
    return project.write(FILES).with_plugins("xdist")


@pytest.fixture(scope="session")
def recorded_once(tmp_path_factory: pytest.TempPathFactory) -> Project:
    root = tmp_path_factory.mktemp("recorded") / "project"
    recorded = Project(root).write(FILES).with_plugins("xdist")
    assert recorded.run("--cachekit", "-n", "2").stats["replayed"] == 0
    return recorded


@pytest.fixture
def recorded(recorded_once: Project, tmp_path: Path) -> Project:
    """The same project, with what two workers recorded."""
    return recorded_once.copy_to(tmp_path / "recorded")


def case(run: Run) -> dict[tuple[str | None, ...], tuple[str, ...]]:
    """What the JUnit report says of each test, times left out, whatever the order."""
    return {
        (element.get("classname"), element.get("name"), element.get("file"), element.get("line")): (
            tuple(f"{child.tag} {sorted(child.items())} {child.text}" for child in element.iter())
        )
        for element in run.junit_cases
        if element.attrib.pop("time", "")
    }


def workers(run: Run) -> int:
    """How many workers were started."""
    found = re.search(r"(\d+)/\d+ workers?", run.stdout)
    return int(found.group(1)) if found else 0


@pytest.mark.parametrize("mode", MODES)
def test_every_mode_tells_what_it_tells_without_the_cache(distributed: Project, mode: str) -> None:
    arguments = ("-n", "2", f"--dist={mode}")
    edited = distributed.replace("code_.py", "2 * number", "number * 2")
    plain = distributed.run(*arguments)

    first = distributed.run("--cachekit", *arguments)
    warm = distributed.run("--cachekit", *arguments)
    half_warm = edited.run("--cachekit", *arguments)

    assert case(first) == case(warm) == case(half_warm) == case(plain)
    assert first.counts == warm.counts == half_warm.counts == plain.counts
    assert (first.stats["replayed"], warm.stats["replayed"]) == (0, EVERYTHING)
    assert half_warm.stats["replayed"] == EVERYTHING - 6
    assert (workers(first), workers(warm)) == (2, 0)
    assert "[100%]" in half_warm.stdout


def test_what_workers_recorded_is_replayed_without_them(distributed: Project) -> None:
    distributed.run("--cachekit", "-n", "2", "--dist=loadgroup")

    assert distributed.run("--cachekit").stats["replayed"] == EVERYTHING


def test_what_was_recorded_without_workers_is_replayed_by_the_controller(
    distributed: Project,
) -> None:
    distributed.run("--cachekit")
    run = distributed.run("--cachekit", "-n", "2", "--dist=loadgroup")

    assert run.stats["replayed"] == EVERYTHING
    assert workers(run) == 0


def test_no_more_workers_are_started_than_tests_run(distributed: Project) -> None:
    distributed.run("--cachekit")
    edited = distributed.replace("test_numbers.py", "    pass", "    assert 1")

    run = edited.run("--cachekit", "-n", "3")

    assert list(run.verdicts.values()).count("stale") == 1, run.reasons
    assert workers(run) == 1


def test_each_worker_runs_all_tests_where_that_is_asked_for(distributed: Project) -> None:
    distributed.run("--cachekit")
    run = distributed.run("--cachekit", "-n", "2", "--dist=each")

    assert run.counts["passed"] == 2 * (EVERYTHING - 2)
    assert "off: each worker runs all tests (--dist=each)" in run.stdout


def test_a_crashed_worker_fails_its_test_and_the_rest_is_told(recorded: Project) -> None:
    crashing = recorded.write(
        {"test_crash.py": "import os\ndef test_crash(): os._exit(1)\ndef test_after(): pass\n"}
    )
    plain = crashing.run("-n", "2")
    for _ in range(2):
        run = crashing.run("--cachekit", "-n", "2")

        assert run.stats["replayed"] >= EVERYTHING
        assert run.outcomes["test_crash.py::test_crash"] == "error"
        assert run.outcomes["test_crash.py::test_after"] == "passed"
        assert run.counts == plain.counts


def test_exit_first_stops_the_workers(recorded: Project) -> None:
    failing = recorded.write({"test_fails.py": "def test_fails(): assert 0\n"})

    run = failing.run("--cachekit", "-n", "2", "-x")

    assert run.stats["replayed"] == EVERYTHING
    assert run.outcomes["test_fails.py::test_fails"] == "failed"
    assert run.exit_status == pytest.ExitCode.INTERRUPTED


def test_last_failed_runs_on_workers(recorded: Project) -> None:
    failing = recorded.write({"test_fails.py": "def test_fails(): assert 0\n"})
    failing.run("--cachekit", "-n", "2")

    run = failing.run("--cachekit", "-n", "2", "--lf")

    assert list(run.junit) == ["test_fails.py::test_fails"]


def test_a_selected_test_is_replayed(recorded: Project) -> None:
    run = recorded.run("--cachekit", "-n", "2", "test_numbers.py::test_double[3]")

    assert run.verdicts == {"test_numbers.py::test_double[3]": "hit"}


def test_deselected_tests_are_told_as_without_the_cache(distributed: Project) -> None:
    arguments = ("-n", "2", "-k", "not double")
    plain = distributed.run(*arguments)
    first = distributed.run("--cachekit", *arguments)
    warm = distributed.run("--cachekit", *arguments)

    assert first.counts == warm.counts == plain.counts
    assert warm.stats["run"] == 0


def test_repeated_node_ids_run_as_often_as_asked(recorded: Project) -> None:
    run = recorded.run(
        "--cachekit", "-n", "2", "--keep-duplicates", "test_numbers.py", "test_numbers.py"
    )

    assert run.counts["passed"] == 14


@pytest.mark.parametrize("warm", [False, True], ids=["first", "warm"])
def test_a_file_that_cannot_be_collected_is_an_error_once(
    distributed: Project, recorded: Project, warm: bool
) -> None:
    broken = (recorded if warm else distributed).write(
        {"test_broken.py": "import nowhere_to_be_found\n"}
    )
    plain = broken.run("-n", "2")
    run = broken.run("--cachekit", "-n", "2")

    assert run.counts == plain.counts
    assert run.exit_status == plain.exit_status
    assert case(run) == case(plain)


def test_who_asks_which_worker_it_is_differs_without_workers(recorded: Project) -> None:
    asking = recorded.write(
        {
            "test_asks.py": """
                import os
                def test_variable(): assert os.environ["PYTEST_XDIST_WORKER"]
                def test_fixture(worker_id): assert worker_id != "master"
                """
        }
    )
    asking.run("--cachekit", "-n", "2")

    assert asking.run("--cachekit", "-n", "2").outcomes["test_asks.py::test_variable"] == "passed"
    alone = asking.run("--cachekit")
    assert alone.counts["failed"] == 2, alone.reasons


def test_a_broken_cache_is_told_once(recorded: Project) -> None:
    (recorded.cache / "cache.db").write_bytes(b"no database" * 1000)

    run = recorded.run("--cachekit", "-n", "2")

    assert run.counts["passed"] == EVERYTHING - 2
    assert run.stdout.count("CacheUnavailableWarning") == 1


FIRST = "test_a.py::test_first"
CRASHING = {
    "code_.py": "def one(): return 1\n",
    "conftest.py": "",
    "test_a.py": """
        import pytest, code_
        @pytest.fixture(scope="session")
        def number():
            return code_.one()
        def test_first(number):
            assert number == 1
        def test_second():
            pass
        """,
    "test_b.py": "import os\ndef test_crash(): os._exit(1)\n",
    "test_c.py": "def test_later(): pass\n",
}


def test_what_ran_before_a_worker_crashed_is_known(project: Project) -> None:
    crashing = project.write(CRASHING).with_plugins("xdist")
    first = crashing.run("--cachekit", "-n", "1")
    second = crashing.run("--cachekit", "-n", "1")
    edited = crashing.replace("code_.py", "return 1", "return 2").run("--cachekit", "-n", "1")

    assert first.counts == second.counts == {"passed": 3, "failed": 1}
    assert "its worker didn't come to its end" in first.reasons["test_b.py::test_crash"]
    assert second.verdicts[FIRST] == second.verdicts["test_c.py::test_later"] == "hit"
    assert edited.reasons[FIRST] == "function code_.py::one changed"


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("test_a.py", "return code_.one()", "yield code_.one()"),
        ("test_a.py", "(number):", "(number, request):\n    open('log', 'w').close()"),
        ("conftest.py", "", "def pytest_sessionfinish(): pass\n"),
    ],
    ids=["a teardown to come", "a file that may yet be read", "a hook to come"],
)
def test_what_may_not_have_been_all_is_lost_with_the_worker(
    project: Project, file: str, old: str, new: str
) -> None:
    crashing = project.write(CRASHING).with_plugins("xdist")
    text = crashing.files[file].decode()
    unsure = crashing.write({file: text.replace(old, new, 1)})
    first = unsure.run("--cachekit", "-n", "1")
    second = unsure.run("--cachekit", "-n", "1")

    assert "its worker didn't come to its end" in first.reasons[FIRST]
    assert second.verdicts[FIRST] == "miss"
    assert second.verdicts["test_c.py::test_later"] == "hit"
