"""Every option, wherever it is given; what the header, the summary and the report say."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from .harness import Project
from .result import Run
from .stories import IT


@pytest.fixture
def simple(project: Project) -> Project:
    return project.write({"test_it.py": "def test_it():\n    assert 1 == 1"})


def is_on(run: Run) -> bool:
    assert run.counts == {"passed": 1}
    return bool(run.report)


def test_off_unless_asked_for(simple: Project) -> None:
    run = simple.run()

    assert not is_on(run)
    assert "cachekit: " not in run.stdout
    assert not simple.cache.exists()


def test_switched_on_and_off(simple: Project) -> None:
    by_ini = simple.ini("cachekit = true")

    assert is_on(simple.run("--cachekit"))
    assert is_on(by_ini.run())
    assert is_on(simple.with_environment(CACHEKIT="1").run())
    assert not is_on(by_ini.run("--no-cachekit"))
    assert not is_on(by_ini.ini("cachekit = false").with_environment(CACHEKIT="1").run())
    assert is_on(by_ini.ini("cachekit = no").run("--cachekit"))
    assert not is_on(simple.with_environment(CACHEKIT="1").run("--no-cachekit"))


def test_the_entry_point_is_found_by_pytest_itself(simple: Project) -> None:
    simple = simple.with_environment(PYTEST_DISABLE_PLUGIN_AUTOLOAD="")
    by_entry_point = Project(simple.root, simple.files, simple.environment, plugins=())

    assert is_on(by_entry_point.run("--cachekit"))


@pytest.mark.parametrize(
    ("change", "place", "value"),
    [
        (lambda p: p, "--cachekit-mode", "sideways"),
        (lambda p: p.ini("cachekit_mode = fast"), "ini value cachekit_mode", "fast"),
        (lambda p: p.with_environment(CACHEKIT_MODE="x"), "variable CACHEKIT_MODE", "x"),
        (lambda p: p.ini("cachekit = perhaps"), "ini value cachekit", "perhaps"),
        (lambda p: p.with_environment(CACHEKIT="perhaps"), "variable CACHEKIT", "perhaps"),
    ],
    ids=["mode by flag", "mode by ini", "mode by environment", "ini switch", "environment switch"],
)
def test_an_unknown_value_is_one_clear_sentence(
    simple: Project, change: Callable[[Project], Project], place: str, value: str
) -> None:
    options = [f"{place}={value}"] if place.startswith("--") else []
    run = change(simple).run(*options)

    assert run.exit_status == pytest.ExitCode.USAGE_ERROR
    (line,) = (line for line in run.stderr.splitlines() if line.strip())
    assert line.startswith("ERROR: ")
    assert f"{place}: {value!r}" in line


def test_the_flag_for_the_url_beats_ini_and_environment(simple: Project) -> None:
    simple = simple.ini("cachekit_url = file:by-ini").with_environment(
        CACHEKIT_URL="file:by-environment"
    )
    by_flag = simple.run("--cachekit", "--cachekit-url=file:by-flag")
    by_ini = simple.run("--cachekit")
    by_environment = simple.ini().run("--cachekit")

    for run, name in (
        (by_flag, "by-flag"),
        (by_ini, "by-ini"),
        (by_environment, "by-environment"),
    ):
        assert run.stats["backend"] == f"file:{simple.root / name}"
        assert run.verdicts == {IT: "miss"}
        assert (simple.root / name).is_dir()
    assert not simple.cache.exists()


def test_read_only_replays_and_stores_nothing(simple: Project) -> None:
    assert simple.run("--cachekit", "--cachekit-mode=read-only").verdicts == {IT: "miss"}
    assert not simple.cache.exists()
    assert simple.run("--cachekit").verdicts == {IT: "miss"}
    assert simple.run("--cachekit", "--cachekit-mode=read-only").verdicts == {IT: "hit"}

    edited = simple.replace("test_it.py", "1 == 1", "2 == 2")
    for _ in range(2):
        run = edited.run("--cachekit", "--cachekit-mode=read-only")
        assert run.verdicts == {IT: "stale"}


def test_refresh_runs_all_and_records(simple: Project) -> None:
    simple.run("--cachekit")
    refreshed = simple.run("--cachekit", "--cachekit-mode=refresh")
    edited = simple.replace("test_it.py", "1 == 1", "2 == 2")
    edited.run("--cachekit", "--cachekit-mode=refresh")

    assert refreshed.stats["run"] == 1
    assert "refresh" in refreshed.reasons[IT]
    assert edited.run("--cachekit").verdicts == {IT: "hit"}
    assert simple.run("--cachekit").verdicts == {IT: "hit"}


@pytest.mark.parametrize(
    "option", ["--pdb", "--trace", "--collect-only", "--setup-only", "--setup-plan"]
)
def test_nothing_is_replayed_or_stored_under(simple: Project, option: str) -> None:
    first = simple.run("--cachekit", option)
    assert not simple.cache.exists()
    assert simple.run("--cachekit").verdicts == {IT: "miss"}
    second = simple.run("--cachekit", option)
    plain = simple.run(option)

    for run in (first, second):
        assert f"cachekit: off: {reason(option)}" in run.stdout
        assert run.plain_stdout == plain.plain_stdout
        assert run.exit_status == plain.exit_status
        assert run.verdicts == {}


def reason(option: str) -> str:
    return {
        "--pdb": "a debugger is on (--pdb)",
        "--trace": "a debugger is on (--trace)",
        "--collect-only": "tests are only collected (--collect-only)",
        "--setup-only": "fixtures are only set up (--setup-only)",
        "--setup-plan": "fixtures are only listed (--setup-plan)",
    }[option]


@pytest.mark.parametrize("url", ["carrier-pigeon:coop", "nonsense", "file:"])
def test_an_unusable_url_is_told_once_and_tests_run(simple: Project, url: str) -> None:
    run = simple.run("--cachekit", f"--cachekit-url={url}")

    assert run.exit_status == 0
    assert run.counts == {"passed": 1, "warning": 1}
    assert run.stdout.count("CacheUnavailableWarning") == 1
    assert repr(url) in run.stdout
    assert "cachekit: off" in run.stdout


def test_memory_keeps_nothing_beyond_the_run(simple: Project) -> None:
    for _ in range(2):
        run = simple.run("--cachekit", "--cachekit-url=memory:")
        assert run.verdicts == {IT: "miss"}
        assert run.stats["backend"] == "memory:"
        assert run.stats["entries"] > 0
    assert not simple.cache.exists()


def test_the_header_says_where_and_how(simple: Project) -> None:
    lines = simple.run("--cachekit", "--cachekit-mode=refresh").stdout.splitlines()

    assert f"cachekit: file:{simple.cache} (refresh)" in lines


def test_an_option_that_changes_outcomes_is_part_of_the_key(simple: Project) -> None:
    simple.run("--cachekit")

    assert simple.run("--cachekit", "-W", "error").verdicts == {IT: "miss"}
    assert simple.run("--cachekit", "-p", "no:doctest").verdicts == {IT: "miss"}
    assert simple.run("--cachekit", "-v", "--tb=short", "--durations=3").verdicts == {IT: "hit"}


@pytest.mark.parametrize(
    "asks",
    [
        "request.config.getoption('verbose')",
        "request.config.option.verbose",
        "request.config.get_verbosity()",
        "code_.ask(request.config)",
    ],
)
def test_an_option_that_shows_tests_counts_for_those_that_ask(project: Project, asks: str) -> None:
    asking = project.write(
        {
            "code_.py": "def ask(config): return config.option.verbose",
            "test_it.py": f"import code_\ndef test_it(request): assert {asks} < 1",
            "test_other.py": "def test_other(): pass",
        }
    )
    asking.run("--cachekit")

    again = asking.run("--cachekit")
    shown = asking.run("--cachekit", "-v")
    assert set(again.verdicts.values()) == {"hit"}
    assert shown.reasons[IT] == "option verbose changed"
    assert shown.outcomes[IT] == "failed"
    assert shown.verdicts["test_other.py::test_other"] == "hit"


def test_a_hook_of_a_conftest_that_asks_for_an_option_counts_for_all(simple: Project) -> None:
    asking = simple.write(
        {
            "conftest.py": """
                import pytest
                def pytest_collection_modifyitems(config, items):
                    if not config.getoption("keyword"):
                        items[0].add_marker(pytest.mark.skip(reason="nobody chose it"))
                """
        }
    )
    asking.run("--cachekit")

    assert asking.run("--cachekit").outcomes[IT] == "skipped"
    assert asking.run("--cachekit", "-k", "it").outcomes[IT] == "passed"
    assert asking.run("--cachekit", "-k", "it").verdicts == {IT: "hit"}


def test_an_ini_value_that_shows_tests_counts_for_those_that_ask(project: Project) -> None:
    asking = project.ini("console_output_style = count").write(
        {
            "test_it.py": """
                def test_it(request):
                    assert request.config.getini("console_output_style") == "count"
                """
        }
    )
    asking.run("--cachekit")

    assert asking.run("--cachekit").verdicts == {IT: "hit"}
    changed = asking.ini("console_output_style = times").run("--cachekit")
    assert changed.outcomes == {IT: "failed"}


def test_the_package_is_imported_without_having_its_assertions_rewritten(project: Project) -> None:
    # As pytest does for all that is installed with a plugin.
    early = """
        def pytest_addhooks(pluginmanager):
            pluginmanager.rewrite_hook.mark_rewrite("pytest_cachekit")
        """
    conftest = """
        from pytest_cachekit.plugin import run, session

        def pytest_terminal_summary(terminalreporter):
            loaders = {type(module.__spec__.loader).__name__ for module in (run, session)}
            terminalreporter.write_line(f"loaded by {loaders}")
        """
    test = "def test_it(): pass"
    project = project.write({"early.py": early, "conftest.py": conftest, "test_it.py": test})
    run = project.with_environment(PYTEST_ADDOPTS="-p early").run("--cachekit")

    assert "loaded by {'SourceFileLoader'}" in run.stdout


@pytest.mark.parametrize("strict", ["strict_markers = true", "addopts = -Werror"])
def test_markers_that_are_registered_count_for_those_that_name_them(
    project: Project, strict: str
) -> None:
    marked = project.ini(strict, "markers =", "    slow: takes long").write(
        {
            "test_slow.py": "import pytest\n@pytest.mark.slow\ndef test_slow(): pass",
            "test_other.py": "from pytest import mark\n@mark.xfail\ndef test_it(): assert 0",
        }
    )
    marked.run("--cachekit")
    more = marked.ini(strict, "markers =", "    slow(how): takes long", "    new: new")
    assert set(more.run("--cachekit").verdicts.values()) == {"hit"}

    unknown = marked.ini(strict, "markers =", "    new: new").run("--cachekit")

    assert unknown.verdicts == {"test_other.py::test_it": "hit"}, unknown.reasons
    assert "slow" in unknown.stdout
    assert unknown.exit_status == pytest.ExitCode.INTERRUPTED


def test_the_warning_of_an_unknown_marker_points_to_where_it_is_named(project: Project) -> None:
    project = project.write(
        {"test_it.py": "import pytest\n@pytest.mark.unheard_of\ndef test_it(): pass"}
    )
    plain, first = project.run(), project.run("--cachekit")

    assert "test_it.py:2: PytestUnknownMarkWarning" in first.stdout
    assert first.plain_stdout == plain.plain_stdout
