"""What is the same in two files, or in two runs, is analysed once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_cachekit.actions.analysis import AnalysisCache
from pytest_cachekit.errors import CacheUsageError
from tests.execution.conftest import Clock

FILES = {"a.py": "x = 1\ny = 2\n", "pkg/b.py": "z = 3\n", "notes.txt": "no code\n"}


def count_lines(content: bytes) -> int:
    return content.count(b"\n")


def count_words(content: bytes) -> int:
    return len(content.split())


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    return write(tmp_path / "workspace", FILES)


def write(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


@pytest.fixture
def cache(workspace: Path, clock: Clock) -> Iterator[AnalysisCache]:
    with AnalysisCache(root=workspace, ttl=60, max_entries=3, clock=clock) as cache:
        yield cache


def test_only_files_that_changed_are_analysed_again(cache: AnalysisCache) -> None:
    first = cache.analyse(count_lines)
    assert first.results == {"a.py": 2, "pkg/b.py": 1}
    assert first.analysed == ("a.py", "pkg/b.py")
    assert cache.analyse(count_lines).reused == ("a.py", "pkg/b.py")

    write(cache.root, {"a.py": "x = 1\n"})
    again = cache.analyse(count_lines)
    assert again.results == {"a.py": 1, "pkg/b.py": 1}
    assert (again.reused, again.analysed) == (("pkg/b.py",), ("a.py",))


def test_names_and_places_do_not_count(cache: AnalysisCache, tmp_path: Path) -> None:
    cache.analyse(count_lines)
    (cache.root / "a.py").rename(cache.root / "c.py")
    assert cache.analyse(count_lines).reused == ("c.py", "pkg/b.py")

    elsewhere = write(tmp_path / "elsewhere", {"d.py": FILES["a.py"]})
    with AnalysisCache(f"file:{cache.root}/.cachekit", root=elsewhere) as other:
        assert other.analyse(count_lines).reused == ("d.py",)


def test_each_analyser_has_results_of_its_own(cache: AnalysisCache) -> None:
    cache.analyse(count_lines, ["a.py"])

    assert cache.analyse(count_words, ["a.py"]).results == {"a.py": 6}


def test_results_expire_and_make_room(cache: AnalysisCache, clock: Clock) -> None:
    for number in range(5):
        clock.now += 1
        write(cache.root, {"a.py": f"x = {number}\n"})
        cache.analyse(count_lines, ["a.py"])
    assert cache.size() == 3
    assert cache.analyse(count_lines, ["a.py"]).reused == ("a.py",)

    clock.now += 60
    assert cache.analyse(count_lines, ["a.py"]).analysed == ("a.py",)
    assert cache.remove_expired().entries >= 1
    assert cache.clear().entries == 1
    assert cache.size() == 0


def test_the_key_of_a_workspace(cache: AnalysisCache, tmp_path: Path) -> None:
    key = cache.workspace_key()
    write(cache.root, {"notes.txt": "changed"})
    assert cache.workspace_key() == key
    with AnalysisCache(root=write(tmp_path / "elsewhere", FILES)) as other:
        assert other.workspace_key() == key

    write(cache.root, {"a.py": "x = 1\ny = 3\n"})
    assert cache.workspace_key() != key
    write(cache.root, FILES)
    assert cache.workspace_key() == key


def test_bad_limits_and_analysers(workspace: Path, cache: AnalysisCache) -> None:
    with pytest.raises(CacheUsageError, match="keeps nothing"):
        AnalysisCache(root=workspace, ttl=0)
    with pytest.raises(CacheUsageError, match="can't be remembered"):
        cache.analyse(len)
