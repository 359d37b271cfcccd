"""What collecting a test file produced, as it is stored: its tests, by class, without objects."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

COLLECTION = "\0collection"
"""The name of a file's collection among the actions of its group; no test has it."""


class CollectedMark(msgspec.Struct, frozen=True, array_like=True):
    """A mark of a node itself."""

    name: str
    arguments: list[Any] | None = None
    """Positional arguments; None, as the others, where one of both isn't plain data."""
    options: dict[str, Any] | None = None


class Shape(msgspec.Struct, frozen=True, array_like=True):
    """What many tests of a file have in common."""

    marks: list[CollectedMark]
    attributes: list[str]
    """Names of the function's own attributes, which are keywords too."""
    place: tuple[str, int | None]
    """File and line, as pytest tells them."""


class CollectedItem(msgspec.Struct, frozen=True, array_like=True, tag="item"):
    """A test function with one set of parameters."""

    name: str
    function: str
    parameters: str | None
    """The part of its name that its parameters make; None where it has none."""
    shape: int
    is_unittest: bool


class CollectedClass(msgspec.Struct, frozen=True, array_like=True, tag="class"):
    """A class of tests."""

    name: str
    is_unittest: bool
    marks: list[CollectedMark]
    nodes: list[CollectedItem | CollectedClass]


class CollectedFile(msgspec.Struct, frozen=True, array_like=True):
    """A test file."""

    shapes: list[Shape]
    marks: list[CollectedMark]
    nodes: list[CollectedItem | CollectedClass]
    skipped: tuple[str, int, str] | None = None
    """Where the file skips itself as a whole: the name of a file, a line, and the reason."""

    def names(self) -> Iterator[str]:
        """Iterate over the names that all its tests have in the file's group."""
        return _names(self.nodes, "")


def _names(nodes: Iterable[CollectedItem | CollectedClass], prefix: str) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, CollectedClass):
            yield from _names(node.nodes, f"{prefix}{node.name}::")
        else:
            yield prefix + node.name


_decoder = msgspec.msgpack.Decoder(CollectedFile)


def decode_collected(content: msgspec.Raw) -> CollectedFile | None:
    """Return what is stored as `content`; None where it is something else."""
    try:
        collected = _decoder.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return collected if _is_consistent(collected.nodes, len(collected.shapes)) else None


def _is_consistent(nodes: Iterable[CollectedItem | CollectedClass], shapes: int) -> bool:
    return all(
        _is_consistent(node.nodes, shapes)
        if isinstance(node, CollectedClass)
        else 0 <= node.shape < shapes
        for node in nodes
    )
