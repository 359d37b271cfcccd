"""What collecting test files produced, on its way into the cache."""

from __future__ import annotations

import dataclasses
import os
import warnings
from collections.abc import Container, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
import pytest
from _pytest.mark.structures import get_unpacked_marks
from _pytest.unittest import TestCaseFunction, UnitTestCase

from ..actions.collected import (
    COLLECTION,
    CollectedClass,
    CollectedFile,
    CollectedItem,
    CollectedMark,
    Shape,
)
from ..inputs.fingerprint import Fingerprints
from ..inputs.layout import Layout
from ..inputs.manifest import NOTHING, encode_outcome
from ..inputs.reading import Reading
from .plain_data import is_plain
from .recordings import TestRecording
from .stand_ins import domain_of

_OF_NODES = frozenset(
    {
        "_obj", "_instance", "_request", "_fixtureinfo", "fixturenames", "funcargs", "callspec",
        "own_markers", "keywords", "extra_keyword_matches", "stash", "user_properties",
        "_report_sections", "originalname", "location",
    }
)  # fmt: skip


class NotTellableError(Exception):
    """A file's tests can't be told without its objects; the message says why."""


class NotCollectedError(Exception):
    """Not all of a file was collected in this run; the message says why."""


@dataclass(eq=False)
class Snapshot:
    """What collecting a module or class returned, before anybody adds to it."""

    nodes: list[Any]
    marks: list[tuple[pytest.Mark, ...]]
    """Those of each node, as they were then."""
    keywords: list[tuple[str, ...]]
    objection: str | None
    """Why the nodes can't be made again."""

    @classmethod
    def of(cls, nodes: Sequence[Any]) -> Snapshot:
        """Return what `nodes` are like now."""
        return cls(
            list(nodes),
            # Python's collector of garbage passes tuples of text by.
            [tuple(node.own_markers) for node in nodes],
            [tuple(node.keywords._markers) for node in nodes],
            next(filter(None, map(_objection, nodes)), None),
        )


@dataclass(eq=False)
class FileCollection:
    """The collection of one test file in this run."""

    module: pytest.Module
    snapshots: dict[pytest.Collector, Snapshot] = field(default_factory=dict)
    skipped: tuple[str, int, str] | None = None
    refusal: str | None = None
    """Why nothing is known of it in this run."""
    objection: str | None = None
    """Why it can't be told without importing it."""
    warning: Container[str] = ()
    """Names of files that give warnings when they are imported."""

    def take(self, collector: pytest.Collector, report: pytest.CollectReport) -> None:
        """Note what collecting the file or one of its classes returned."""
        if collector in self.snapshots:
            self.refusal = "it was collected twice"
        elif report.passed:
            self.snapshots[collector] = Snapshot.of(report.result)
        elif report.skipped and collector is self.module and isinstance(report.longrepr, tuple):
            self.skipped = report.longrepr
            self.snapshots[collector] = Snapshot.of(())
        else:
            self.refusal = "it could not be collected"

    def count(self) -> int:
        """Return how many tests were collected."""
        nodes = (node for snapshot in self.snapshots.values() for node in snapshot.nodes)
        return sum(isinstance(node, pytest.Item) for node in nodes)

    def recording(self, reading: Reading, fingerprints: Fingerprints) -> TestRecording | None:
        """Return what to store of it, which has read `reading`; None where it isn't all known."""
        group, layout = self.module.nodeid, fingerprints.layout
        # Lines count where its tests are written, and there it may matter what functions are.
        places = {layout.name(str(self.module.path))}
        outcome = NOTHING
        try:
            if any(name in self.warning for name in reading.all_sources()):
                raise NotTellableError("it gives warnings")
            collected, others = self._collected(layout)
            outcome = encode_outcome(collected)
            places |= others
        except (NotTellableError, OverflowError, UnicodeEncodeError):
            pass
        except NotCollectedError:
            return None
        inputs = {("file", name, fingerprints.now("file", name)) for name in places}
        reading = dataclasses.replace(reading, inputs=reading.inputs | inputs)
        return TestRecording(group, group, COLLECTION, reading, outcome)

    def _collected(self, layout: Layout) -> tuple[CollectedFile, set[str]]:
        """Return what to store, and the names of the files where its tests are written.

        Raises:
            NotTellableError: it can't be made again from a record.
            NotCollectedError: not all of it is there.
        """
        if self.refusal is not None:
            raise NotCollectedError(self.refusal)
        if self.objection is not None:
            raise NotTellableError(self.objection)
        maker = _Maker(self.snapshots)
        if self.skipped is not None:
            file, line, reason = self.skipped
            skipped = (layout.name(os.path.abspath(file)), line, reason)
            return CollectedFile([], [], [], skipped), {skipped[0]}
        if hasattr(self.module.obj, "pytest_plugins"):
            raise NotTellableError("it asks for plugins")
        nodes = maker.nodes(self.module)
        marks = [maker.mark(mark) for mark in get_unpacked_marks(self.module.obj)]
        root = self.module.config.rootpath
        places = {layout.name(os.path.normpath(root / place)) for place in maker.places}
        return CollectedFile(list(maker.shapes), marks, nodes), places


def _objection(node: Any) -> str | None:
    if type(node) not in (pytest.Function, TestCaseFunction, pytest.Class, UnitTestCase):
        return f"{node.name} is a {type(node).__qualname__}"
    if len(node.stash) or node.extra_keyword_matches or not _OF_NODES.issuperset(vars(node)):
        return f"a plugin keeps something in {node.name}"
    if isinstance(node, pytest.Function):
        if node.user_properties:
            return f"{node.name} has properties already"
        if getattr(node.obj, "is_hypothesis_test", False):
            return "Hypothesis looks at its functions"
    return None


def warned() -> int | None:
    """Return how many warnings pytest has kept up to now; None where that isn't known."""
    log = getattr(getattr(warnings, "_showwarnmsg_impl", None), "__self__", None)
    return len(log) if isinstance(log, list) else None


class _Maker:
    def __init__(self, snapshots: dict[pytest.Collector, Snapshot]) -> None:
        self._snapshots = snapshots
        self._indices: dict[bytes, int] = {}
        self._known: dict[tuple[object, ...], int] = {}
        self.shapes: list[Shape] = []
        self.places: set[str] = set()

    def nodes(self, collector: pytest.Collector) -> list[CollectedItem | CollectedClass]:
        snapshot = self._snapshots.get(collector)
        if snapshot is None:
            raise NotCollectedError("not all of its classes were collected")
        if snapshot.objection is not None:
            raise NotTellableError(snapshot.objection)
        if len({node.name for node in snapshot.nodes}) < len(snapshot.nodes):
            raise NotTellableError("some of its nodes share a name")
        return [
            self._class(node)
            if isinstance(node, pytest.Collector)
            else self._item(node, marks, keywords)
            for node, marks, keywords in zip(
                snapshot.nodes, snapshot.marks, snapshot.keywords, strict=True
            )
        ]

    def mark(self, mark: pytest.Mark) -> CollectedMark:
        if mark.name == "parametrize":
            return CollectedMark(mark.name)
        arguments, options = list(mark.args), dict(mark.kwargs)
        if is_plain(arguments) and is_plain(options):
            return CollectedMark(mark.name, arguments, options)
        return CollectedMark(mark.name)

    def _class(self, node: Any) -> CollectedClass:
        # A class has its marks as soon as it has an object, and that it has when it is collected.
        marks = [self.mark(mark) for mark in get_unpacked_marks(node.obj)]
        return CollectedClass(node.name, type(node) is UnitTestCase, marks, self.nodes(node))

    def _item(
        self, node: Any, marks: Sequence[pytest.Mark], keywords: Sequence[str]
    ) -> CollectedItem:
        callspec = getattr(node, "callspec", None)
        parameters: str | None = None
        if callspec is not None:
            if not callspec._idlist:
                raise NotTellableError("parameters of its tests have no names")
            if any(scope.value != "function" for scope in callspec._arg2scope.values()):
                raise NotTellableError("pytest sorts its tests by what their parameters are")
            parameters = callspec.id
        # What the tests of one function have in common is found out once.
        key = (node.parent, node.originalname, *map(id, marks))
        index = self._known.get(key)
        if index is None:
            index = self._known[key] = self._index(self._shape(node, marks, keywords, parameters))
        return CollectedItem(
            node.name, node.originalname, parameters, index, type(node) is TestCaseFunction
        )

    def _shape(
        self,
        node: Any,
        marks: Sequence[pytest.Mark],
        keywords: Sequence[str],
        parameters: str | None,
    ) -> Shape:
        first = [node.name, *(mark.name for mark in marks)]
        last = [] if parameters is None else [parameters]
        attributes = [name for name in keywords if name not in first and name not in last]
        if list(keywords) != list(dict.fromkeys([*first, *attributes, *last])):
            raise NotTellableError(f"{node.name} has other keywords than pytest gives")
        file, line, domain = node.location
        if domain != domain_of(node):
            raise NotTellableError(f"{node.name} tells another name than pytest gives")
        self.places.add(file)
        return Shape(list(map(self.mark, marks)), attributes, (file, line))

    def _index(self, shape: Shape) -> int:
        key = msgspec.msgpack.encode(shape)
        index = self._indices.get(key)
        if index is None:
            index = self._indices[key] = len(self.shapes)
            self.shapes.append(shape)
        return index
