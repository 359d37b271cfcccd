"""Shelves: nobody's writes are lost, and nothing is read that may not be trusted."""

from __future__ import annotations

import threading
import time
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pytest_cachekit.errors import StorageError
from pytest_cachekit.storage import Backend, Shelf, open_backend, stack
from pytest_cachekit.storage.backend import tag_of
from pytest_cachekit.storage.seal import Seal
from pytest_cachekit.storage.waiting import Immediate

from .caching.servers import Server

SEAL = Seal(b"0123456789abcdef", "tests")
KINDS = ["memory", "file", "server", "tiered"]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    running = Server(tmp_path_factory.mktemp("server")).start()
    yield running
    running.kill()


@pytest.fixture(params=KINDS)
def backend(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Backend]:
    urls = {"memory": "memory:", "file": f"file:{tmp_path / 'cache'}"}
    if request.param in urls:
        opened = open_backend(urls[request.param])
    else:
        running: Server = request.getfixturevalue("server")
        running.client().flushall()
        opened = open_backend(running.url, timeout=5.0)
        if request.param == "tiered":
            opened = Immediate(stack([open_backend("memory:"), opened]))
    yield opened
    opened.close()


def test_a_value_is_replaced_only_while_it_is_the_one_expected(backend: Backend) -> None:
    backend.set_many({"a": b"old", "b": b"other"})
    changed = backend.replace_many(
        {
            "a": (tag_of(b"old"), b"new"),
            "b": (tag_of(b"old"), b"new"),
            "c": (tag_of(b"old"), b"new"),
            "d": (None, b"new"),
            "e": (None, b""),
        }
    )

    assert changed == {"b": b"other", "c": None}
    assert backend.get_many("abcde") == {"a": b"new", "b": b"other", "d": b"new", "e": b""}
    assert backend.replace_many({"d": (None, b"newer"), "e": (None, b"x")}) == {
        "d": b"new",
        "e": b"",
    }


def test_a_key_goes_only_while_it_holds_what_is_expected(backend: Backend) -> None:
    backend.set_many({"a": b"old", "b": b"other", "c": b"-", "d": b"+x"})
    changed = backend.replace_many(
        {
            "a": (tag_of(b"old"), None),
            "b": (tag_of(b"old"), None),
            "c": (tag_of(b"-"), b"-"),
            "d": (tag_of(b"+x"), b"+y"),
            "e": (None, None),
            "f": (tag_of(b"gone"), None),
        }
    )

    assert changed == {"b": b"other", "f": None}
    assert backend.get_many("abcdef") == {"b": b"other", "c": b"-", "d": b"+y"}


def test_thousands_are_replaced_at_once(backend: Backend) -> None:
    items = {f"key{n}": b"%d" % n * 20 for n in range(2_500)}

    assert backend.replace_many({key: (None, value) for key, value in items.items()}) == {}
    assert backend.get_many(items) == items
    backend.set_many({"key7": b"changed", "key2400": b"changed"})
    changed = backend.replace_many({key: (tag_of(value), b"x") for key, value in items.items()})
    assert changed == {"key7": b"changed", "key2400": b"changed"}


def add_word(shelf: Shelf, word: bytes) -> None:
    """Add a word to those that the shelf holds under one key, as runs add to a record."""
    held = shelf.get_many(["words"], to_change=True).get("words", b"")

    def more(words: bytes) -> dict[str, bytes]:
        return {"words": b" ".join(sorted({*words.split(), word}))}

    shelf.change(more(held), lambda changed: more(changed["words"] or b""))


@pytest.mark.parametrize("seal", [None, SEAL], ids=["plain", "signed"])
def test_two_hundred_who_write_the_same_record_at_once_lose_nothing(
    backend: Backend, request: pytest.FixtureRequest, seal: Seal | None
) -> None:
    words = [b"word%d" % number for number in range(200)]
    own = threading.local()

    def write(word: bytes) -> None:
        # Each thread has a connection of its own, but for memory, which all share.
        if not hasattr(own, "backend"):
            in_process = backend.url.startswith(("memory", "tiered"))
            own.backend = backend if in_process else open_backend(backend.url, timeout=10.0)
        add_word(Shelf(own.backend, seal=seal), word)

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(write, words))

    held = Shelf(backend, seal=seal).get_many(["words"])["words"]
    assert held.split() == sorted(words)


def test_a_change_between_reading_and_writing_is_merged(backend: Backend) -> None:
    shelf, other = Shelf(backend), Shelf(backend)
    shelf.get_many(["words"], to_change=True)
    add_word(other, b"theirs")
    shelf.change(
        {"words": b"ours"}, lambda changed: {"words": (changed["words"] or b"") + b" ours"}
    )

    assert shelf.get_many(["words"]) == {"words": b"theirs ours"}


def test_who_is_outrun_all_the_time_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "sleep", lambda _: None)
    backend = open_backend("memory:")
    shelf = Shelf(backend)
    count = iter(range(1_000))

    def outrun(_: object) -> dict[str, bytes]:
        backend.set_many({"key": b"%d" % next(count)})
        return {"key": b"ours"}

    backend.set_many({"key": b"theirs"})
    with pytest.raises(StorageError, match="at once: run the tests again"):
        shelf.change({"key": b"ours"}, outrun)


FORGERIES: dict[str, Callable[[bytes], bytes]] = {
    "unsigned": lambda signed: b"value",
    "signed with another key": lambda signed: Seal(b"another key than ours", "tests").sign(
        "key", b"value"
    ),
    "signed for another purpose": lambda signed: Seal(b"0123456789abcdef", "other").sign(
        "key", b"value"
    ),
    "signed under another name": lambda signed: SEAL.sign("other", b"value"),
    "signed in another scope": lambda signed: SEAL.sign("scope/key", b"value"),
    "with another content": lambda signed: signed[:-1] + b"x",
    "longer": lambda signed: signed + b"x",
    "torn": lambda signed: signed[:20],
    "with an empty signature": lambda signed: b"\xc1s",
    "empty": lambda signed: b"",
}


@pytest.mark.parametrize("name", FORGERIES)
def test_what_is_forged_is_not_there(backend: Backend, name: str) -> None:
    shelf = Shelf(backend, seal=SEAL)
    shelf.change({"key": b"value"}, lambda changed: {})
    assert shelf.get_many(["key"]) == {"key": b"value"}
    backend.set_many({"key": FORGERIES[name](backend.get_many(["key"])["key"])})

    reader = Shelf(backend, seal=SEAL)
    assert reader.get_many(["key"], to_change=True) == {}
    assert reader.distrusted == 1
    # It does not keep anybody from storing what is true.
    reader.change({"key": b"true"}, lambda changed: {})
    assert reader.get_many(["key"]) == {"key": b"true"}


def test_without_the_key_nothing_signed_is_read_or_replaced(backend: Backend) -> None:
    signed = Shelf(backend, seal=SEAL)
    signed.change({"key": b"value"}, lambda changed: {})
    shelf = Shelf(backend)
    unread = Shelf(backend)

    assert shelf.get_many(["key"], to_change=True) == {}
    assert shelf.distrusted == 1
    for stranger in (shelf, unread):
        stranger.change({"key": b"mine", "new": b"mine"}, lambda changed: {"key": b"mine"})
    assert signed.get_many(["key"]) == {"key": b"value"}
    assert shelf.get_many(["new"]) == {"new": b"mine"}


@pytest.mark.parametrize("seal", [None, SEAL], ids=["plain", "signed"])
def test_packed_values_take_less_and_come_back_as_they_were(
    backend: Backend, seal: Seal | None
) -> None:
    shelf = Shelf(backend, packed=True, seal=seal)
    values = {"many": b"word " * 10_000, "few": b"x", "none": b""}
    shelf.change(values, lambda changed: {})

    assert shelf.get_many(values) == values
    assert backend.size().bytes < 1_000


@pytest.mark.parametrize(
    "value",
    [b"not packed", b"", zlib.compress(b"text")[:-3]],
    ids=["no", "empty", "torn"],
)
def test_what_cannot_be_unpacked_is_not_there(backend: Backend, value: bytes) -> None:
    backend.set_many({"key": value})

    assert Shelf(backend, packed=True).get_many(["key"]) == {}


def test_a_value_that_grows_without_end_is_not_there() -> None:
    backend = open_backend("memory:")
    packing = zlib.compressobj(9)
    bomb = b"".join([*(packing.compress(bytes(1 << 20)) for _ in range(300)), packing.flush()])
    backend.set_many({"key": bomb})

    assert len(bomb) < 1 << 20
    assert Shelf(backend, packed=True).get_many(["key"]) == {}


def test_scopes_are_apart(backend: Backend) -> None:
    one, two = (Shelf(backend, scope=scope, seal=SEAL) for scope in ("one/:", "two/:"))
    one.change({"key": b"value"}, lambda changed: {})

    assert two.get_many(["key"]) == {}
    assert (one.size().entries, two.size().entries) == (1, 0)
    assert (one.has_any("k"), two.has_any("k")) == (True, False)


def test_a_backend_that_fails_is_asked_once(server: Server, tmp_path: Path) -> None:
    own = Server(tmp_path / "server").start()
    told: list[StorageError] = []
    shelf = Shelf(open_backend(own.url), on_loss=told.append)
    shelf.change({"key": b"value"}, lambda changed: {})
    own.kill()

    for _ in range(3):
        assert shelf.get_many(["key"]) == {}
        shelf.change({"key": b"value"}, lambda changed: {})
    assert len(told) == 1
    assert shelf.batches == 2
    assert not shelf.is_writable


def test_values_of_variables_cannot_be_guessed_without_the_key() -> None:
    assert SEAL.conceal("secret") == SEAL.conceal("secret")
    assert SEAL.conceal("secret") != SEAL.conceal("other")
    assert SEAL.conceal("secret") != Seal(b"another key than ours", "tests").conceal("secret")
