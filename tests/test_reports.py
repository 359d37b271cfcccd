"""What conftests and plugins do with reports is done with replayed ones, or the test runs."""

from __future__ import annotations

from .harness import Project
from .stories import IT

TEST = {"test_it.py": "def test_it():\n    assert 1 == 1"}


def test_what_a_hook_puts_on_a_report_is_there_again(project: Project) -> None:
    described = project.write(
        {
            "conftest.py": """
                import pytest
                told = []
                @pytest.hookimpl(wrapper=True)
                def pytest_runtest_makereport(item, call):
                    report = yield
                    report.description = {"of": [item.name, 1, None]}
                    return report
                def pytest_runtest_logreport(report):
                    told.append(f"{report.when}: {report.description}")
                def pytest_terminal_summary(terminalreporter):
                    terminalreporter.line("; ".join(told))
                """,
            **TEST,
        }
    )
    first, second = described.run("--cachekit"), described.run("--cachekit")

    assert second.verdicts == {IT: "hit"}
    assert second.plain_stdout == first.plain_stdout
    assert "call: {'of': ['test_it', 1, None]}" in second.stdout


def test_a_report_that_carries_more_than_data_is_not_stored(project: Project) -> None:
    carrying = project.write(
        {
            "conftest.py": """
                import pytest
                @pytest.hookimpl(wrapper=True)
                def pytest_runtest_makereport(item, call):
                    report = yield
                    report.item = item
                    return report
                """,
            **TEST,
        }
    )
    first, second = carrying.run("--cachekit"), carrying.run("--cachekit")

    assert "its report carries 'item'" in first.reasons[IT]
    assert second.verdicts == {IT: "miss"}


def test_words_that_a_hook_chooses_are_shown(project: Project) -> None:
    choosing = project.write(
        {
            "conftest.py": """
                def pytest_report_teststatus(report):
                    if report.passed and report.when == "call":
                        return "passed", "P", ("FINE", {"blue": True})
                """,
            **TEST,
        }
    )
    choosing.run("--cachekit")

    assert "test_it FINE (cached)" in choosing.run("--cachekit", "-v").stdout
    assert "test_it.py P" in choosing.run("--cachekit").stdout


def test_a_fixture_of_which_its_plugin_tells_at_the_end_makes_a_test_run(project: Project) -> None:
    counting = (
        project.ini("pythonpath = .")
        .write(
            {
                "counting.py": """
                    import pytest
                    counted = []
                    @pytest.fixture
                    def count():
                        return counted.append
                    @pytest.fixture(autouse=True)
                    def always():
                        pass
                    def pytest_terminal_summary(terminalreporter):
                        terminalreporter.line(f"counted {counted}")
                    """,
                "test_it.py": """
                    def test_it(count): count(1)
                    def test_dynamic(request): request.getfixturevalue("count")(2)
                    def test_other(): pass
                    """,
            }
        )
        .with_plugins("counting")
        .with_environment(PYTHONPATH=str(project.root))
    )
    counting.run("--cachekit")
    run = counting.run("--cachekit")

    assert "counted [1, 2]" in run.stdout
    assert run.verdicts["test_it.py::test_other"] == "hit"
    assert run.reasons[IT] == "asks for count, of which its plugin tells later"
    assert run.verdicts["test_it.py::test_dynamic"] == "uncacheable"


def test_conftests_of_packages_tell_of_tests_not_of_what_fixtures_saw(project: Project) -> None:
    packaged = project.write(
        {
            "tests/__init__.py": "",
            "tests/conftest.py": """
                def pytest_terminal_summary(terminalreporter): terminalreporter.line("the end")
                """,
            "tests/test_it.py": """
                import pytest
                @pytest.fixture
                def thing(): return 1
                def test_it(thing): assert thing
                """,
        }
    )
    packaged.run("--cachekit")

    assert packaged.run("--cachekit").verdicts == {"tests/test_it.py::test_it": "hit"}
