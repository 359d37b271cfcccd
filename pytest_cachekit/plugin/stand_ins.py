"""Nodes for a test file that isn't imported, which become the real ones when that is asked for.

They are what `isinstance` expects, and know their names, marks, keywords and locations. Whoever
looks at `obj`, `function`, `callspec`, `fixturenames` and their like has the file imported; nodes
then change class and state, and stay the same objects, with whatever plugins added to them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from types import SimpleNamespace
from typing import Any

import pytest
from _pytest.mark.structures import NodeKeywords
from _pytest.unittest import TestCaseFunction, UnitTestCase

from ..actions.collected import CollectedClass, CollectedFile, CollectedItem, CollectedMark, Shape
from ..inputs.tracing.callers import frame_of

_LAZY = frozenset(
    {"_obj", "_instance", "_request", "_fixtureinfo", "fixturenames", "funcargs", "callspec"}
)
_UNKNOWN = object()

Import = Callable[["StandInModule"], None]
"""Has a module and its nodes become real, at the right time and on the right account."""


class StandIn:
    """What all nodes have in common that stand for others."""

    def __getattr__(self, name: str) -> Any:
        if name not in _LAZY or (name == "callspec" and self._has_no_callspec()):
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        become_real(self)
        return getattr(self, name)

    def _has_no_callspec(self) -> bool:
        # What pytest's own sorting wants of them are parameters of wider scope than a function,
        # and files that have such are always imported.
        asker = frame_of(2).f_globals.get("__name__")
        return vars(self).get("parameters") is None or asker == "_pytest.fixtures"


class StandInMark(pytest.Mark):  # type: ignore[misc]  # final, for who doesn't look inside
    """A mark whose arguments are no plain data, which are asked of the real one."""

    def __init__(self, name: str, node: StandIn) -> None:
        object.__setattr__(self, "name", name)
        object.__setattr__(self, "_node", node)

    def real(self) -> pytest.Mark:
        """Return the mark that this one stands for."""
        if "_real" not in vars(self):
            become_real(vars(self)["_node"])
        mark: pytest.Mark = vars(self)["_real"]
        return mark

    @property
    def args(self) -> tuple[Any, ...]:
        """Positional arguments."""
        return self.real().args

    @property
    def kwargs(self) -> Any:
        """Keyword arguments."""
        return self.real().kwargs

    def __eq__(self, other: object) -> bool:
        return self is other or self.real() == other

    __hash__ = None  # type: ignore[assignment]  # as with all marks that have arguments


class StandInKeywords(NodeKeywords):  # type: ignore[misc]  # final, as marks are
    """Keywords of a node, some of whose values aren't known."""

    def __getitem__(self, key: str) -> Any:
        value = super().__getitem__(key)
        if value is _UNKNOWN:
            become_real(self.node)
            return self.node.keywords[key]
        return value


class StandInModule(pytest.Module):
    """A test file that may stay without being imported.

    Until it is collected it is a module like others; `stand_in` makes it more than that.
    """

    decide: Callable[[StandInModule], CollectedFile | None]
    """Returns what to make the file's nodes of; None where the file is to be imported."""

    def collect(self) -> Iterable[pytest.Item | pytest.Collector]:
        """Return nodes that stand for others where the file needn't be imported."""
        decide = vars(self).pop("decide")
        collected = decide(self)
        if collected is None:
            self.__class__ = pytest.Module  # type: ignore[assignment]
            return self.collect()
        self.__class__ = _ModuleWithoutObject  # type: ignore[assignment]
        shapes = collected.shapes
        _dress(self, collected.marks, ())
        children = _make(self, collected.nodes, shapes)
        vars(self)["stand_ins"] = children
        if collected.skipped is not None:
            raise pytest.skip.Exception(collected.skipped[2], allow_module_level=True)
        return list(children)


class _ModuleWithoutObject(StandIn, pytest.Module):
    import_file: Import

    def collect(self) -> Iterable[pytest.Item | pytest.Collector]:
        # Once more, for a file that is named twice: pytest makes other nodes then.
        become_real(self)
        return self.collect()


class _Class(StandIn, pytest.Class):
    def collect(self) -> Iterable[pytest.Item | pytest.Collector]:
        nodes, shapes = vars(self)["recorded_nodes"]
        children = vars(self)["stand_ins"] = _make(self, nodes, shapes)
        return list(children)


class _UnitTestCase(StandIn, UnitTestCase):
    collect = _Class.collect


class StandInFunction(StandIn, pytest.Function):
    """A test of a file that isn't imported."""

    @property
    def function(self) -> Any:
        """The function; only the names of its attributes where `-k` asks."""
        if frame_of(1).f_globals.get("__name__") == "_pytest.mark":
            return SimpleNamespace(**dict.fromkeys(vars(self)["attributes"]))
        become_real(self)
        return self.function


class _TestCaseFunction(StandIn, TestCaseFunction):
    function = StandInFunction.function


# Reports and plugins show them.
StandInModule.__name__ = _ModuleWithoutObject.__name__ = pytest.Module.__name__
_Class.__name__, _UnitTestCase.__name__ = pytest.Class.__name__, UnitTestCase.__name__
StandInFunction.__name__ = pytest.Function.__name__
_TestCaseFunction.__name__ = TestCaseFunction.__name__


def is_stand_in(node: pytest.Item | pytest.Collector) -> bool:
    """Return whether `node` stands for another still."""
    return isinstance(node, StandIn)


def domain_of(node: Any) -> str:
    """Return what pytest calls a test in its file: its name below those of its classes."""
    names = [node.name]
    parent = node.parent
    while isinstance(parent, pytest.Class):
        names.append(parent.name)
        parent = parent.parent
    return ".".join(reversed(names))


def become_real(node: Any) -> None:
    """Import the file of `node`, and have all nodes of the file become what they stand for."""
    module = node.getparent(pytest.Module)
    if isinstance(module, _ModuleWithoutObject):
        vars(module)["import_file"](module)


def _make(
    parent: Any, nodes: Iterable[CollectedItem | CollectedClass], shapes: Sequence[Shape]
) -> list[Any]:
    made: list[Any] = []
    for recorded in nodes:
        kind: Any
        if isinstance(recorded, CollectedClass):
            kind = _UnitTestCase if recorded.is_unittest else _Class
            node = kind.from_parent(parent, name=recorded.name)
            vars(node)["recorded_nodes"] = recorded.nodes, shapes
            _dress(node, recorded.marks, ())
        else:
            kind = _TestCaseFunction if recorded.is_unittest else StandInFunction
            shape = shapes[recorded.shape]
            node = kind.__new__(kind)
            pytest.Item.__init__(node, recorded.name, parent, nodeid=_identity(parent, recorded))
            node.originalname = recorded.function
            state = vars(node)
            state["location"] = (*shape.place, domain_of(node))
            state["parameters"] = recorded.parameters
            state["attributes"] = shape.attributes
            _dress(node, shape.marks, shape.attributes)
            if recorded.parameters is not None:
                node.keywords[recorded.parameters] = True
                state["recorded_keywords"].add(recorded.parameters)
        made.append(node)
    return made


def _identity(parent: Any, recorded: CollectedItem) -> Any:
    """Return the node id; pytest 9.2 makes one of parts, where its name alone won't do."""
    identity = getattr(parent, "id", None)
    if identity is None:
        return f"{parent.nodeid}::{recorded.name}"
    return identity.child(recorded.function).with_params(recorded.parameters)


def _dress(node: Any, marks: Iterable[CollectedMark], attributes: Iterable[str]) -> None:
    made = [_mark(mark, node) for mark in marks]
    vars(node)["recorded_marks"] = made
    node.own_markers.extend(made)
    keywords = node.keywords = StandInKeywords(node)
    keywords.update((mark.name, mark) for mark in made)
    keywords.update(dict.fromkeys(attributes, _UNKNOWN))
    vars(node)["recorded_keywords"] = set(keywords._markers)


def _mark(mark: CollectedMark, node: Any) -> pytest.Mark:
    if mark.arguments is None or mark.options is None:
        return StandInMark(mark.name, node)
    return pytest.Mark(mark.name, tuple(mark.arguments), mark.options, _ispytest=True)
