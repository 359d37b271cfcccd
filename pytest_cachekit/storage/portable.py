r"""Entries of a cache in one portable file.

Grammar, version 1, all of it compressed by gzip:

    "pytest-cachekit entries 1\n"
    for each entry: length of the key, length of the value (8 bytes each, big-endian),
        key (UTF-8), value
    16 bytes of zeros, the digest (BLAKE2b, 16 bytes) of all before these 32 bytes

Times to live don't travel: what has one is left out. History: 1, the first.
"""

from __future__ import annotations

import gzip
import os
import struct
import zlib
from collections.abc import Iterable, Iterator
from hashlib import blake2b
from pathlib import Path
from typing import BinaryIO

from ..errors import StorageError
from .backend import Backend
from .batches import in_batches

_MAGIC = b"pytest-cachekit entries "
_VERSION = 1
_LENGTHS = struct.Struct(">QQ")
_END = bytes(_LENGTHS.size)
_MOST = 1 << 31


def write_entries(path: Path, entries: Iterable[tuple[str, bytes]]) -> int:
    """Write `entries` to a file, which appears whole or not at all; return how many they were.

    Raises:
        StorageError: the file can't be written.
    """
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    count = 0
    try:
        try:
            # Without a time stamp: the same entries make the same file.
            with open(beside, "wb") as raw, gzip.GzipFile("", "wb", 6, raw, mtime=0) as stream:
                hasher = blake2b(digest_size=16)
                for part in _parts(entries):
                    hasher.update(part)
                    stream.write(part)
                    count += 1
                stream.write(_END + hasher.digest())
            os.replace(beside, path)
        finally:
            beside.unlink(missing_ok=True)
    except OSError as error:
        raise StorageError(f"{path} can't be written ({error}): name another file.") from error
    return count - 1


def read_entries(path: Path) -> Iterator[tuple[str, bytes]]:
    """Iterate over the entries in a file, all of which was checked before the first one comes.

    Raises:
        StorageError: the file can't be read, is torn, or something else.
    """
    try:
        for _ in _entries(path):
            pass
        yield from _entries(path)
    except (OSError, EOFError, zlib.error, struct.error, UnicodeDecodeError) as error:
        raise StorageError(
            f"{path} is no whole file of entries ({error}): export it once more."
        ) from error


def export_entries(backend: Backend, path: Path) -> int:
    """Write all that `backend` holds for ever to a file; return how many entries that are.

    Raises:
        StorageError: the cache can't be read, or the file not be written.
    """
    return write_entries(path, held_entries(backend))


def held_entries(backend: Backend) -> Iterator[tuple[str, bytes]]:
    """Iterate over all that `backend` holds for ever, by keys.

    Raises:
        StorageError: the cache can't be read.
    """
    for batch in in_batches(sorted(backend.keys())):
        left = backend.remaining(batch)
        found = backend.get_many(key for key in batch if left.get(key, 0.0) is None)
        yield from sorted(found.items())


def _parts(entries: Iterable[tuple[str, bytes]]) -> Iterator[bytes]:
    yield _MAGIC + b"%d\n" % _VERSION
    for key, value in entries:
        name = key.encode()
        yield b"".join((_LENGTHS.pack(len(name), len(value)), name, value))


def _entries(path: Path) -> Iterator[tuple[str, bytes]]:
    with gzip.open(path, "rb") as stream:
        hasher = blake2b(digest_size=16)
        first = stream.readline(64)
        if not first.startswith(_MAGIC):
            raise OSError("it begins otherwise")
        if first != _MAGIC + b"%d\n" % _VERSION:
            raise StorageError(
                f"{path} was written by a later version of pytest-cachekit: upgrade to import it."
            )
        hasher.update(first)
        while (lengths := _exactly(stream, _LENGTHS.size)) != _END:
            sizes = _LENGTHS.unpack(lengths)
            if max(sizes) > _MOST:
                raise OSError("a length in it is no length")
            key, value = (_exactly(stream, size) for size in sizes)
            for part in (lengths, key, value):
                hasher.update(part)
            yield key.decode(), value
        if stream.read(17) != hasher.digest():
            raise OSError("its digest is another")


def _exactly(stream: gzip.GzipFile | BinaryIO, size: int) -> bytes:
    content = stream.read(size)
    if len(content) < size:
        raise EOFError("it ends too early")
    return content
