"""Python children that don't tell what they read, or not all, make a test uncacheable."""

from __future__ import annotations

import os
import sys

import pytest

from .harness import Project
from .stories import BYSTANDER, IT, side_by_side

PROGRAMS = {
    "killed": "import os; os.kill(os.getpid(), 9)",
    "replaced": "import os; os.execv('/bin/true', ['true'])",
    "starts a shell": "import os; os.system('true && true')",
    "runs code between fork and exec": (
        "import os, subprocess, sys; subprocess.run([sys.executable, '-c', ''], "
        "preexec_fn=lambda: os.stat('inner.py'))"
    ),
    "writes into the project": "open('written', 'w').write('')",
    "starts a child that isn't traced": (
        "import os, subprocess as s, sys; s.run([sys.executable, '-S', '-c', ''])"
    ),
    "leaves a child running": (
        "import subprocess, sys; subprocess.Popen([sys.executable, '-c', 'input()'])"
    ),
    "may replay tests": (
        "import pytest; pytest.main(['inner.py', '-p', 'no:randomly', '-p', 'cachekit', "
        "'--cachekit', '--cachekit-url=memory:'])"
    ),
}


def test_what_is_not_seen_makes_the_test_uncacheable(project: Project) -> None:
    starting = """
        import subprocess, sys
        def test_it():
            subprocess.run([sys.executable, "-c", {!r}], stdin=subprocess.PIPE)
        """
    tests = side_by_side(starting.format(program) for program in PROGRAMS.values())
    before = project.write({"inner.py": "def test_inner(): pass", **tests})
    for verdict in ("miss", "hit"):
        run = before.run("--cachekit")
        verdicts = run.verdicts
        assert verdicts.pop(BYSTANDER) == verdict
        assert list(verdicts.values()) == ["uncacheable"] * len(PROGRAMS), run.reasons
        assert all("starts a process" in run.reasons[nodeid] for nodeid in verdicts)


def test_what_a_shell_does_besides_is_not_seen(project: Project) -> None:
    commands = [
        "python child.py; true",
        "python child.py && true",
        "python $(echo child.py)",
        "VALUE=1 python child.py",
        "python child.py < data",
        "exec python child.py",
        ". ./child.py",
    ]
    lines = [command.replace("python", sys.executable) for command in commands]
    tests = side_by_side(
        f"import os\ndef test_it(): assert os.system({line!r}) == 0" for line in lines
    )
    verdicts = project.write({**tests, "child.py": "", "data": "1"}).run("--cachekit").verdicts

    assert verdicts.pop(BYSTANDER) == "miss"
    assert list(verdicts.values()) == ["uncacheable"] * len(commands)


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
