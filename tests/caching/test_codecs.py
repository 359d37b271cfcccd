"""How values become bytes: types, signatures, and nothing that is run unasked."""

from __future__ import annotations

import datetime as dt
import enum
import uuid
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_cachekit.caching import Cache, Codec
from pytest_cachekit.caching.codec import UndecodableError
from pytest_cachekit.errors import CacheUsageError, CodecError, CounterError
from pytest_cachekit.storage.memory import MemoryBackend

KEY = b"0123456789abcdef-a-key"
CODECS = {
    "msgpack": Codec(),
    "signed msgpack": Codec(signing_key=KEY),
    "json": Codec("json"),
    "signed json": Codec("json", signing_key=KEY),
    "pickle": Codec("pickle", signing_key=KEY),
}
each_codec = pytest.mark.parametrize("codec", CODECS.values(), ids=CODECS)
SIGNED = [codec for codec in CODECS.values() if codec.is_signed]
each_signed = pytest.mark.parametrize("codec", SIGNED, ids=[codec.name for codec in SIGNED])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats(allow_nan=False,
    allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)  # fmt: skip


# To draw a value takes longer than what all codecs do with it.
@given(value=VALUES, key=st.text())
def test_every_value_comes_back(value: Any, key: str) -> None:
    for codec in CODECS.values():
        decoded = codec.decode(key, codec.encode(key, value))

        assert decoded == value
        assert type(decoded) is type(value)


@each_codec
@given(garbage=st.binary(max_size=60))
def test_garbage_is_undecodable_or_a_value(codec: Codec, garbage: bytes) -> None:
    try:
        codec.decode("key", garbage)
    except UndecodableError:
        return
    # Plain msgpack and digits have no check; everything else was made by nobody.
    assert not codec.is_signed
    assert codec.name == "msgpack" or garbage.removeprefix(b"-").strip().isdigit()


@given(value=VALUES, cut=st.integers(1, 20))
def test_a_torn_value_is_undecodable(value: Any, cut: int) -> None:
    for codec in CODECS.values():
        stored = codec.encode("key", value)
        if isinstance(value, (int, float)) and not codec.is_signed:
            continue  # Half a number is a number.
        with pytest.raises(UndecodableError):
            codec.decode("key", stored[:-cut])


@given(value=VALUES, data=st.data())
def test_a_changed_byte_breaks_the_signature(value: Any, data: st.DataObject) -> None:
    for codec in SIGNED:
        stored = bytearray(codec.encode("key", value))
        stored[data.draw(st.integers(0, len(stored) - 1))] ^= data.draw(st.integers(1, 255))
        with pytest.raises(UndecodableError):
            codec.decode("key", bytes(stored))


@each_signed
def test_a_signature_holds_for_one_key_one_namespace_and_one_signer(codec: Codec) -> None:
    stored = codec.encode("one:key", "value")
    assert codec.decode("one:key", stored) == "value"
    for other in ("one:key2", "two:key", "on:e:key", ""):
        with pytest.raises(UndecodableError):
            codec.decode(other, stored)
    with pytest.raises(UndecodableError):
        Codec(codec.name, signing_key=KEY + b"x").decode("one:key", stored)
    with pytest.raises(UndecodableError):
        codec.decode("one:key", Codec().encode("one:key", "value"))


def test_pickle_wants_a_key(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.raises(CacheUsageError, match="CACHEKIT_SIGNING_KEY"):
        Codec("pickle")
    with pytest.raises(CacheUsageError, match="16 bytes"):
        Codec("pickle", signing_key="short")
    file = tmp_path / "key"
    file.write_bytes(KEY + b"\n")
    monkeypatch.setenv("CACHEKIT_SIGNING_KEY_FILE", str(file))
    from_file = Codec("pickle")
    monkeypatch.setenv("CACHEKIT_SIGNING_KEY", KEY.decode())
    assert Codec("pickle").decode("k", from_file.encode("k", {1, 2})) == {1, 2}
    monkeypatch.delenv("CACHEKIT_SIGNING_KEY")
    monkeypatch.setenv("CACHEKIT_SIGNING_KEY_FILE", str(tmp_path / "none"))
    with pytest.raises(CacheUsageError, match="no readable file"):
        Codec("pickle")


def test_pickle_keeps_every_type() -> None:
    cache = Cache(MemoryBackend(), codec=CODECS["pickle"])
    for value in ((1, 2), {1, 2}, dt.date(2020, 1, 2), 1j, Path("x"), range(3)):
        cache.set("key", value)
        assert cache.get("key") == value
        assert type(cache.get("key")) is type(value)


class Point(msgspec.Struct):
    """A point."""

    x: int
    y: int


class Colour(enum.IntEnum):
    """A number with a name."""

    RED = 53


@pytest.mark.parametrize("name", ["msgpack", "json"])
def test_types_are_kept_where_they_are_told(name: str) -> None:
    points = Cache(MemoryBackend(), codec=Codec(name, type=Point))
    points.set("key", Point(1, 2))
    assert points.get("key") == Point(1, 2)
    identity = uuid.uuid4()
    for kind, value in ((uuid.UUID, identity), (tuple[int, ...], (1, 2)), (Colour, Colour.RED)):
        cache = Cache(MemoryBackend(), codec=Codec(name, type=kind))
        cache.set("key", value)
        assert cache.get("key") == value
        assert type(cache.get("key")) is type(value)


def test_another_type_is_a_miss() -> None:
    backend = MemoryBackend()
    Cache(backend).set("key", {"x": "no number", "y": 2})

    assert Cache(backend, codec=Codec(type=Point)).get("key", "miss") == "miss"


def test_an_enumeration_is_its_number() -> None:
    assert Codec().decode("key", Codec().encode("key", Colour.RED)) == 53


def test_signed_values_cannot_be_counted() -> None:
    with pytest.raises(CounterError, match="without signing_key"):
        Cache(MemoryBackend(), codec=CODECS["signed msgpack"]).incr("key")


def test_unknown_codecs_and_values_are_told() -> None:
    with pytest.raises(CacheUsageError, match="msgpack, json, pickle"):
        Codec("yaml")
    with pytest.raises(CodecError, match="store plain data"):
        Codec().encode("key", object())
    with pytest.raises(CodecError):
        CODECS["pickle"].encode("key", lambda: 0)
