"""What is in compressed data is found, however it is packed; what can't be unpacked is unknown."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zipfile
import zlib
from collections.abc import Callable

import pytest

from pytest_cachekit.inputs.packed_data import unpack_data

PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress, "bz2": bz2.compress, "lzma": lzma.compress, "zlib": zlib.compress,
}  # fmt: skip


def zipped(content: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("member", content)
    return stream.getvalue()


@pytest.mark.parametrize("packer", PACKERS)
def test_a_stream_is_unpacked(packer: str) -> None:
    assert unpack_data(PACKERS[packer](b"a name")) == b"a name"


def test_an_archive_is_its_members_and_their_names() -> None:
    assert unpack_data(zipped(gzip.compress(b"a name"))) == b"member\na name"


def test_what_is_not_packed_is_as_it_was() -> None:
    assert unpack_data(b"a name") == b"a name"
    assert unpack_data(b"\x78\x9cnot zlib's") == b"\x78\x9cnot zlib's"


def test_what_cannot_be_unpacked_is_unknown() -> None:
    nested = b"a name"
    for _ in range(6):
        nested = gzip.compress(nested)

    assert unpack_data(nested) is None
    assert unpack_data(gzip.compress(b"a name")[:-4]) is None
    assert unpack_data(b"\x28\xb5\x2f\xfd of zstd") is None
