"""Functions, commands and snippets in one cache: what is kept, for how long, and why not."""

from __future__ import annotations

import builtins
import os
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from pytest_cachekit.actions.execution import ExecutionCache
from pytest_cachekit.errors import CacheUnavailableWarning, CacheUsageError
from pytest_cachekit.inputs.tracing.audit import is_watched
from tests.execution.conftest import Clock


@dataclass
class Box:
    value: int

    def show(self) -> int:
        return self.value


def give_back(value: Any) -> Any:
    return value


def fail(argument: str) -> None:
    raise ValueError("no", argument)


def read_number(path: str) -> int:
    with open(path) as stream:
        return int(stream.read())


def plus_one(inner: Callable[[str], int], path: str) -> int:
    return inner(path) + 1


def read_in_thread(path: str) -> int:
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(read_number, path).result()


def test_statistics_and_what_clearing_removed(cache: ExecutionCache) -> None:
    for _ in range(3):
        cache.run_code("print(1)")
    stats = cache.stats().as_dict()

    assert stats["cache"]["total_hits"] == stats["cache"]["hits"] == 2
    assert (stats["cache"]["size"], stats["cache"]["max_size"]) == (1, 100)
    assert stats["cache"]["ttl"] == 3600
    assert stats["timestamp"] == "1970-01-12T13:46:40+00:00"
    assert cache.clear().entries == 1
    assert cache.stats().size == 0
    assert not cache.run_code("print(1)").cached


def test_hits_of_all_processes_are_counted(cache: ExecutionCache) -> None:
    for _ in range(2):
        with ExecutionCache(root=cache.root) as other:
            other.run_command(["true"])
            other.run_command(["true"])
    assert cache.stats().total_hits == 3


def test_results_expire(cache: ExecutionCache, clock: Clock) -> None:
    cache.run_command(["true"])
    clock.now += 3599
    assert cache.run_command(["true"]).cached
    clock.now += 1
    assert not cache.run_command(["true"]).cached
    clock.now += 3600
    assert cache.remove_expired().entries == 1


def test_removal_by_tag_by_age_and_by_file(cache: ExecutionCache, clock: Clock) -> None:
    (cache.root / "data").mkdir()
    for name in ("a", "b"):
        (cache.root / "data" / name).write_text("")
        cache.run_command(["cat", f"data/{name}"], inputs=[f"data/{name}"], tags=[name, "both"])
    clock.now += 10
    cache.run_command(["true"], tags=["c"])

    assert cache.invalidate("other").entries == 0
    assert cache.invalidate_tag("b").entries == 1
    assert cache.invalidate(cache.root / "data" / "a").entries == 1
    assert cache.invalidate_older(5).entries == 0
    clock.now += 10
    assert cache.invalidate_older(5).entries == 1


def test_a_function_is_invalidated_by_what_it_read(cache: ExecutionCache) -> None:
    (cache.root / "n").write_text("3")
    read = cache.memoize(read_number)
    assert [read(str(cache.root / "n")) for _ in range(2)] == [3, 3]
    assert cache.stats().hits == 1

    assert cache.invalidate("n").entries == 1
    assert read.explain(str(cache.root / "n")).kind == "miss"


def test_no_more_entries_than_allowed_are_kept_the_least_used_go(
    tmp_path: Path, clock: Clock
) -> None:
    with ExecutionCache(root=tmp_path, max_size=3, clock=clock) as cache:
        for word in ("a", "b", "c", "a", "d"):
            clock.now += 1
            cache.run_command(["echo", word])

        assert cache.stats().size == 3
        assert [cache.run_command(["echo", word]).cached for word in "acd"] == [True] * 3


def test_files_that_nothing_needs_any_more_go_too(cache: ExecutionCache) -> None:
    for tag in "ab":
        cache.run_command(["sh", "-c", f"echo hi > {tag}"], outputs=[tag], tags=[tag])
    cache.invalidate_tag("a")
    assert len(list(cache._backend.keys("blob:"))) == 1
    cache.clear()
    assert list(cache._backend.keys("blob:")) == []


def test_failures_are_raised_again_if_asked_for(cache: ExecutionCache) -> None:
    for failures, hits in ((False, 0), (True, 1)):
        function = cache.memoize(failures=failures)(fail)
        for _ in range(2):
            with pytest.raises(ValueError, match="no") as caught:
                function("x")
            assert caught.value.args == ("no", "x")
        assert cache.stats().hits == hits


@pytest.mark.parametrize(
    ("value", "options"),
    [
        ({"a": [1, 2.5, None, b"x"]}, {}),
        ((1, "two"), {"type": tuple[int, str]}),
        ({1, 2}, {"type": set[int]}),
        ((1, {2}), {"codec": "pickle", "signing_key": "a key of this test"}),
    ],
)
def test_results_keep_their_type(
    cache: ExecutionCache, value: object, options: dict[str, Any]
) -> None:
    function = cache.memoize(**options)(give_back)

    assert [function(value), function(value)] == [value, value]
    assert cache.stats().hits == 1


def test_arguments_are_told_apart_by_value_and_type(cache: ExecutionCache) -> None:
    function = cache.memoize(give_back)
    for value in (1, 1.0, True, "1", [1], {"a": 1}, {"b": 1}, Box(1), Box(2)):
        assert function.explain(value).kind == "miss"
        function(value)
    assert cache.stats().hits == 0
    assert function.explain([1]).kind == "hit"
    assert function.explain({"a": 1}).kind == "hit"
    # What can't be looked at can't be told apart.
    assert function.explain(iter([])).kind == "miss"
    assert function.explain(open(os.devnull)).kind == "uncacheable"  # noqa: SIM115
    assert function(function) is function


def test_a_method_depends_on_its_object(cache: ExecutionCache) -> None:
    show = cache.memoize(Box.show)
    assert [show(Box(1)), show(Box(2)), show(Box(1))] == [1, 2, 1]
    assert cache.stats().hits == 1


def test_a_call_within_a_call_hands_its_inputs_on(cache: ExecutionCache) -> None:
    path = cache.root / "n"
    path.write_text("3")
    inner = cache.memoize(read_number)
    outer = cache.memoize(plus_one)
    assert inner(str(path)) == 3
    # The inner one is replayed while the outer one runs.
    assert outer(inner, str(path)) == 4
    assert outer(inner, str(path)) == 4
    assert cache.stats().hits == 2

    path.write_text("5")
    assert outer(inner, str(path)) == 6


def test_threads_that_compute_side_by_side(cache: ExecutionCache) -> None:
    paths = [cache.root / str(number) for number in range(8)]
    for path in paths:
        path.write_text(path.name)
    read = cache.memoize(read_number)
    with ThreadPoolExecutor(8) as pool:
        for _ in range(3):
            assert list(pool.map(read, map(str, paths))) == list(range(8))
    for path in paths:
        path.write_text(f"1{path.name}")
        assert read(str(path)) == int(f"1{path.name}")


def test_what_a_thread_of_the_call_reads_counts(cache: ExecutionCache) -> None:
    path = cache.root / "n"
    path.write_text("3")
    read = cache.memoize(read_in_thread)
    assert [read(str(path)), read(str(path))] == [3, 3]

    path.write_text("5")
    assert read(str(path)) == 5


def test_modes(cache: ExecutionCache) -> None:
    cache.run_command(["true"])
    for mode, word, cached in (
        ("read-only", "true", True),
        ("refresh", "true", False),
        ("read-only", "false", False),
    ):
        with ExecutionCache(root=cache.root, mode=mode) as other:  # type: ignore[arg-type]
            assert other.run_command([word], failures=True).cached is cached
    assert cache.stats().size == 1
    with pytest.raises(CacheUsageError, match="is unknown"):
        ExecutionCache(mode="write-only")  # type: ignore[arg-type]


def test_a_broken_cache_breaks_nothing(tmp_path: Path) -> None:
    with ExecutionCache(root=tmp_path) as cache:
        cache.run_command(["true"])
        (tmp_path / ".cachekit" / "cache.db").write_bytes(b"garbage" * 1000)
    with ExecutionCache(root=tmp_path) as broken:
        with pytest.warns(CacheUnavailableWarning, match="delete the directory"):
            assert broken.run_command(["echo", "on"]).stdout == b"on\n"
        assert broken.memoize(give_back)(3) == 3


def test_what_cannot_be_remembered_is_told_at_once(cache: ExecutionCache) -> None:
    async def wait() -> None: ...

    with pytest.raises(CacheUsageError, match="can't be remembered"):
        cache.memoize(wait)
    with pytest.raises(CacheUsageError, match="signed"):
        cache.memoize(codec="pickle")(give_back)


def test_nothing_stays_watched_after_a_call(cache: ExecutionCache) -> None:
    watched = [os.stat, builtins.__import__, type(os.environ).__getitem__, subprocess.Popen]
    cache.memoize(give_back)(2.0)

    assert not is_watched()
    assert watched == [
        os.stat, builtins.__import__, type(os.environ).__getitem__, subprocess.Popen
    ]  # fmt: skip
