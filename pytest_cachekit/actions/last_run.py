"""What the last run decided about each of its tests, so that it can be told afterwards.

Grammar, version 1: `lastrun:1` holds LastRun as msgpack, compressed by zlib. It decides nothing.
History: 1, the first.
"""

from __future__ import annotations

import zlib

import msgspec

from ..storage import Backend

VERSION = 1
LAST = f"lastrun:{VERSION}"
"""The key of the last run."""


class Cause(msgspec.Struct, frozen=True, array_like=True, omit_defaults=True):
    """Why tests were replayed, or ran."""

    text: str
    changed: str | None = None
    """What differs, where that was it; the text may say besides how a test notices."""


class TestInRun(msgspec.Struct, frozen=True, array_like=True, omit_defaults=True):
    """One selected test."""

    __test__ = False

    nodeid: str
    category: str
    """As the summary calls it: replayed, audited, new, stale, uncacheable, ..."""
    outcome: str | None
    """How it ended; None where it did not run, after -x for instance."""
    cause: int
    """The index of its cause."""
    microseconds: int
    """What it took, in this run or, replayed, when it was recorded."""
    unsteady: str | None = None
    """That it ended otherwise before, with the same inputs."""


class LastRun(msgspec.Struct, frozen=True, array_like=True):
    """All tests of a run, in their order."""

    ended: float
    """Seconds since 1970."""
    mode: str
    causes: list[Cause]
    tests: list[TestInRun]
    remarks: list[str]
    """What the summary said besides, as of a remote tier."""


_decoder = msgspec.msgpack.Decoder(LastRun)


def pack_last_run(run: LastRun) -> bytes:
    """Return a run as it is stored."""
    return zlib.compress(msgspec.msgpack.encode(run), 1)


def unpack_last_run(content: bytes) -> LastRun | None:
    """Return the run that `pack_last_run` packed; None where `content` is something else."""
    try:
        run = _decoder.decode(zlib.decompress(content))
    except (zlib.error, msgspec.DecodeError, UnicodeDecodeError):
        return None
    count = len(run.causes)
    return run if all(0 <= test.cause < count for test in run.tests) else None


def read_last_run(backend: Backend) -> LastRun | None:
    """Return what is known of the last run; None where nothing is.

    Raises:
        StorageError: the cache can't be read.
    """
    content = backend.get_many([LAST]).get(LAST)
    return None if content is None else unpack_last_run(content)
