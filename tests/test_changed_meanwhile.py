"""What another one than the run changes between the start of a run and its end, or just before."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping

import pytest

from .harness import Project
from .stories import IT

OTHER = """
    import subprocess
    def test_other():
        # An editor, a checkout: nobody is told of it.
        subprocess.run(["cp", "-r", "later/.", "."], check=True)
    """


@pytest.mark.parametrize(
    "files",
    [
        {
            "test_it.py": """
                def test_it():
                    try:
                        import more
                    except ImportError:
                        return
                    assert False
                """,
            "later/more.py": "",
        },
        {
            "value.py": "X = 1",
            "test_it.py": "from value import X\ndef test_it(): assert X == 1",
            "later/value/__init__.py": "X = 2",
        },
        {
            "lib/value.py": "X = 1",
            "test_it.py": """
                import sys
                sys.path.append("lib")
                from value import X
                def test_it(): assert X == 1
                """,
            "later/value.py": "X = 2",
        },
    ],
    ids=["one that was missing", "a package beside a module", "one that is nearer"],
)
def test_modules_that_come_while_tests_run(project: Project, files: Mapping[str, str]) -> None:
    project = project.write({**files, "test_other.py": OTHER})
    assert project.run("--cachekit").exit_status == 0

    then = project.run("--cachekit", "test_it.py")

    assert then.exit_status == project.run("test_it.py").exit_status == 1
    assert then.verdicts == {IT: "stale"}


def test_bytecode_of_an_older_text_is_no_result_of_the_newer(project: Project) -> None:
    project = project.write(
        {"value.py": "X = 1", "test_it.py": "from value import X\ndef test_it(): assert X == 1"}
    ).with_environment(PYTHONDONTWRITEBYTECODE="")
    project.run("--cachekit")
    with_same_times(project, "value.py", "X = 2")

    deceived = project.run("--cachekit")

    assert deceived.exit_status == 0
    assert deceived.verdicts == {IT: "uncacheable"}
    assert "bytecode of an older text of value.py" in deceived.reasons[IT]
    shutil.rmtree(project.root / "__pycache__")
    again = project.run("--cachekit")
    assert again.exit_status == 1
    assert again.verdicts == {IT: "stale"}


def test_nor_is_that_of_a_test_file(project: Project) -> None:
    project = project.write({"test_it.py": "def test_it():\n    assert 1 == 1"})
    project = project.with_environment(PYTHONDONTWRITEBYTECODE="")
    project.run("--cachekit")
    with_same_times(project, "test_it.py", "def test_it():\n    assert 1 == 2")

    # From pytest 9.2 on, it compares what the file says.
    deceived = project.run("--cachekit")
    assert deceived.verdicts == {IT: "stale" if deceived.exit_status else "uncacheable"}

    shutil.rmtree(project.root / "__pycache__")
    assert project.run("--cachekit").exit_status == 1


def with_same_times(project: Project, name: str, text: str) -> None:
    file = project.root / name
    times, size = file.stat(), file.stat().st_size
    file.write_text(text)
    os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert file.stat().st_size == size


GENERATOR = """
    import pathlib, pytest
    @pytest.fixture(scope="session")
    def generated():
        here = pathlib.Path(__file__).parent
        (here / "made.py").write_text("X = " + (here / "value.txt").read_text())
        IMPORTED
    """


@pytest.mark.parametrize("imported", ["import made", "pass"])
def test_modules_that_a_fixture_writes_count_for_all_who_import_them(
    project: Project, imported: str
) -> None:
    using = "def test_it():\n    import made\n    assert made.X == 1"
    project = project.write(
        {
            "value.txt": "1",
            "conftest.py": GENERATOR.replace("IMPORTED", imported),
            "test_first.py": "def test_first(generated):\n    import made",
            "test_it.py": using,
            "test_last.py": "import sys\ndef test_last(): assert sys.modules['made'].X == 1",
        }
    )
    assert project.run("--cachekit").exit_status == 0

    changed = project.edit({"value.txt": "22"})

    run = changed.run("--cachekit")
    assert run.verdicts[IT] == "stale"
    assert run.outcomes["test_last.py::test_last"] == "failed"


def test_conftests_of_one_name_are_whichever_was_loaded_last(project: Project) -> None:
    project = project.write(
        {
            "t/conftest.py": "X = 1",
            "t/test_it.py": "from conftest import X\ndef test_it(): assert X == 1",
        }
    )
    project.run("--cachekit")
    assert set(project.run("--cachekit").verdicts.values()) == {"hit"}

    two = project.write({"t/aa/conftest.py": "X = 2", "t/aa/test_aa.py": "def test_aa(): pass"})

    assert two.run("--cachekit").exit_status == two.run().exit_status == 1
