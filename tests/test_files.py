"""A test goes stale when a file has changed that it read, or looked for in vain."""

from __future__ import annotations

import sqlite3

import pytest

from .harness import Project
from .stories import IT, Story, removing, replacing, stories, writing


def database_with_a_table() -> bytes:
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE things (name)")
    content = connection.serialize()
    connection.close()
    return content


READ = "def test_it():\n    with open('data.txt') as f: assert f.read() == 'one'"


@stories(
    Story(
        "content",
        {"data.txt": "one", "test_it.py": READ},
        replacing("data.txt", "one", "two"),
        "file data.txt changed",
    ),
    Story(
        "content read by pathlib",
        {
            "data.txt": "one",
            "test_it.py": """
                from pathlib import Path
                def test_it(): assert Path(__file__).with_name("data.txt").read_text() == "one"
                """,
        },
        replacing("data.txt", "one", "two"),
        "data.txt",
    ),
    Story(
        "content read by os.open",
        {
            "data.txt": "one",
            "test_it.py": """
                import os
                def test_it():
                    fd = os.open("data.txt", os.O_RDONLY)
                    try:
                        assert os.read(fd, 9) == b"one"
                    finally:
                        os.close(fd)
                """,
        },
        replacing("data.txt", "one", "two"),
        "data.txt",
    ),
    Story(
        "content read at import time",
        {
            "data.txt": "one",
            "mod.py": "DATA = open('data.txt').read()",
            "test_it.py": "import mod\ndef test_it(): assert mod.DATA == 'one'",
        },
        replacing("data.txt", "one", "two"),
        "file data.txt",
    ),
    Story(
        "content read at import time, on behalf of another test",
        {
            "data.txt": "one",
            "mod.py": "DATA = open('data.txt').read()",
            "test_a_earlier.py": "import mod\ndef test_earlier(): pass",
            "test_it.py": "def test_it():\n    import mod\n    assert mod.DATA == 'one'",
        },
        replacing("data.txt", "one", "two"),
        "file data.txt",
    ),
    Story(
        "content read in a thread",
        {
            "data.txt": "one",
            "test_it.py": """
                import threading
                def test_it():
                    seen = []
                    thread = threading.Thread(target=lambda: seen.append(open("data.txt").read()))
                    thread.start()
                    thread.join()
                    assert seen == ["one"]
                """,
        },
        replacing("data.txt", "one", "two"),
        "file data.txt",
    ),
    Story(
        "package data",
        {
            "pkg/__init__.py": "",
            "pkg/data.txt": "one",
            "test_it.py": """
                from importlib.resources import files
                def test_it(): assert files("pkg").joinpath("data.txt").read_text() == "one"
                """,
        },
        replacing("pkg/data.txt", "one", "two"),
        "pkg/data.txt",
    ),
    Story(
        "a file that goes",
        {"data.txt": "one", "test_it.py": READ},
        removing("data.txt"),
        "file data.txt",
    ),
    Story(
        "a file that appears",
        {
            "test_it.py": """
                import pytest
                def test_it():
                    with pytest.raises(FileNotFoundError):
                        open("data.txt")
                """
        },
        writing("data.txt", "one"),
        "path data.txt, absent before,",
    ),
    Story(
        "a database",
        {
            "data.db": "",
            "test_it.py": """
                import sqlite3
                def test_it():
                    tables = sqlite3.connect("data.db").execute("SELECT * FROM sqlite_master")
                    assert tables.fetchall() == []
                """,
        },
        lambda project: project.write({"data.db": database_with_a_table()}),
        "data.db",
    ),
)  # fmt: skip
def test_goes_stale(project: Project, story: Story) -> None:
    story.tell(project)


def replayed_when_nothing_changed(project: Project, test: str, **files: str) -> None:
    project = project.write({"test_it.py": test, **files})
    first, second = project.run("--cachekit"), project.run("--cachekit")

    assert first.outcomes == {IT: "passed"}, first.stdout
    assert second.verdicts == {IT: "hit"}, second.reasons


@pytest.mark.parametrize(
    "test",
    [
        """
        def test_it(tmp_path):
            file = tmp_path / "made.txt"
            assert not file.exists()
            file.write_text("text")
            assert file.read_text() == "text"
            assert [path.name for path in tmp_path.iterdir()] == ["made.txt"]
        """,
        """
        import tempfile, os
        def test_it():
            with tempfile.TemporaryDirectory() as folder:
                open(os.path.join(folder, "made.txt"), "w").close()
                assert os.listdir(folder) == ["made.txt"]
        """,
        """
        import tempfile
        def test_it():
            with tempfile.NamedTemporaryFile("w+") as file:
                file.write("text")
                file.seek(0)
                assert file.read() == "text"
        """,
        """
        import os
        def test_it():
            with open("made.txt", "w") as file:
                file.write("text")
            assert open("made.txt").read() == "text"
            os.remove("made.txt")
        """,
        """
        def test_it(capfd):
            print(open("/dev/null").read())
        """,
        """
        def test_it(tmp_path):
            package = tmp_path / "lib" / "site-packages" / "package"
            package.mkdir(parents=True)
            (package / "made.txt").write_text("text")
            assert (package / "made.txt").read_text() == "text"
        """,
    ],
    ids=[
        "tmp_path", "TemporaryDirectory", "NamedTemporaryFile", "in the project", "devices",
        "called site-packages",
    ],
)  # fmt: skip
def test_files_that_a_test_makes_itself_are_no_inputs(project: Project, test: str) -> None:
    replayed_when_nothing_changed(project, test)


def test_a_file_rewritten_alike_is_unchanged(project: Project) -> None:
    project = project.write({"data.txt": "one", "test_it.py": READ})
    project.run("--cachekit")

    assert project.touch().run("--cachekit").verdicts == {IT: "hit"}


def test_a_file_that_nobody_read_is_no_input(project: Project) -> None:
    project = project.write({"data.txt": "one", "other.txt": "one", "test_it.py": READ})
    project.run("--cachekit")
    run = project.edit({"other.txt": "two"}).write({"more/new.txt": ""}).run("--cachekit")

    assert run.verdicts == {IT: "hit"}


def test_a_path_that_is_not_text_makes_its_reader_uncacheable(project: Project) -> None:
    test = "import os\n\ndef test_it():\n    assert not os.path.exists(b'gone-\\xff')\n"
    project = project.write({"test_it.py": test, "test_other.py": "def test_other(): pass\n"})
    project.run("--cachekit")
    second = project.run("--cachekit")

    assert second.verdicts == {
        "test_it.py::test_it": "uncacheable",
        "test_other.py::test_other": "hit",
    }
    assert "not text" in second.reasons["test_it.py::test_it"]


def test_whether_a_program_can_be_run_counts_for_who_looks_for_it(project: Project) -> None:
    project = project.write(
        {
            "bin/deploy": "#!/bin/sh",
            "test_it.py": """
                import shutil
                def test_it(): assert shutil.which("deploy", path="bin") is None
                """,
        }
    )
    project.run("--cachekit")
    assert project.run("--cachekit").verdicts == {IT: "hit"}

    (project.root / "bin/deploy").chmod(0o755)

    assert project.run("--cachekit").verdicts == {IT: "stale"}
