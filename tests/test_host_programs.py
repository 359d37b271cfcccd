"""A program that runs pytest within its own process goes on as if nothing had watched."""

from __future__ import annotations

from .harness import Project

HOST = """
    import gc, sys
    import pytest

    before = gc.get_freeze_count()
    status = pytest.main(sys.argv[3:])
    assert gc.get_freeze_count() <= before
    sys.exit(status)
    """


def test_the_collector_sees_all_objects_after_the_run(project: Project) -> None:
    project = project.write({"host.py": HOST, "test_it.py": "def test_it(): pass"})

    for verdict in ("miss", "hit"):
        run = project.run("--cachekit", under=("host",))
        assert run.exit_status == 0, run.stdout + run.stderr
        assert run.verdicts == {"test_it.py::test_it": verdict}


def test_tests_find_all_objects_of_the_project(project: Project) -> None:
    project = project.write(
        {
            "mod.py": "class Thing: pass\nTHING = Thing()",
            "test_it.py": """
                import gc, mod
                def test_it():
                    assert mod.THING in [x for x in gc.get_objects() if type(x) is mod.Thing]
                    assert vars(mod) in gc.get_referrers(mod.THING)
                """,
        }
    )

    assert project.run("--cachekit").exit_status == 0
