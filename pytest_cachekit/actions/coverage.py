"""What a test covered, as it is stored with its outcome, and where that is after an edit."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable

import msgspec

from ..inputs.fingerprint import Fingerprints
from ..inputs.line_map import map_lines

RecordedText = Callable[[str], bytes | None]
"""Returns the text of a source file by its digest; None where it isn't known."""


class CoveredFile(msgspec.Struct, frozen=True, array_like=True):
    """What was covered in one file, in one of coverage's contexts."""

    context: str
    name: str
    digest: str
    """Of the file's content at the time, since the numbers of lines mean nothing else."""
    lines: list[int]
    arcs: list[tuple[int, int]]


_decoder = msgspec.msgpack.Decoder(list[CoveredFile])


def pack_coverage(files: Iterable[CoveredFile]) -> bytes:
    """Return what is stored."""
    return zlib.compress(msgspec.msgpack.encode(list(files)), 1)


def unpack_coverage(content: bytes) -> list[CoveredFile] | None:
    """Return what `pack_coverage` packed; None where `content` is something else."""
    try:
        return _decoder.decode(zlib.decompress(content))
    except (zlib.error, msgspec.DecodeError, UnicodeDecodeError):
        return None


class CoverageNow:
    """Says where lines that were covered stand now."""

    def __init__(self, fingerprints: Fingerprints, recorded: RecordedText) -> None:
        """Compare with what `fingerprints` finds; `recorded` returns a text by its digest."""
        self._fingerprints = fingerprints
        self._recorded = recorded
        self._maps: dict[tuple[str, str], dict[int, int]] = {}

    def files(self, content: bytes | None) -> list[CoveredFile] | None:
        """Return what stored coverage says, in lines as they are now; None where that isn't known.

        `content` is what `pack_coverage` packed, or None where nothing was measured.
        """
        files = None if content is None else unpack_coverage(content)
        moved = [] if files is None else [self.move(file) for file in files]
        found = [file for file in moved if file is not None]
        return None if files is None or len(found) < len(files) else found

    def move(self, file: CoveredFile) -> CoveredFile | None:
        """Return `file` with the numbers of lines as they are now; None where some are gone."""
        now = self._fingerprints.file(file.name)
        if now == file.digest:
            return file
        key = (file.name, file.digest)
        lines = self._maps.get(key)
        if lines is None:
            lines = self._maps[key] = self._map(file)
        try:
            return CoveredFile(
                file.context,
                file.name,
                now,
                [lines[line] for line in file.lines],
                [(_moved(lines, start), _moved(lines, end)) for start, end in file.arcs],
            )
        except KeyError:
            return None

    def _map(self, file: CoveredFile) -> dict[int, int]:
        old = self._recorded(file.digest)
        if old is None:
            return {}
        try:
            with open(self._fingerprints.layout.path(file.name), "rb") as stream:
                return map_lines(old, stream.read())
        except OSError:
            return {}


def _moved(lines: dict[int, int], line: int) -> int:
    # Where an arc enters or leaves a code object, its first line stands negated.
    return lines[line] if line > 0 else -lines[-line]
