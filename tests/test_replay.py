"""A second run replays what the first recorded, and nobody can tell but by the word (cached)."""

from __future__ import annotations

import pytest

from .harness import After, Project

VARIED = {
    "test_varied.py": """
        import sys, warnings
        import pytest

        def test_passes():
            print("said by a test")
            print("said aside", file=sys.stderr)

        class TestClass:
            @pytest.mark.parametrize("number", [1, 2, pytest.param(3, id="three")])
            def test_param(self, number):
                assert number

        @pytest.mark.skip(reason="not today")
        def test_skipped():
            pass

        def test_skips_itself():
            pytest.skip("in the middle")

        @pytest.mark.xfail(reason="known bug")
        def test_xfails():
            assert not "as expected"

        def test_warns():
            warnings.warn("mind the gap", UserWarning)

        @pytest.mark.slow
        def test_has_properties(record_property):
            record_property("answer", 42)
            record_property("question", "why")

        @pytest.fixture
        def noisy():
            print("said in setup")
            yield
            print("said in teardown")

        def test_uses_fixture(noisy):
            pass
        """,
    "pytest.ini": "[pytest]\nmarkers = slow: takes its time\n",
}
COUNTS = {"passed": 7, "skipped": 2, "xfailed": 1, "warning": 1}


@pytest.fixture
def varied(project: Project) -> Project:
    return project.write(VARIED)


def record(project: Project) -> Project:
    project = project.write(VARIED)
    project.run("--cachekit")
    return project


@pytest.fixture
def recorded(after: After) -> Project:
    """The same project, whose results are stored."""
    return after(record)


def test_second_run_replays_everything(varied: Project) -> None:
    first = varied.run("--cachekit")
    second = varied.run("--cachekit")

    assert set(first.verdicts.values()) == {"miss"}
    assert set(second.verdicts.values()) == {"hit"}
    assert first.counts == second.counts == COUNTS
    assert first.exit_status == second.exit_status == 0
    assert second.stats["replayed"] == second.stats["selected"] == 10
    assert first.outcomes == second.outcomes


@pytest.mark.parametrize(
    "options",
    [
        [],
        ["-q"],
        ["-qq"],
        ["-v"],
        ["-ra"],
        ["-rA"],
        ["-k", "param or warns"],
        ["-m", "slow"],
        ["-x"],
        ["test_varied.py::TestClass::test_param[2]", "test_varied.py::test_passes"],
        ["--color=yes", "-v"],
        ["-o", "console_output_style=count"],
    ],
    ids=" ".join,
)
def test_output_is_that_of_a_plain_run(recorded: Project, options: list[str]) -> None:
    looks_like_a_plain_run(recorded, options)


def test_so_is_that_of_a_run_with_an_option_that_is_part_of_the_key(varied: Project) -> None:
    options = ["-p", "no:warnings"]
    varied.run("--cachekit", *options)

    looks_like_a_plain_run(varied, options)


def looks_like_a_plain_run(recorded: Project, options: list[str]) -> None:
    plain = recorded.run(*options)
    replayed = recorded.run("--cachekit", *options)

    assert set(replayed.verdicts.values()) == {"hit"}
    assert replayed.plain_stdout == plain.plain_stdout
    assert replayed.exit_status == plain.exit_status
    assert replayed.junit == plain.junit


def test_verbose_output_says_that_results_are_cached(recorded: Project) -> None:
    lines = recorded.run("--cachekit", "-v").stdout.splitlines()

    for nodeid, words in {
        "test_varied.py::test_passes": "PASSED (cached)",
        "test_varied.py::TestClass::test_param[three]": "PASSED (cached)",
        "test_varied.py::test_skipped": "SKIPPED (cached)",
        "test_varied.py::test_xfails": "XFAIL (cached)",
    }.items():
        assert any(line.startswith(f"{nodeid} {words}") for line in lines)


def test_replayed_report_keeps_captured_output(recorded: Project) -> None:
    shown = recorded.run("--cachekit", "-rA").stdout

    for text in ("said by a test", "said aside", "said in setup", "said in teardown"):
        assert shown.count(text) == 1


def test_warnings_are_replayed(recorded: Project) -> None:
    replayed = recorded.run("--cachekit")

    assert replayed.counts["warning"] == 1
    assert "UserWarning: mind the gap" in replayed.stdout
    assert "test_varied.py::test_warns" in replayed.stdout


def test_who_writes_into_the_junit_file_is_not_replayed(project: Project) -> None:
    project = project.write(
        {"test_it.py": "def test_it(record_xml_attribute):\n    record_xml_attribute('a', 1)"}
    )
    first, second = project.run("--cachekit"), project.run("--cachekit")

    assert second.verdicts == {"test_it.py::test_it": "uncacheable"}
    assert "record_xml_attribute" in second.reasons["test_it.py::test_it"]
    assert [dict(case.attrib, time="") for case in second.junit_cases] == [
        dict(case.attrib, time="") for case in first.junit_cases
    ]


def test_junit_xml_is_the_same_but_for_times(varied: Project) -> None:
    first, second = varied.run("--cachekit"), varied.run("--cachekit")

    for before, after in zip(first.junit_cases, second.junit_cases, strict=True):
        for element in (before, after):
            element.attrib.pop("time")
        assert before.attrib == after.attrib
        assert [(node.tag, node.attrib, node.text) for node in before.iter()] == [
            (node.tag, node.attrib, node.text) for node in after.iter()
        ]
    properties = [node.attrib for case in second.junit_cases for node in case.iter("property")]
    assert properties == [
        {"name": "answer", "value": "42"},
        {"name": "question", "value": "why"},
    ]


def test_durations_are_those_of_the_recorded_run(project: Project) -> None:
    project = project.write(
        {
            "test_it.py": """
                import time
                def test_takes_its_time():
                    end = time.perf_counter() + 0.05
                    while time.perf_counter() < end:
                        pass
                """
        }
    )
    project.run("--cachekit")
    replayed = project.run("--cachekit", "--durations=1", "--durations-min=0.04")

    assert "s call     test_it.py::test_takes_its_time" in replayed.stdout
    assert replayed.stats["saved"] >= 0.05


def test_a_selection_replays_from_a_run_of_all(recorded: Project) -> None:
    by_name = recorded.run("--cachekit", "-k", "test_param")
    by_mark = recorded.run("--cachekit", "-m", "slow")
    by_id = recorded.run("--cachekit", "test_varied.py::TestClass::test_param[three]")

    assert list(by_name.verdicts.values()) == ["hit"] * 3
    assert by_mark.verdicts == {"test_varied.py::test_has_properties": "hit"}
    assert by_id.verdicts == {"test_varied.py::TestClass::test_param[three]": "hit"}


def test_a_run_of_all_replays_from_runs_of_selections(varied: Project) -> None:
    varied.run("--cachekit", "-k", "test_param")
    everything = varied.run("--cachekit")

    assert everything.stats["replayed"] == 3
    assert everything.stats["new"] == 7


def test_setup_show_shows_real_setups(recorded: Project) -> None:
    shown = recorded.run("--cachekit", "--setup-show")

    assert "SETUP    F noisy" in shown.stdout
    assert shown.stats["replayed"] == 0
    assert "--setup-show" in shown.reasons["test_varied.py::test_uses_fixture"]


def test_module_fixtures_of_tests_around_hits_are_torn_down_in_time(project: Project) -> None:
    tests = """
        import pytest
        @pytest.fixture(scope="module", autouse=True)
        def resource():
            open_resources.append({name!r})
            yield
            open_resources.remove({name!r})
            assert open_resources == []
        from shared import open_resources
        def test_first():
            assert open_resources == [{name!r}]
        def test_second():
            assert open_resources == [{name!r}]
        """
    before = project.write(
        {
            "shared.py": "open_resources = []",
            **{f"test_{name}.py": tests.format(name=name) for name in "abc"},
        }
    )
    before.run("--cachekit")
    after = before
    for name in "ac":
        after = after.replace(
            f"test_{name}.py", "def test_second():", "def test_second():\n    print()"
        )
    mixed = after.run("--cachekit")

    assert mixed.counts == {"passed": 6}
    assert [nodeid for nodeid, verdict in mixed.verdicts.items() if verdict == "stale"] == [
        "test_a.py::test_second",
        "test_c.py::test_second",
    ]


def test_modules_that_are_loaded_lazily_stay_unloaded(project: Project) -> None:
    lazy = """
        import importlib.util, sys
        def lazily(name):
            spec = importlib.util.find_spec(name)
            spec.loader = importlib.util.LazyLoader(spec.loader)
            module = importlib.util.module_from_spec(spec)
            sys.modules[name] = module
            spec.loader.exec_module(module)
        lazily("broken")
        """
    before = project.write(
        {
            "broken.py": "raise RuntimeError('nobody wanted this')",
            "lazy.py": lazy,
            "test_it.py": """
                import lazy, subprocess, sys
                def test_it(): pass
                def test_child():
                    subprocess.run([sys.executable, "-c", "import lazy"], check=True)
                """,
        }
    )
    recorded = before.run("--cachekit")
    assert recorded.counts == {"passed": 2}, recorded.stdout
    again = before.run("--cachekit")

    assert set(again.verdicts.values()) == {"hit"}, again.reasons
    assert "nobody wanted this" not in recorded.stdout + recorded.stderr + again.stdout
