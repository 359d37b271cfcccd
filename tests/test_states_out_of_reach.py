"""State that a test can't come to is no input of it, though it names the same attributes."""

from __future__ import annotations

from .harness import Project

COMMANDS = """
    class Command:
        _help = None

        def help(self):
            if self._help is None:
                self._help = self.text()
            return self._help

        def text(self):
            return "some"

    class Special(Command):
        def text(self):
            return special()

    def special():
        return "special"

    TABLE = {}
    """
TEST_A = """
    from commands import Special
    COMMAND = Special()
    def test_a():
        assert COMMAND.help()
    """
TEST_B = """
    from commands import Command
    def test_b():
        assert Command().help() == "some"
    """
EDIT = 'return "special"', 'return "very special"'


def test_what_lies_in_another_test_file_alone(project: Project) -> None:
    project = project.write({"commands.py": COMMANDS, "test_a.py": TEST_A, "test_b.py": TEST_B})
    project.run("--cachekit")

    run = project.replace("commands.py", *EDIT).run("--cachekit")

    assert run.verdicts == {"test_a.py::test_a": "stale", "test_b.py::test_b": "hit"}


def test_unless_something_else_holds_it(project: Project) -> None:
    kept = TEST_A + "\n    import commands\n    commands.TABLE['a'] = [{'b': [{'c': [COMMAND]}]}]"
    found = """
        from commands import TABLE
        def test_b():
            assert TABLE["a"][0]["b"][0]["c"][0].help() == "special"
        """
    project = project.write({"commands.py": COMMANDS, "test_a.py": kept, "test_b.py": found})
    project.run("--cachekit")

    run = project.replace("commands.py", *EDIT).run("--cachekit")

    assert run.verdicts == {"test_a.py::test_a": "stale", "test_b.py::test_b": "stale"}
    assert run.counts["failed"] == 1


def test_what_lies_in_something_that_came_to_a_table_which_it_does_not_use(
    project: Project,
) -> None:
    filling = """
        from commands import TABLE, Special
        def test_a():
            TABLE["a"] = Special()
            assert TABLE["a"].help()
        """
    project = project.write({"commands.py": COMMANDS, "test_a.py": filling, "test_b.py": TEST_B})
    project.run("--cachekit")

    run = project.replace("commands.py", *EDIT).run("--cachekit")

    assert run.verdicts == {"test_a.py::test_a": "stale", "test_b.py::test_b": "hit"}


def test_unless_it_is_handed_something_from_there(project: Project) -> None:
    filling = """
        from commands import TABLE, Special
        def test_a():
            TABLE["a"] = Special()
            assert TABLE["a"].help()
        """
    handed = """
        import pytest
        import commands
        @pytest.fixture
        def command():
            return commands.TABLE["a"]
        def test_b(command):
            assert command.help() == "special"
        """
    project = project.write({"commands.py": COMMANDS, "test_a.py": filling, "test_b.py": handed})
    project.run("--cachekit")

    run = project.replace("commands.py", *EDIT).run("--cachekit")

    assert run.verdicts == {"test_a.py::test_a": "stale", "test_b.py::test_b": "stale"}
    assert run.counts["failed"] == 1
