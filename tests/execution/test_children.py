"""Commands and snippets: what is replayed of them, and when they run again."""

from __future__ import annotations

import pytest

from pytest_cachekit.actions.execution import ExecutionCache
from pytest_cachekit.errors import CacheUsageError


def script(cache: ExecutionCache, text: str, name: str = "run.sh") -> None:
    (cache.root / name).write_text(text)


def test_a_command_is_replayed_with_its_files(cache: ExecutionCache) -> None:
    script(cache, "cat data.txt > out/copy.txt; chmod 750 out/copy.txt; echo done; echo oh >&2")
    (cache.root / "data.txt").write_text("one")
    (cache.root / "out").mkdir()

    def run() -> tuple[bytes, bytes, bool, str]:
        done = cache.run_command(
            ["sh", "run.sh"], inputs=["*.txt", "run.sh"], outputs=["out/copy.txt"]
        )
        return done.stdout, done.stderr, done.cached, (cache.root / "out/copy.txt").read_text()

    assert run() == (b"done\n", b"oh\n", False, "one")
    (cache.root / "out/copy.txt").unlink()
    assert run() == (b"done\n", b"oh\n", True, "one")
    assert (cache.root / "out/copy.txt").stat().st_mode & 0o777 == 0o750

    (cache.root / "data.txt").write_text("two")
    assert run() == (b"done\n", b"oh\n", False, "two")
    (cache.root / "data.txt").write_text("one")
    assert run() == (b"done\n", b"oh\n", True, "one")


def test_a_command_sees_the_variables_that_are_named(
    cache: ExecutionCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run() -> tuple[bytes, bool]:
        done = cache.run_command(["sh", "-c", "echo $SEEN $UNSEEN"], env=["SEEN"])
        return done.stdout, done.cached

    monkeypatch.setenv("SEEN", "a")
    monkeypatch.setenv("UNSEEN", "b")
    assert run() == (b"a\n", False)
    monkeypatch.setenv("UNSEEN", "c")
    assert run() == (b"a\n", True)
    monkeypatch.setenv("SEEN", "d")
    assert run() == (b"d\n", False)


def test_a_failing_command_runs_again_unless_failures_are_asked_for(cache: ExecutionCache) -> None:
    for failures, cached in ((False, [False, False]), (True, [False, True])):
        done = [cache.run_command(["sh", "-c", "exit 3"], failures=failures) for _ in range(2)]
        assert [each.status for each in done] == [3, 3]
        assert [each.cached for each in done] == cached


def test_a_command_that_changes_its_own_input_is_not_stored(cache: ExecutionCache) -> None:
    (cache.root / "log.txt").write_text("")
    for _ in range(2):
        assert not cache.run_command(["sh", "-c", "echo >> log.txt"], inputs=["*.txt"]).cached
    assert "its inputs changed" in str(cache.why_not_stored())


def test_a_lost_output_file_makes_it_run(cache: ExecutionCache) -> None:
    arguments = ["sh", "-c", "echo hi > out"]
    cache.run_command(arguments, outputs=["out"])
    cache._backend.clear("blob:")

    assert not cache.run_command(arguments, outputs=["out"]).cached
    assert cache.run_command(arguments, outputs=["out"]).cached


def test_commands_that_make_no_sense(cache: ExecutionCache) -> None:
    with pytest.raises(CacheUsageError, match="outside of the root"):
        cache.run_command(["true"], outputs=["../out"])
    with pytest.raises(CacheUsageError, match="a list of a program"):
        cache.run_command("true")


def test_code_prints_and_returns(cache: ExecutionCache) -> None:
    (cache.root / "data.txt").write_text("one")
    source = (
        "import sys\nprint('Hello')\nprint('oh', file=sys.stderr)\n(open('data.txt').read(), 1)"
    )

    for cached in (False, True):
        done = cache.run_code(source)
        assert (done.stdout, done.stderr, done.status) == ("Hello\n", "oh\n", 0)
        assert done.value == ("one", 1)
        assert done.cached is cached
    (cache.root / "data.txt").write_text("two")
    assert cache.run_code(source).value == ("two", 1)


@pytest.mark.parametrize(
    ("source", "options", "reason"),
    [
        ("while True: pass", {"timeout": 0.4}, "more than 0.4 seconds"),
        ("b'x' * 10**9; None", {"memory": 600_000_000}, "status 1"),
        ("1 / 0", {}, "status 1"),
        ("import os; os.kill(os.getpid(), 9)", {}, "signal 9"),
        ("open('made', 'w').close()", {}, "writes made"),
    ],
)
def test_code_that_is_not_remembered(
    cache: ExecutionCache, source: str, options: dict[str, float], reason: str
) -> None:
    for _ in range(2):
        done = cache.run_code(source, **options)  # type: ignore[arg-type]
        assert not done.cached
    assert reason in str(cache.why_not_stored())


def test_an_error_in_code_is_shown_as_python_shows_it(cache: ExecutionCache) -> None:
    done = cache.run_code("def f():\n    1 / 0\nf()\n", failures=True)

    assert done.status == 1
    assert done.stderr.splitlines()[0] == "Traceback (most recent call last):"
    assert 'File "<code>", line 3, in <module>' in done.stderr.splitlines()[1]
    assert done.stderr.splitlines()[-1] == "ZeroDivisionError: division by zero"
    assert cache.run_code("def f():\n    1 / 0\nf()\n", failures=True).cached
