"""Python children that don't tell what they read, or not all, make a test uncacheable."""

from __future__ import annotations

import os
import sys

import pytest

from .harness import Project
from .stories import IT


@pytest.mark.parametrize(
    "program",
    [
        pytest.param("import os; os.kill(os.getpid(), 9)", id="killed"),
        pytest.param("import os; os.execv('/bin/true', ['true'])", id="replaced"),
        pytest.param("import os; os.system('true && true')", id="starts a shell"),
        pytest.param(
            "import os, subprocess, sys; subprocess.run([sys.executable, '-c', ''], "
            "preexec_fn=lambda: os.stat('test_it.py'))",
            id="runs code between fork and exec",
        ),
        pytest.param("open('written', 'w').write('')", id="writes into the project"),
        pytest.param(
            "import os, subprocess as s, sys; s.run([sys.executable, '-S', '-c', ''])",
            id="starts a child that isn't traced",
        ),
        pytest.param(
            "import subprocess, sys; subprocess.Popen([sys.executable, '-c', 'input()'])",
            id="leaves a child running",
        ),
        pytest.param(
            "import pytest; pytest.main(['inner.py', '-p', 'no:randomly', '-p', 'cachekit', "
            "'--cachekit', '--cachekit-url=memory:'])",
            id="may replay tests",
        ),
    ],
)
def test_what_is_not_seen_makes_the_test_uncacheable(project: Project, program: str) -> None:
    before = project.write(
        {
            "inner.py": "def test_inner(): pass",
            "test_it.py": f"""
                import subprocess, sys
                def test_it():
                    subprocess.run([sys.executable, "-c", {program!r}], stdin=subprocess.PIPE)
                """,
        }
    )
    for run in (before.run("--cachekit"), before.run("--cachekit")):
        assert run.verdicts == {IT: "uncacheable"}, run.reasons
        assert "starts a process" in run.reasons[IT]


@pytest.mark.parametrize(
    "command",
    [
        "python child.py; true",
        "python child.py && true",
        "python $(echo child.py)",
        "VALUE=1 python child.py",
        "python child.py < data",
        "exec python child.py",
        ". ./child.py",
    ],
)
def test_what_a_shell_does_besides_is_not_seen(project: Project, command: str) -> None:
    command = command.replace("python", sys.executable)
    before = project.write(
        {
            "test_it.py": f"import os\ndef test_it(): assert os.system({command!r}) == 0",
            "child.py": "",
            "data": "1",
        }
    )
    assert before.run("--cachekit").verdicts == {IT: "uncacheable"}


def test_an_interpreter_without_this_package_does_not_tell(project: Project) -> None:
    python = os.path.realpath(sys.executable)
    before = project.write(
        {"test_it.py": f"import subprocess\ndef test_it(): subprocess.run([{python!r}, '-c', ''])"}
    )
    run = before.run("--cachekit")
    assert run.reasons == {IT: f"starts a process ({os.path.basename(python)}) that doesn't tell "
                               "what it reads"}  # fmt: skip


@pytest.mark.parametrize("option", ["-S", "-I -S"])
def test_a_child_that_reads_no_pth_files_is_not_traced(project: Project, option: str) -> None:
    words = [sys.executable, *option.split(), "-c", ""]
    before = project.write(
        {"test_it.py": f"import subprocess\ndef test_it(): subprocess.run({words!r})"}
    )
    assert before.run("--cachekit").verdicts == {IT: "uncacheable"}
