"""Only who rests on what changed runs again; what nobody could notice runs nobody."""

from __future__ import annotations

from pathlib import Path

import pytest

from .harness import After, Project

FILES = {
    "pkg/__init__.py": "",
    "pkg/mod.py": '''
        """A module."""

        def leaf(x):
            # A comment.
            return x + 1


        def other(x):
            return x - 1


        class Thing:
            def method(self):
                return leaf(1)
        ''',
    "pkg/unrelated.py": "def far_away():\n    return 0\n",
    "test_leaf.py": "from pkg.mod import leaf\ndef test_leaf(): assert leaf(1) == 2",
    "test_other.py": "from pkg.mod import other\ndef test_other(): assert other(1) == 0",
    "test_thing.py": "from pkg.mod import Thing\ndef test_thing(): assert Thing().method() == 2",
    "test_far.py": "from pkg import unrelated\ndef test_far(): assert unrelated.far_away() == 0",
}
LEAF, OTHER, THING, FAR = (
    f"test_{name}.py::test_{name}" for name in ("leaf", "other", "thing", "far")
)


def record(project: Project) -> Project:
    project = project.write(FILES)
    assert project.run("--cachekit").counts == {"passed": 4}
    return project


@pytest.fixture
def recorded(after: After) -> Project:
    return after(record)


def stale_after(project: Project) -> set[str]:
    run = project.run("--cachekit")
    assert set(run.verdicts.values()) <= {"hit", "stale"}, run.reasons
    return {nodeid for nodeid, verdict in run.verdicts.items() if verdict == "stale"}


def test_an_edited_leaf_runs_only_who_called_it(recorded: Project) -> None:
    edited = recorded.replace("pkg/mod.py", "x + 1", "1 + x")

    assert stale_after(edited) == {LEAF, THING}


def test_an_edited_method_runs_only_who_called_it(recorded: Project) -> None:
    edited = recorded.replace("pkg/mod.py", "return leaf(1)", "return leaf(2 - 1)")

    assert stale_after(edited) == {THING}


def test_an_edited_test_runs_alone(recorded: Project) -> None:
    assert stale_after(recorded.replace("test_leaf.py", "== 2", "== 1 + 1")) == {LEAF}


def test_an_unrelated_module_runs_only_its_own_tests(recorded: Project) -> None:
    assert stale_after(recorded.replace("pkg/unrelated.py", "return 0", "return 1 - 1")) == {FAR}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("# A comment.", "# Another comment, and a longer one."),
        ("    # A comment.\n", ""),
        ("return x + 1", "return x + 1  # Beside the code."),
        ("    # A comment.", "\n\n    # A comment."),
        ("return x + 1", "return (x\n            + 1)"),
        ("return x + 1", "return (x + 1)"),
        ('"""A module."""\n', '# First line.\n"""A module."""\n'),
        ("class Thing:", "\n\n\nclass Thing:\n    # Here as well.\n"),
    ],
    ids=[
        "comment edited",
        "comment removed",
        "comment beside code",
        "blank lines",
        "line break",
        "parentheses",
        "line inserted above all",
        "class moved down",
    ],
)
def test_what_has_no_effect_runs_nothing(recorded: Project, old: str, new: str) -> None:
    assert stale_after(recorded.replace("pkg/mod.py", old, new)) == set()


def test_touched_files_run_nothing(recorded: Project) -> None:
    assert stale_after(recorded.touch()) == set()


def test_moved_functions_run_nothing(recorded: Project) -> None:
    leaf = "def leaf(x):\n    # A comment.\n    return x + 1\n"
    moved = recorded.replace("pkg/mod.py", leaf, "")
    moved = moved.edit({"pkg/mod.py": moved.files["pkg/mod.py"] + b"\n\n" + leaf.encode()})

    assert stale_after(moved) == set()


def test_a_new_file_beside_runs_nothing(recorded: Project) -> None:
    with_more = recorded.write({"pkg/new.py": "def new(): pass", "notes.txt": "text"})

    assert stale_after(with_more) == set()


def test_a_new_test_runs_alone(recorded: Project) -> None:
    run = recorded.write({"test_new.py": "def test_new(): pass"}).run("--cachekit")

    assert run.stats["replayed"] == 4
    assert run.verdicts["test_new.py::test_new"] == "miss"


def test_a_removed_test_file_runs_nothing(recorded: Project) -> None:
    run = recorded.remove("test_far.py").run("--cachekit")

    assert list(run.verdicts.values()) == ["hit"] * 3


def test_going_back_to_an_old_state_hits(recorded: Project) -> None:
    branch = recorded.replace("pkg/mod.py", "x + 1", "1 + x")
    assert stale_after(branch) == {LEAF, THING}

    assert stale_after(recorded) == set()
    assert stale_after(branch) == set()


def test_states_older_than_the_last_few_are_forgotten_one_by_one(project: Project) -> None:
    states = [
        project.write({"test_it.py": f"def test_it():\n    assert {number} + 1"})
        for number in range(10)
    ]
    for state in states:
        state.run("--cachekit")

    assert states[-2].run("--cachekit").stats["replayed"] == 1
    assert states[0].run("--cachekit").stats["replayed"] == 0


def test_a_copied_project_hits(recorded: Project, tmp_path: Path) -> None:
    copied = recorded.copy_to(tmp_path / "elsewhere" / "copy").touch()

    assert stale_after(copied) == set()


def test_a_shared_cache_serves_another_checkout(project: Project, tmp_path: Path) -> None:
    url = f"--cachekit-url=file:{tmp_path / 'shared'}"
    there = Project(tmp_path / "deep" / "er" / "checkout").write(FILES)
    project.write(FILES).run("--cachekit", url)
    run = there.run("--cachekit", url)

    assert run.stats["replayed"] == 4
    assert not there.cache.exists()


def test_deleted_bytecode_runs_nothing(recorded: Project) -> None:
    for path in recorded.root.rglob("*.pyc"):
        path.unlink()

    assert stale_after(recorded) == set()


def test_runs_with_and_without_the_cache_do_not_disturb_each_other(recorded: Project) -> None:
    plain = recorded.run()

    assert plain.counts == {"passed": 4}
    assert stale_after(recorded) == set()


def test_what_an_instance_holds_is_in_no_order_of_definitions(project: Project) -> None:
    mod = """
        class Thing:
            def __init__(self): self.size = 1
            def copy(self):
                made = Thing()
                made.size = dict(self.__dict__)["size"]
                return made

        def first(): return 1

        def second(): return 2
        """
    test = "import mod\ndef test_it(): assert mod.Thing().copy().size == mod.first()"
    project = project.write({"mod.py": mod, "test_it.py": test})
    project.run("--cachekit")
    first, second = "def first(): return 1", "def second(): return 2"
    moved = project.replace("mod.py", first, "#").replace("mod.py", second, f"{second}\n\n{first}")

    assert moved.run("--cachekit").verdicts == {"test_it.py::test_it": "hit"}


def test_a_file_that_imports_pytest_from_now_on_runs_nothing(recorded: Project) -> None:
    first = "from pkg.mod import leaf\n"

    assert stale_after(recorded.replace("test_leaf.py", first, f"import pytest\n{first}")) == set()


def test_what_is_called_pytest_and_is_no_import_of_it_is_found_by_data(project: Project) -> None:
    files = {
        "jobs.py": "def one():\n    return 1\n\ndef two():\n    return 2\n\npytest = one\n",
        "job.txt": "jobs.pytest",
        "test_it.py": """
            import pydoc
            import jobs
            def test_it():
                with open("job.txt") as stream:
                    assert pydoc.locate(stream.read())() == 1
            """,
    }
    project = project.write(files)
    project.run("--cachekit")

    run = project.replace("jobs.py", "pytest = one", "pytest = two").run("--cachekit")

    assert run.verdicts == {"test_it.py::test_it": "stale"}
    assert run.counts == {"failed": 1}
