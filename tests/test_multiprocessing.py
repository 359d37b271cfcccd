"""Processes of multiprocessing tell what they read, where they end by themselves."""

from __future__ import annotations

import pytest

from .harness import Project
from .stories import IT


@pytest.mark.parametrize(
    "body",
    [
        """
        pool = multiprocessing.get_context(METHOD).Pool(1)
        assert pool.map(work.work, [1]) == [2]
        pool.close()
        pool.join()
        """,
        """
        child = multiprocessing.get_context(METHOD).Process(target=work.check)
        child.start()
        child.join()
        assert child.exitcode == 0
        """,
        """
        context = multiprocessing.get_context(METHOD)
        with concurrent.futures.ProcessPoolExecutor(1, mp_context=context) as pool:
            assert pool.submit(work.work, 1).result() == 2
        """,
        """
        child = multiprocessing.get_context(METHOD).Process(target=work.check_in_child)
        child.start()
        child.join()
        assert child.exitcode == 0
        """,
    ],
    ids=["pool", "process", "executor", "child of a child"],
)
@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_processes_of_multiprocessing(project: Project, method: str, body: str) -> None:
    before = project.write(
        {
            "work.py": """
                import multiprocessing
                def work(number):
                    return number + 1
                def check():
                    assert work(1) == 2
                def check_in_child():
                    child = multiprocessing.Process(target=check)
                    child.start()
                    child.join()
                    assert child.exitcode == 0
                """,
            "test_it.py": "import concurrent.futures, multiprocessing, work\ndef test_it():"
            + body.replace("METHOD", repr(method)),
        }
    )
    first, second = before.run("--cachekit"), before.run("--cachekit")
    assert first.verdicts == {IT: "miss"}, first.reasons
    assert second.verdicts == {IT: "hit"}, second.reasons
    run = before.replace("work.py", "+ 1", "+ 2").run("--cachekit")
    # A pool that an exception leaves is terminated, and its workers tell nothing.
    assert run.verdicts[IT] in ("stale", "uncacheable")
    assert run.outcomes == {IT: "failed"}


def test_what_a_server_of_forks_runs_is_not_seen(project: Project) -> None:
    before = project.write(
        {
            "test_it.py": """
                import multiprocessing
                def start():
                    child = multiprocessing.get_context("forkserver").Process(target=print)
                    child.start()
                    child.join()
                def test_it(): start()
                def test_next(): start()
                """
        }
    )
    run = before.run("--cachekit")
    assert set(run.verdicts.values()) == {"uncacheable"}
