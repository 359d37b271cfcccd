"""Only clean passes, skips and expected failures are stored; everything else runs again."""

from __future__ import annotations

import importlib.util
import textwrap

import pytest

from .harness import Project

IT = "test_it.py::test_it"


NEVER_STORED = {
    "failure": ("def test_it(): assert 0", "failed"),
    "pytest.fail": ("def test_it(): pytest.fail('no')", "failed"),
    "setup error": (
        """
        @pytest.fixture
        def broken(): assert 0
        def test_it(broken): pass
        """,
        "error",
    ),
    "teardown error": (
        """
        @pytest.fixture
        def broken():
            yield
            assert 0
        def test_it(broken): pass
        """,
        "error",
    ),
    "xpass": ("@pytest.mark.xfail\ndef test_it(): pass", "xpassed"),
    "strict xpass": ("@pytest.mark.xfail(strict=True)\ndef test_it(): pass", "failed"),
}


@pytest.mark.parametrize(("body", "outcome"), NEVER_STORED.values(), ids=NEVER_STORED)
def test_never_stored(project: Project, body: str, outcome: str) -> None:
    project = project.write({"test_it.py": f"import pytest\n{textwrap.dedent(body)}"})
    first, second = project.run("--cachekit"), project.run("--cachekit")

    for run in (first, second):
        assert run.verdicts == {IT: "miss"}
        assert run.outcomes == {IT: outcome}
        assert run.stats["not_cacheable_outcome"] == 1
    assert first.exit_status == second.exit_status


@pytest.mark.parametrize(
    ("body", "outcome", "in_summary"),
    [
        ("import pytest\ndef test_it():\n    pytest.skip('why')", "skipped", "SKIPPED [1] "),
        (
            "import pytest\n@pytest.mark.skipif(True, reason='why')\ndef test_it(): pass",
            "skipped",
            "SKIPPED [1] test_it.py:2: why",
        ),
        (
            "import pytest\n@pytest.mark.xfail(reason='why')\ndef test_it(): assert 0",
            "xfailed",
            "XFAIL test_it.py::test_it - why",
        ),
        (
            "import pytest\ndef test_it():\n    pytest.xfail('why')",
            "xfailed",
            "XFAIL test_it.py::test_it - ",
        ),
        (
            "import pytest\n@pytest.mark.xfail(run=False, reason='why')\ndef test_it(): assert 0",
            "xfailed",
            "[NOTRUN] why",
        ),
    ],
    ids=["skip", "skipif", "xfail", "imperative xfail", "xfail not run"],
)
def test_stored_and_told_alike(project: Project, body: str, outcome: str, in_summary: str) -> None:
    project = project.write({"test_it.py": body})
    first, second = project.run("--cachekit", "-ra"), project.run("--cachekit", "-ra")

    assert first.outcomes == second.outcomes == {IT: outcome}
    assert second.verdicts == {IT: "hit"}
    assert in_summary in second.plain_stdout
    assert second.plain_stdout == first.plain_stdout


def test_a_failure_does_not_erase_the_pass_before_it(project: Project) -> None:
    passing = project.write({"test_it.py": "def test_it():\n    assert 1 == 1"})
    failing = passing.replace("test_it.py", "1 == 1", "1 == 2")
    passing.run("--cachekit")

    assert failing.run("--cachekit").outcomes == {IT: "failed"}
    assert passing.run("--cachekit").verdicts == {IT: "hit"}


@pytest.mark.skipif(
    importlib.util.find_spec("pytest_rerunfailures") is None,
    reason="pytest-rerunfailures is not installed",
)
def test_a_test_that_passed_when_run_again_is_not_stored(project: Project) -> None:
    project = project.with_plugins("rerunfailures").write(
        {
            "test_it.py": """
                tries = []
                def test_it():
                    tries.append(1)
                    assert len(tries) == 2
                def test_steady():
                    pass
                """
        }
    )
    first, second = project.run("--cachekit", "--reruns=2"), project.run("--cachekit", "--reruns=2")

    assert first.counts == second.counts == {"passed": 2, "rerun": 1}
    assert second.verdicts == {IT: "miss", "test_it.py::test_steady": "hit"}
    assert first.exit_status == second.exit_status == 0


SUBTESTS = """
    def test_it(subtests):
        for number in range(3):
            with subtests.test("a number", number=number):
                assert number < 3
    """
UNITTEST_SUBTESTS = """
    import unittest
    class TestCase(unittest.TestCase):
        def test_it(self):
            for number in range(3):
                with self.subTest(number=number):
                    self.assertLess(number, 3)
    """
needs_subtests = pytest.mark.skipif(
    pytest.version_tuple < (9,), reason="subtests came with pytest 9"
)


@needs_subtests
@pytest.mark.parametrize("tests", [SUBTESTS, UNITTEST_SUBTESTS], ids=["fixture", "unittest"])
def test_passing_subtests_are_replayed(project: Project, tests: str) -> None:
    project = project.write({"test_it.py": tests})
    first, second = project.run("--cachekit", "-v"), project.run("--cachekit", "-v")

    assert set(second.verdicts.values()) == {"hit"}
    assert second.counts == first.counts
    assert second.counts["subtests"] == 3


SKIPPED_SUBTESTS = """
    import pytest
    def test_it(subtests):
        with subtests.test("skipped"):
            pytest.skip("for a reason")
        with subtests.test("failing as expected"):
            pytest.xfail("for another")
        with subtests.test("passed"):
            pass
    """
UNITTEST_SKIPPED_SUBTESTS = """
    import unittest
    class TestCase(unittest.TestCase):
        def test_it(self):
            for number in range(3):
                with self.subTest(number=number):
                    if number:
                        self.skipTest("for a reason")
    """


@needs_subtests
@pytest.mark.parametrize("option", ["-q", "-v", "-n1"])
@pytest.mark.parametrize(
    "tests", [SKIPPED_SUBTESTS, UNITTEST_SKIPPED_SUBTESTS], ids=["fixture", "unittest"]
)
def test_skipped_subtests_are_shown_as_when_they_ran(
    project: Project, tests: str, option: str
) -> None:
    project = project.with_plugins("xdist").write({"test_it.py": tests})
    plain = project.run(option)
    project.run("--cachekit", option)
    replayed = project.run("--cachekit", option)

    assert set(replayed.verdicts.values()) == {"hit"}
    assert replayed.exit_status == plain.exit_status == 0
    assert replayed.counts == plain.counts
    assert replayed.junit == plain.junit
    if option != "-n1":
        assert replayed.plain_stdout == plain.plain_stdout


@needs_subtests
def test_where_a_subtest_was_skipped_moves_with_it(project: Project) -> None:
    text = """
        import pytest
        def test_it(subtests):
            with subtests.test("skipped"):
                pytest.skip("for a reason")
        """
    project = project.write({"test_it.py": text})
    first = project.run("--cachekit", "-v", "-rs")
    moved = project.replace("test_it.py", "import", "import sys\nimport").run(
        "--cachekit", "-v", "-rs"
    )

    assert "test_it.py:4: for a reason" in first.stdout
    assert set(moved.verdicts.values()) == {"hit"}
    assert "test_it.py:5: for a reason" in moved.stdout


@needs_subtests
def test_replayed_subtests_keep_their_descriptions(project: Project) -> None:
    project = project.write({"test_it.py": SUBTESTS})
    first, second = project.run("--cachekit", "-v"), project.run("--cachekit", "-v")

    assert "SUBPASSED[a number] (number=1)" in first.stdout
    assert "SUBPASSED[a number] (number=1)" in second.stdout


@needs_subtests
@pytest.mark.parametrize("tests", [SUBTESTS, UNITTEST_SUBTESTS], ids=["fixture", "unittest"])
def test_a_failed_subtest_is_never_stored(project: Project, tests: str) -> None:
    project = project.write({"test_it.py": tests}).replace(
        "test_it.py", "number=number", "n=number"
    )
    failing = project.write({"test_it.py": project.files["test_it.py"].replace(b"3)", b"4)", 1)})
    first, second = failing.run("--cachekit"), failing.run("--cachekit")

    assert first.exit_status == second.exit_status == 1
    assert first.counts == second.counts
    assert set(second.verdicts.values()) == {"miss"}
