"""Python children are traced from their first line, and what they read is their test's."""

from __future__ import annotations

import sys

from .harness import Project
from .stories import BYSTANDER, IT, side_by_side

RUN = """
    import subprocess, sys
    def test_it():
        out = subprocess.run([sys.executable, *ARGUMENTS], capture_output=True, text=True)
        assert out.stdout.strip() == "1", out.stderr
    """


def starting(project: Project, arguments: str, **files: str) -> Project:
    named = {name.replace("__", "/") + ".py": text for name, text in files.items()}
    return project.write({"test_it.py": RUN.replace("ARGUMENTS", arguments), **named})


def hits_twice(before: Project) -> None:
    first, second = before.run("--cachekit"), before.run("--cachekit")
    assert first.verdicts == {IT: "miss"}, first.reasons
    assert first.outcomes == {IT: "passed"}
    assert second.verdicts == {IT: "hit"}, second.reasons


def fails_after(after: Project, named: str) -> None:
    run = after.run("--cachekit")
    assert run.verdicts == {IT: "stale"}
    assert named in run.reasons[IT]
    assert run.outcomes == {IT: "failed"}


def test_the_script_itself(project: Project) -> None:
    before = starting(project, "['child.py']", child="print(1)")
    hits_twice(before)
    fails_after(before.edit({"child.py": "print(2)"}), "child.py")


def test_functions_that_ran_in_it_and_no_others(project: Project) -> None:
    library = "def one(): return 1\n\ndef other(): return 1\n"
    before = starting(project, "['-c', 'import lib; print(lib.one())']", lib=library)
    hits_twice(before)
    untouched = before.replace("lib.py", "def other(): return 1", "def other(): return 2")
    assert untouched.run("--cachekit").verdicts == {IT: "hit"}
    fails_after(
        before.replace("lib.py", "def one(): return 1", "def one(): return 2"),
        "function lib.py::one",
    )


def test_import_time_code_of_what_it_imports(project: Project) -> None:
    before = starting(
        project, "['-m', 'package.tool']", package__tool="from package import X\nprint(X)"
    ).write({"package/__init__.py": "X = 1"})
    hits_twice(before)
    fails_after(before.edit({"package/__init__.py": "X = 2"}), "package/__init__.py")


def test_a_module_that_begins_to_shadow(project: Project) -> None:
    before = starting(
        project, "['scripts/tool.py']", scripts__tool="import helper\nprint(helper.X)"
    ).write({"helper.py": "X = 1"})
    before = before.with_environment(PYTHONPATH=str(project.root))
    hits_twice(before)
    fails_after(before.write({"scripts/helper.py": "X = 2"}), "helper")


def test_files_and_variables(project: Project) -> None:
    child = "import os\nprint(int(open('data').read()) + int(os.environ.get('MORE', '0')))"
    before = starting(project, "['child.py']", child=child).write({"data": "1"})
    hits_twice(before)
    fails_after(before.edit({"data": "2"}), "file data")
    fails_after(before.with_environment(MORE="1"), "environment variable MORE")
    unread = before.with_environment(UNREAD="1")
    assert unread.run("--cachekit").verdicts == {IT: "hit"}


def test_a_variable_that_the_test_sets_is_no_input(project: Project) -> None:
    before = project.write(
        {
            "test_it.py": """
                import os, subprocess, sys
                def test_it():
                    subprocess.run(
                        [sys.executable, "-c", "import os; assert os.environ['OWN'] == '1'"],
                        env={**os.environ, "OWN": "1"}, check=True)
                """
        }
    )
    hits_twice(before)


def test_children_of_children(project: Project) -> None:
    child = "import subprocess, sys\nsubprocess.run([sys.executable, 'inner.py'])"
    before = starting(project, "['child.py']", child=child, inner="print(open('data').read())")
    before = before.write({"data": "1"})
    hits_twice(before)
    fails_after(before.edit({"data": "2"}), "file data")


def test_files_between_parent_and_child_are_no_inputs(project: Project) -> None:
    before = project.write(
        {
            "test_it.py": """
                import subprocess, sys
                def test_it(tmp_path):
                    (tmp_path / "in").write_text("1")
                    (tmp_path / "tool.py").write_text("open('out', 'w').write(open('in').read())")
                    subprocess.run([sys.executable, "tool.py"], cwd=tmp_path, check=True)
                    assert (tmp_path / "out").read_text() == "1"
                """
        }
    )
    hits_twice(before)


def test_a_file_that_the_test_writes_after_the_child_has_read_it(project: Project) -> None:
    before = project.write(
        {
            "test_it.py": """
                import subprocess, sys
                def test_it():
                    program = "assert open('data').read() == '1'"
                    subprocess.run([sys.executable, "-c", program], check=True)
                    open("data", "w").write("1")
                """,
            "data": "1",
        }
    )
    before.run("--cachekit")
    run = before.edit({"data": "2"}).run("--cachekit")
    assert run.outcomes == {IT: "failed"}


def test_a_variable_that_another_test_left(project: Project) -> None:
    before = project.write(
        {
            "test_it.py": """
                import os, subprocess, sys
                import lib
                def test_a_leaves_it(): os.environ["LEFT"] = lib.value()
                def test_it():
                    program = "import os; assert os.environ['LEFT'] == '1'"
                    subprocess.run([sys.executable, "-c", program], check=True)
                """,
            "lib.py": "def value(): return '1'",
        }
    )
    assert set(before.run("--cachekit").outcomes.values()) == {"passed"}
    run = before.replace("lib.py", "'1'", "'2'").run("--cachekit")
    assert run.outcomes[IT] == "failed"


def test_ways_to_start_a_program(project: Project) -> None:
    starts = [
        "os.system(f'{sys.executable} child.py') == 0",
        "subprocess.run(f'{sys.executable} child.py', shell=True).returncode == 0",
        "os.popen(f'{sys.executable} child.py').close() is None",
        "subprocess.run([sys.executable, '-'], stdin=open('child.py')).returncode == 0",
        "subprocess.run(['./child.py']).returncode == 0",
        "subprocess.run([sys.executable, '-I', 'child.py']).returncode == 0",
        "subprocess.run([sys.executable, '-m', 'child'], close_fds=False).returncode == 0",
    ]
    imports = "import os, subprocess, sys"
    before = project.write(
        {
            **side_by_side(f"{imports}\ndef test_it(): assert {start}" for start in starts),
            "conftest.py": "import os\nos.chmod('child.py', 0o755)",
            "child.py": f"#!{sys.executable}\nassert open('data').read() == '1'",
            "data": "1",
        }
    )
    first, second = before.run("--cachekit"), before.run("--cachekit")
    assert set(first.verdicts.values()) == {"miss"}, first.reasons
    assert set(first.outcomes.values()) == {"passed"}
    assert set(second.verdicts.values()) == {"hit"}, second.reasons

    changed = before.edit({"data": "2"}).run("--cachekit")
    verdicts = changed.verdicts
    assert verdicts.pop(BYSTANDER) == "hit"
    assert list(verdicts.values()) == ["stale"] * len(starts), changed.reasons
    assert all("file data" in changed.reasons[nodeid] for nodeid in verdicts)
    assert {changed.outcomes[nodeid] for nodeid in verdicts} == {"failed"}


def test_leaving_by_os_exit_is_reported(project: Project) -> None:
    child = "import os\nprint(open('data').read(), flush=True)\nos._exit(0)"
    before = starting(project, "['child.py']", child=child).write({"data": "1"})
    hits_twice(before)
    fails_after(before.edit({"data": "2"}), "file data")


def test_the_child_sees_nothing_of_it(project: Project) -> None:
    child = "import os\nprint(1 - sum(name.startswith('CACHEKIT_') for name in os.environ))"
    before = starting(project, "['child.py']", child=child)
    hits_twice(before)


def test_the_child_finds_modules_where_it_would(project: Project) -> None:
    child = """
        import sys
        loaded = {"pytest_cachekit", "dataclasses", "importlib.util"} & set(sys.modules)
        import tempfile
        print(tempfile.X if not loaded else loaded)
        """
    before = starting(project, "['scripts/tool.py']").write(
        {"scripts/tool.py": child, "scripts/tempfile.py": "X = 1"}
    )
    hits_twice(before)
    fails_after(before.edit({"scripts/tempfile.py": "X = 2"}), "scripts/tempfile.py")


def test_tests_that_a_child_runs(project: Project) -> None:
    before = project.write(
        {
            "inner/pytest.ini": "[pytest]\nxfail_strict = false",
            "inner/inner.py": """
                import pytest
                @pytest.mark.xfail
                def test_inner(): pass
                """,
            "test_it.py": """
                import subprocess, sys
                def test_it():
                    subprocess.run(
                        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "inner.py"],
                        check=True, cwd="inner")
                """,
        }
    )
    hits_twice(before)
    fails_after(before.replace("inner/pytest.ini", "false", "true"), "inner/pytest.ini")
