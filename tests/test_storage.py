"""One contract for every backend: bytes under keys, one by one, in batches, side by side."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pytest_cachekit.errors import StorageError
from pytest_cachekit.storage import Backend, open_backend

URLS = {"memory": "memory:", "file": "file:cache"}


@pytest.fixture(params=list(URLS))
def backend(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Backend]:
    opened = open_backend(URLS[request.param], relative_to=tmp_path)
    yield opened
    opened.close()


@pytest.fixture
def file_backend(tmp_path: Path) -> Iterator[Backend]:
    opened = open_backend("file:cache", relative_to=tmp_path)
    yield opened
    opened.close()


@pytest.mark.parametrize(
    "value",
    [b"", b"text", bytes(range(256)), b"\x80\x04\x95.", b"\0" * 10, b"x" * 40_000],
    ids=["empty", "text", "every byte", "like a pickle", "zeros", "as large as a page"],
)
def test_bytes_come_back_as_they_were(backend: Backend, value: bytes) -> None:
    backend.set_many({"key": value})

    assert backend.get_many(["key"]) == {"key": value}


@pytest.mark.parametrize(
    "key",
    ["a", "tests:1:abc:pkg/test_it.py", "with space", "ünï€ode ☃", "per%_", "'; DROP", "n" * 2000],
    ids=lambda key: key[:12],
)
def test_any_text_is_a_key(backend: Backend, key: str) -> None:
    backend.set_many({key: b"value", key + "x": b"other"})

    assert backend.get_many([key]) == {key: b"value"}
    assert sorted(backend.keys(key)) == sorted([key, key + "x"])
    assert backend.delete_many([key])
    assert backend.get_many([key, key + "x"]) == {key + "x": b"other"}


def test_an_empty_backend_holds_nothing(backend: Backend) -> None:
    assert backend.get_many(["a", "b"]) == {}
    assert backend.get_many([]) == {}
    assert list(backend.keys()) == []
    assert backend.size() == (0, 0)
    assert not backend.delete_many(["a"])


def test_missing_keys_are_left_out(backend: Backend) -> None:
    backend.set_many({"a": b"1", "c": b"3"})

    assert backend.get_many(["a", "b", "c", "a"]) == {"a": b"1", "c": b"3"}


def test_a_later_value_replaces_an_earlier_one(backend: Backend) -> None:
    backend.set_many({"key": b"first", "other": b"kept"})
    backend.set_many({"key": b"second" * 1000})

    assert backend.get_many(["key", "other"]) == {"key": b"second" * 1000, "other": b"kept"}
    assert backend.size().entries == 2


def test_batches_of_thousands(backend: Backend) -> None:
    items = {f"key{number:04}": str(number).encode() for number in range(2_000)}
    backend.set_many(items)

    assert backend.get_many(items) == items
    assert backend.get_many(key for key in items) == items
    assert backend.size().entries == 2_000
    assert sorted(backend.keys()) == sorted(items)


def test_values_of_megabytes(backend: Backend) -> None:
    items = {"large": bytes(3_000_000), "larger": b"x" * 5_000_000, "small": b"s"}
    backend.set_many(items)

    assert backend.get_many(items) == items
    assert backend.size().bytes >= 8_000_000
    assert backend.delete_many(["larger"])
    assert backend.size().bytes < 8_000_000
    assert backend.get_many(["larger"]) == {}


def test_keys_by_prefix(backend: Backend) -> None:
    backend.set_many(dict.fromkeys(["a:1", "a:2", "ab", "b:1", "A:3", "a%"], b""))

    assert sorted(backend.keys("a:")) == ["a:1", "a:2"]
    assert sorted(backend.keys("a")) == ["a%", "a:1", "a:2", "ab"]
    assert list(backend.keys("a%")) == ["a%"]
    assert list(backend.keys("c")) == []
    assert len(list(backend.keys())) == 6


def test_deleting_tells_how_many_were_there(backend: Backend) -> None:
    backend.set_many({"a": b"1", "b": b"2"})

    assert backend.delete_many(["a", "c"]) == 1
    assert backend.delete_many(["a"]) == 0
    assert list(backend.keys()) == ["b"]


def test_keys_may_be_deleted_while_iterating(backend: Backend) -> None:
    backend.set_many({str(number): b"" for number in range(50)})
    for key in iter(backend.keys()):
        backend.delete_many([key])

    assert backend.size().entries == 0


def test_threads_write_side_by_side(backend: Backend) -> None:
    def write(thread: int) -> None:
        for batch in range(10):
            items = {f"{thread}:{batch}:{number}": b"v" * number for number in range(20)}
            backend.set_many(items)
            assert backend.get_many(items) == items

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(4)))

    assert backend.size().entries == 4 * 10 * 20


def test_url_opens_the_same_backend_again(file_backend: Backend) -> None:
    file_backend.set_many({"key": b"value", "large": bytes(2_000_000)})
    again = open_backend(file_backend.url)

    assert again.get_many(["key", "large"]) == {"key": b"value", "large": bytes(2_000_000)}
    again.set_many({"more": b"m"})
    again.close()
    assert file_backend.get_many(["more"]) == {"more": b"m"}


def test_nothing_is_made_before_the_first_write(file_backend: Backend, tmp_path: Path) -> None:
    file_backend.get_many(["a"])
    file_backend.delete_many(["a"])
    file_backend.size()
    assert list(tmp_path.iterdir()) == []

    file_backend.set_many({"a": b"1"})
    names = {path.name for path in (tmp_path / "cache").iterdir()}
    assert names >= {"cache.db", "format", "CACHEDIR.TAG", ".gitignore"}


def test_threads_that_make_a_cache_at_once_find_it_whole(tmp_path: Path) -> None:
    for attempt in range(10):
        url = f"file:{tmp_path / str(attempt)}"
        together = threading.Barrier(8)

        def write(key: str, url: str = url, together: threading.Barrier = together) -> None:
            together.wait(timeout=60)
            open_backend(url, timeout=10.0).set_many({key: b"value"})

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(write, "abcdefgh"))
        assert sorted(open_backend(url).keys()) == list("abcdefgh")


WRITER = """
import sys
from pytest_cachekit.storage import open_backend
name, url = sys.argv[1:]
backend = open_backend(url)
for batch in range(20):
    backend.set_many({f"{name}:{batch}:{n}": name.encode() * n for n in range(20)})
    backend.set_many({"shared": name.encode()})
backend.close()
"""


def test_processes_write_side_by_side(file_backend: Backend) -> None:
    processes = [
        subprocess.Popen([sys.executable, "-c", WRITER, name, file_backend.url]) for name in "ab"
    ]

    assert [process.wait(timeout=60) for process in processes] == [0, 0]
    assert file_backend.size().entries == 2 * 20 * 20 + 1
    assert file_backend.get_many(["a:19:3", "b:0:2"]) == {"a:19:3": b"aaa", "b:0:2": b"bb"}
    assert file_backend.get_many(["shared"])["shared"] in (b"a", b"b")


def test_a_relative_path_starts_where_it_is_told(tmp_path: Path) -> None:
    for url in ("file:deep/cache", "file://deep/cache"):
        assert open_backend(url, relative_to=tmp_path).url == f"file:{tmp_path / 'deep/cache'}"
    assert open_backend(f"file:{tmp_path}/c%20d").url == f"file:{tmp_path}/c%20d"
    assert open_backend(f"file://{tmp_path}/c%20d").url == f"file:{tmp_path}/c d"


@pytest.mark.parametrize(
    "url", ["", "file", "file:", "file://", "file:/", "memory", "redis", "ftp://host"]
)
def test_other_urls_are_refused_in_one_sentence(url: str) -> None:
    with pytest.raises(StorageError) as raised:
        open_backend(url)

    assert repr(url) in str(raised.value)
    assert "\n" not in str(raised.value)
