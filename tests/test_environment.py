"""A test goes stale when a variable has changed that it read; values are never stored."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from .harness import Project
from .stories import IT, Story, stories

TEST = "import os\ndef test_it(): assert os.environ.get('SHADE', 'none') == 'red'"
RED = {"SHADE": "red"}


def setting(**variables: str) -> Callable[[Project], Project]:
    return lambda project: project.with_environment(**variables)


def blue(project: Project) -> Project:
    return project.with_environment(SHADE="blue")


@stories(
    Story("environ.get", {"test_it.py": TEST}, blue, "environment variable SHADE", RED),
    Story(
        "environ[]",
        {"test_it.py": "import os\ndef test_it(): assert os.environ['SHADE'] == 'red'"},
        blue,
        "environment variable SHADE",
        RED,
    ),
    Story(
        "getenv",
        {"test_it.py": "import os\ndef test_it(): assert os.getenv('SHADE') == 'red'"},
        blue,
        "environment variable SHADE",
        RED,
    ),
    Story(
        "environb",
        {"test_it.py": "import os\ndef test_it(): assert os.environb[b'SHADE'] == b'red'"},
        blue,
        "environment variable SHADE",
        RED,
    ),
    Story(
        "expandvars",
        {"test_it.py": "import os\ndef test_it(): assert os.path.expandvars('$SHADE') == 'red'"},
        blue,
        "environment variable SHADE",
        RED,
    ),
    Story(
        "a variable that appears",
        {"test_it.py": "import os\ndef test_it(): assert 'SHADE' not in os.environ"},
        blue,
        "environment variable SHADE",
    ),
    Story(
        "at import time",
        {
            "mod.py": "import os\nSHADE = os.environ['SHADE']",
            "test_it.py": "import mod\ndef test_it(): assert mod.SHADE == 'red'",
        },
        blue,
        "environment variable SHADE",
        RED,
    ),
    Story(
        "at import time, on behalf of another test",
        {
            "mod.py": "import os\nSHADE = os.environ['SHADE']",
            "test_a_earlier.py": "import mod\ndef test_earlier(): pass",
            "test_it.py": "def test_it():\n    import mod\n    assert mod.SHADE == 'red'",
        },
        blue,
        "environment variable SHADE",
        RED,
    ),
    Story(
        "a copy of all",
        {"test_it.py": "import os\ndef test_it(): assert os.environ.copy()['SHADE'] == 'red'"},
        blue,
        "environment variable SHADE",
        RED,
    ),
    Story(
        "all items",
        {"test_it.py": "import os\ndef test_it(): assert ('SHADE', 'red') in os.environ.items()"},
        blue,
        "environment variable SHADE",
        RED,
    ),
    Story(
        "the names of all",
        {"test_it.py": "import os\ndef test_it(): assert 'BRAND_NEW' not in list(os.environ)"},
        setting(BRAND_NEW="1"),
        "which environment variables are set",
    ),
)
def test_goes_stale(project: Project, story: Story) -> None:
    story.tell(project)


def test_another_time_zone_is_another_key(project: Project) -> None:
    project = project.write(
        {"test_it.py": "import time\ndef test_it(): assert time.tzname[0] == 'UTC'"}
    )
    project.with_environment(TZ="UTC").run("--cachekit")
    elsewhere = project.with_environment(TZ="CET-1").run("--cachekit")

    assert elsewhere.outcomes == {IT: "failed"}
    assert project.with_environment(TZ="UTC").run("--cachekit").verdicts == {IT: "hit"}


def test_what_python_runs_when_it_starts_counts(project: Project) -> None:
    project = project.write(
        {
            "start/sitecustomize.py": "import builtins\nbuiltins.SHADE = 'blue'",
            "test_it.py": "import builtins\ndef test_it(): assert not hasattr(builtins, 'SHADE')",
        }
    )
    project.run("--cachekit")
    assert project.run("--cachekit").verdicts == {IT: "hit"}

    started = project.with_environment(PYTHONPATH="start").run("--cachekit")

    assert started.verdicts == {IT: "stale"}
    assert started.exit_status == 1


def test_a_variable_that_nobody_read_is_no_input(project: Project) -> None:
    project = project.write({"test_it.py": TEST}).with_environment(**RED)
    project.run("--cachekit")

    assert project.with_environment(OTHER="1").run("--cachekit").verdicts == {IT: "hit"}


SETS = {
    "monkeypatch.setenv": """
        def test_it(monkeypatch):
            monkeypatch.setenv("SHADE", "green")
            assert os.environ["SHADE"] == "green"
        """,
    "monkeypatch.delenv": """
        def test_it(monkeypatch):
            monkeypatch.delenv("SHADE", raising=False)
            assert os.environ.get("SHADE") is None
        """,
    "mock.patch.dict": """
        from unittest import mock
        def test_it():
            with mock.patch.dict(os.environ, {"SHADE": "green"}):
                assert os.environ["SHADE"] == "green"
        """,
}


@pytest.mark.parametrize("test", SETS.values(), ids=SETS)
def test_a_variable_that_the_test_sets_is_no_input(project: Project, test: str) -> None:
    dedented = Project(project.root).write({"test_it.py": test}).files["test_it.py"]
    project = project.write({"test_it.py": b"import os\n" + dedented}).with_environment(**RED)
    first = project.run("--cachekit")
    second = blue(project).run("--cachekit")

    assert first.outcomes == {IT: "passed"}
    assert second.verdicts == {IT: "hit"}, second.reasons


def test_a_variable_that_another_test_left_set_is_an_input_of_whoever_reads_it(
    project: Project,
) -> None:
    before = project.write(
        {
            "test_it.py": """
                import os
                def test_a_sets():
                    os.environ["SHADE"] = "red"
                def test_it():
                    assert os.environ.get("SHADE") == "red"
                """
        }
    )
    before.run("--cachekit")
    after = before.replace("test_it.py", '["SHADE"] = "red"', '["SHADE"] = "blue"').run(
        "--cachekit"
    )

    assert after.verdicts[IT] == "stale"
    assert after.outcomes[IT] == "failed"


def test_no_value_is_stored(project: Project) -> None:
    secret = "Xyzzy-7391-a-secret"
    project = project.write(
        {"test_it.py": "import os\ndef test_it(): assert os.environ['TOKEN'] and os.environ.copy()"}
    ).with_environment(TOKEN=secret)
    project.run("--cachekit", "--cachekit-explain")

    stored = [path.read_bytes() for path in project.cache.rglob("*") if path.is_file()]
    assert stored
    assert not any(secret.encode() in content for content in stored)


@pytest.mark.parametrize(
    "noise", ["PYTHONHASHSEED", "COLUMNS", "TERM", "PWD", "SSH_TTY", "PYTEST_XDIST_TESTRUNUID"]
)
def test_noise_is_no_input_of_who_copies_everything(project: Project, noise: str) -> None:
    project = project.write(
        {"test_it.py": "import os\ndef test_it(): assert dict(os.environ) and os.environ.copy()"}
    )
    project.run("--cachekit")

    assert project.with_environment(**{noise: "77"}).run("--cachekit").verdicts == {IT: "hit"}


def test_another_user_matters_to_who_asks_for_the_user(project: Project) -> None:
    project = project.write(
        {
            "test_it.py": """
                import getpass
                def test_file(tmp_path):
                    assert tmp_path.exists()
                def test_user():
                    assert getpass.getuser()
                """
        }
    )
    project.with_environment(LOGNAME="anna", USER="anna").run("--cachekit")
    run = project.with_environment(LOGNAME="otto", USER="otto").run("--cachekit")

    assert run.verdicts == {"test_it.py::test_file": "hit", "test_it.py::test_user": "stale"}
