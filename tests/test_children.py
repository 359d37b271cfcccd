"""What a child process reads that isn't Python can't be seen; a marker can declare it."""

from __future__ import annotations

import sys

import pytest

from .harness import Project
from .stories import BYSTANDER, IT, side_by_side

# One that can't be traced.
CHILD = """
    import subprocess, sys
    import pytest
    MARK
    def test_it():
        out = subprocess.run([sys.executable, "-S", "child.py"], capture_output=True, text=True)
        assert out.stdout.strip() == "1"
    """


def project_with_child(project: Project, mark: str = "") -> Project:
    return project.write(
        {
            "test_it.py": CHILD.replace("MARK", mark),
            "child.py": "print(1)",
            "data/one.txt": "one",
        }
    )


UNSEEN = {
    "subprocess.run": "import subprocess; subprocess.run(['grep', '-c', '1', '/dev/null'])",
    "subprocess by shell": "import subprocess; subprocess.run('true && true', shell=True)",
    "os.system": "import os; os.system('true && true')",
    "os.popen": "import os; os.popen('true && true').read()",
    "os.fork": "import os, signal; pid = os.fork(); pid or os.kill(os.getpid(), 9); os.wait()",
    "os.posix_spawn": (
        "import os; os.waitpid(os.posix_spawn('{python}', ['python', '-c', ''], {{}}), 0)"
    ),
    "os.spawnv": "import os; os.spawnv(os.P_WAIT, '{python}', ['python', '-c', ''])",
    "multiprocessing": (
        "import multiprocessing as m; p = m.get_context('forkserver').Process(target=print); "
        "p.start(); p.join()"
    ),
    "asyncio": (
        "import asyncio\n"
        "    async def child():\n"
        "        await (await asyncio.create_subprocess_exec('grep', '', '/dev/null')).wait()\n"
        "    asyncio.run(child())"
    ),
}


def test_a_child_makes_a_test_uncacheable(project: Project) -> None:
    bodies = [statement.format(python=sys.executable) for statement in UNSEEN.values()]
    project = project.write(side_by_side(f"def test_it():\n    {body}\n" for body in bodies))

    for verdict in ("miss", "hit"):
        run = project.run("--cachekit")
        verdicts = run.verdicts
        assert verdicts.pop(BYSTANDER) == verdict
        assert list(verdicts.values()) == ["uncacheable"] * len(UNSEEN), run.reasons
        for nodeid in verdicts:
            # asyncio waits for it in a thread of its own, on earlier Pythons.
            assert "process" in run.reasons[nodeid] or "asyncio-waitpid" in run.reasons[nodeid]
        assert set(run.outcomes.values()) == {"passed"}
        assert run.stats["uncacheable"] == len(UNSEEN)


def test_a_child_started_by_a_session_fixture_concerns_all_who_use_it(project: Project) -> None:
    project = project.write(
        {
            "test_it.py": """
                import subprocess, sys
                import pytest
                @pytest.fixture(scope="session")
                def server():
                    subprocess.run(["grep", "", "/dev/null"])
                def test_first(server): pass
                def test_second(server): pass
                def test_without(): pass
                """
        }
    )
    project.run("--cachekit")
    run = project.run("--cachekit")

    assert list(run.verdicts.values()) == ["uncacheable", "uncacheable", "hit"]
    assert "fixture server" in run.reasons["test_it.py::test_second"]


def test_declared_inputs_make_it_cacheable(project: Project) -> None:
    mark = "@pytest.mark.cachekit(inputs=['child.py', 'data/*.txt'])"
    before = project_with_child(project, mark)
    first = before.run("--cachekit")
    second = before.run("--cachekit")

    assert first.verdicts == {IT: "miss"}
    assert second.verdicts == {IT: "hit"}

    for after in (
        before.edit({"child.py": "print(2)"}),
        before.edit({"data/one.txt": "two"}),
        before.write({"data/more.txt": ""}),
        before.remove("data/one.txt"),
    ):
        run = after.run("--cachekit")
        assert run.verdicts == {IT: "stale"}
        assert "declared input" in run.reasons[IT]

    unmatched = before.write({"data/other.csv": ""}).run("--cachekit")
    assert unmatched.verdicts == {IT: "hit"}


def test_one_glob_may_stand_without_a_list(project: Project) -> None:
    before = project_with_child(project, "@pytest.mark.cachekit(inputs='**/*.py')")
    before.run("--cachekit")

    assert before.run("--cachekit").verdicts == {IT: "hit"}
    assert before.edit({"child.py": "print(2)"}).run("--cachekit").verdicts == {IT: "stale"}


def test_declared_variables_make_it_cacheable(project: Project) -> None:
    before = project_with_child(project, "@pytest.mark.cachekit(env=['SHADE'])")
    before.with_environment(SHADE="red").run("--cachekit")

    assert before.with_environment(SHADE="red").run("--cachekit").verdicts == {IT: "hit"}
    assert before.with_environment(SHADE="blue").run("--cachekit").reasons == {
        IT: "environment variable SHADE changed"
    }


@pytest.mark.parametrize("where", ["function", "class", "module", "conftest"])
def test_a_marker_switches_caching_off(project: Project, where: str) -> None:
    mark = "pytest.mark.cachekit(enabled=False, reason='talks to the moon')"
    files = {
        "function": f"@{mark}\ndef test_it(): pass",
        "class": f"@{mark}\nclass TestClass:\n    def test_it(self): pass",
        "module": f"pytestmark = {mark}\ndef test_it(): pass",
        "conftest": "def test_it(): pass",
    }
    project = project.write({"test_it.py": f"import pytest\n{files[where]}"})
    if where == "conftest":
        project = project.write(
            {
                "conftest.py": f"""
                    import pytest
                    def pytest_collection_modifyitems(items):
                        for item in items:
                            item.add_marker({mark})
                    """
            }
        )
    project.run("--cachekit")
    run = project.run("--cachekit")

    assert set(run.verdicts.values()) == {"uncacheable"}
    assert all("talks to the moon" in reason for reason in run.reasons.values())


def test_a_thread_that_outlives_its_test_makes_it_uncacheable(project: Project) -> None:
    project = project.write(
        {
            "test_it.py": """
                import threading
                done = threading.Event()
                def test_it(): threading.Thread(target=done.wait, name="lingerer").start()
                def test_z_ends_it(): done.set()
                """
        }
    )
    run = project.run("--cachekit")

    assert run.verdicts[IT] == "uncacheable"
    assert "lingerer" in run.reasons[IT]


def test_a_connection_to_elsewhere_makes_it_uncacheable(project: Project) -> None:
    project = project.write(
        {
            "test_it.py": """
                import socket
                def test_it():
                    with socket.socket() as s:
                        s.setblocking(False)
                        s.connect_ex(("192.0.2.1", 9))
                def test_loopback():
                    with socket.socket() as s, socket.socket() as t:
                        s.bind(("127.0.0.1", 0))
                        s.listen()
                        t.connect(s.getsockname())
                """
        }
    )
    project.run("--cachekit")
    run = project.run("--cachekit")

    assert run.verdicts == {IT: "uncacheable", "test_it.py::test_loopback": "hit"}
    assert "192.0.2.1" in run.reasons[IT]
