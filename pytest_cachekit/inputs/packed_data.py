"""What is in compressed data, so that names can be looked for in it."""

from __future__ import annotations

import io
from typing import IO, Any

from .aside import import_aside

_LIMIT = 64 << 20
"""Bytes beyond which nothing is unpacked."""
_DEPTH = 3
"""Archives in archives that are opened."""
_STREAMS = {b"\x1f\x8b": "gzip", b"BZh": "bz2", b"\xfd7zXZ\0": "lzma"}
_ARCHIVE = b"PK\3\4"
_UNKNOWN = b"\x28\xb5\x2f\xfd"
_ZLIB = (b"\x78\x01", b"\x78\x5e", b"\x78\x9c", b"\x78\xda")


def unpack_data(content: bytes, depth: int = _DEPTH) -> bytes | None:
    """Return `content`, unpacked where it is compressed; None where that can't be done.

    Args:
        content: of a file.
        depth: how often what was unpacked may be packed itself.
    """
    if content.startswith(_UNKNOWN):
        return None
    try:
        unpacked = _unpack(content, depth)
    except Exception:  # noqa: BLE001  libraries say in many ways that it isn't what it seems
        return None
    if unpacked is None or len(unpacked) > _LIMIT:
        return None
    if unpacked is content:
        return content
    return unpack_data(unpacked, depth - 1) if depth else None


def _unpack(content: bytes, depth: int) -> bytes | None:
    if content.startswith(_ARCHIVE):
        return _members(content, depth)
    if content.startswith(_ZLIB):
        zlib: Any = import_aside("zlib")
        try:
            unpacked: bytes = zlib.decompressobj().decompress(content, _LIMIT + 1)
        except zlib.error:
            return content
        return unpacked
    for start, module in _STREAMS.items():
        if content.startswith(start):
            stream: IO[bytes]
            with import_aside(module).open(io.BytesIO(content)) as stream:
                return stream.read(_LIMIT + 1)
    return content


def _members(content: bytes, depth: int) -> bytes | None:
    found: list[bytes] = []
    room = _LIMIT
    with import_aside("zipfile").ZipFile(io.BytesIO(content)) as archive:
        for item in archive.infolist():
            with archive.open(item) as stream:
                data = stream.read(room + 1)
            room -= len(data)
            inner = unpack_data(data, depth - 1) if depth and room >= 0 else None
            if inner is None:
                return None
            found += [item.filename.encode(), inner]
    return b"\n".join(found)
