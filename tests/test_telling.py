"""What the summary, the explanations and the report say, word for word."""

from __future__ import annotations

import re

import pytest

from .harness import After, Project

FILES = {
    "pkg/__init__.py": "",
    "pkg/mod.py": "VALUE = 1\ndef f():\n    return 1",
    "data.txt": "one",
    "test_it.py": """
        import pytest
        from pkg.mod import f

        def test_function(): assert f()
        def test_data(): assert open("data.txt").read()
        def test_steady(): pass
        def test_fails(): assert 0
        @pytest.mark.cachekit(enabled=False)
        def test_never(): pass
        """,
}


def record(project: Project) -> Project:
    project = project.write(FILES)
    project.run("--cachekit")
    return project


@pytest.fixture
def recorded(after: After) -> Project:
    return after(record)


def test_explanations_name_what_changed(recorded: Project) -> None:
    edited = recorded.replace("pkg/mod.py", "return 1", "return 2").edit({"data.txt": "two"})
    edited = edited.write({"test_new.py": "def test_new(): pass"})
    lines = edited.run("--cachekit", "--cachekit-explain").stdout.splitlines()

    start = next(i for i, line in enumerate(lines) if "cachekit: why tests ran" in line)
    end = next(i for i, line in enumerate(lines) if i > start and line.startswith("---"))
    assert lines[start + 1 : end] == [
        "test_it.py::test_function: stale: function pkg/mod.py::f changed",
        "test_it.py::test_data: stale: file data.txt changed",
        "test_it.py::test_fails: miss: no result stored yet; not stored: failed in call",
        "test_it.py::test_never: uncacheable: its marker says so",
        "test_new.py::test_new: miss: no result stored yet",
    ]


def test_import_time_code_is_explained_by_the_statement_and_by_who_names_it(
    project: Project,
) -> None:
    before = project.write(
        {
            "mod.py": "VALUE = 1\ndef f():\n    return VALUE",
            "test_it.py": "from mod import f\ndef test_function(): assert f()",
        }
    )
    before.run("--cachekit")

    run = before.replace("mod.py", "VALUE = 1", "VALUE = 2").run("--cachekit")

    assert run.reasons["test_it.py::test_function"] == (
        "import-time code of mod.py (`VALUE = 2`) changed; "
        "the function on line 2 of mod.py names VALUE"
    )


def test_the_summary_counts_what_was_replayed_and_why_the_rest_ran(recorded: Project) -> None:
    edited = recorded.replace("pkg/mod.py", "return 1", "return 2")
    edited = edited.write({"test_new.py": "def test_new(): pass"})
    lines = edited.run("--cachekit").stdout.splitlines()

    start = next(i for i, line in enumerate(lines) if re.fullmatch(r"-+ cachekit -+", line))
    assert lines[start + 1] == (
        "tests   2 replayed, 4 run (1 new, 1 stale, 1 uncacheable, 1 not cacheable outcome)"
    )
    assert re.fullmatch(r"saved   \d+ ms, hit rate 33\.3%", lines[start + 2])
    where = re.escape(f"file:{recorded.cache}")
    assert re.fullmatch(rf"cache   \d+ entries, [\d.]+ KiB in {where}", lines[start + 3])


def test_the_first_run_says_what_the_next_saves(project: Project) -> None:
    told = project.write(FILES).run("--cachekit").stdout
    assert re.search(r"^saved   nothing yet; 3 results were stored, worth \d+ ms when ", told, re.M)
    again = project.write(FILES).run("--cachekit", "--cachekit-mode=refresh").stdout
    assert "saved   nothing yet; 3 results were stored" in again
    kept = project.write({"test_new.py": "def test_new(): pass"})
    read = kept.run("--cachekit", "--cachekit-mode=read-only").stdout
    assert "saved   0 ms, hit rate 0.0%" in read


def test_more_is_told_where_asked(recorded: Project) -> None:
    edited = recorded.replace("pkg/mod.py", "return 1", "return 2")
    lines = edited.run("--cachekit", "-v").stdout.splitlines()

    assert [line for line in lines if line.startswith("why ")] == [
        "why     1 stale: function pkg/mod.py::f changed",
        "why     1 not cacheable outcome: no result stored yet; not stored: failed in call",
        "why     1 uncacheable: its marker says so",
    ]
    assert not [line for line in recorded.run("--cachekit").stdout.splitlines() if "why" in line]


def test_tests_after_a_stop_are_told_as_not_run(recorded: Project) -> None:
    run = recorded.run("--cachekit", "-x")

    assert "tests   3 replayed, 1 run (1 not cacheable outcome), 1 not run" in run.stdout
    assert run.outcomes["test_it.py::test_never"] is None


def test_the_report_has_exactly_its_fields(recorded: Project) -> None:
    report = recorded.replace("pkg/mod.py", "return 1", "return 2").run("--cachekit").report

    assert report.keys() == {"version", "tests", "stats"}
    assert report["version"] == 1
    assert len(report["tests"]) == 5
    for test in report["tests"]:
        assert test.keys() == {"nodeid", "verdict", "reason", "outcome", "duration", "saved"}
        assert test["verdict"] in ("hit", "miss", "stale", "uncacheable")
        assert test["outcome"] in ("passed", "failed")
        assert isinstance(test["reason"], str)
        assert test["duration"] > 0
        assert test["saved"] == (test["duration"] if test["verdict"] == "hit" else 0)
    stats = report["stats"]
    numbers = {name: value for name, value in stats.items() if name not in ("saved", "bytes")}
    assert numbers.pop("peak_memory") > 0
    assert numbers.pop("peak_memory_children") >= 0
    assert numbers == {
        "selected": 5,
        "replayed": 2,
        "run": 3,
        "audited": 0,
        "new": 0,
        "stale": 1,
        "uncacheable": 1,
        "not_cacheable_outcome": 1,
        "not_run": 0,
        "hit_rate": 0.4,
        "entries": stats["entries"],
        "backend": f"file:{recorded.cache}",
    }
    assert isinstance(stats["entries"], int)
    assert isinstance(stats["bytes"], int)
    assert stats["saved"] == pytest.approx(sum(test["saved"] for test in report["tests"]))


def test_a_report_that_cannot_be_written_is_told(recorded: Project) -> None:
    run = recorded.run("--cachekit", "--cachekit-report=data.txt/report.json")

    assert run.exit_status == 1
    assert run.stats == {}
    assert "The report can't be written to" in run.stdout


def test_nothing_selected_is_told_without_trouble(recorded: Project) -> None:
    run = recorded.run("--cachekit", "-k", "no_such_test")

    assert run.exit_status == pytest.ExitCode.NO_TESTS_COLLECTED
    assert run.stats["selected"] == 0
    assert run.stats["hit_rate"] == 0
