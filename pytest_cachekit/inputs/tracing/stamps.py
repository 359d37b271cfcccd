"""What a few names stand for, in a form that tells later whether that has changed.

Nothing is kept alive by it: objects are told by weak references, plain values and containers by
what they hold.
"""

from __future__ import annotations

import threading
import weakref
from collections import OrderedDict, defaultdict, deque
from collections.abc import Iterable, Mapping
from typing import Any

from .contents import contents
from .held_values import only_dict
from .keeping import Change, How

Stamp = tuple[tuple[object, ...], tuple[object, ...]]
"""Values that must be equal, and references that must be the same."""

_PLAIN = (type(None), bool, int, float, complex, str, bytes)
_SEQUENCES = (list, tuple, set, frozenset, deque)
_TABLES = (dict, OrderedDict, defaultdict)
_MOST = 500
_DEPTH = 3


class _UnknownError(Exception):
    """Nobody can tell whether something has changed."""


def stamp(names: Mapping[str, Any], changes: Iterable[Change]) -> Stamp | None:
    """Return what tells whether one of `changes` was made; None where nothing can.

    Args:
        names: the globals of a module.
        changes: what may be changed of them.
    """
    taken = _Taking()
    try:
        for name, how in changes:
            taken.root(names.get(name), how)
    except (_UnknownError, RuntimeError):  # the latter where a thread changes what is looked at
        return None
    return tuple(taken.plain), tuple(taken.references)


def is_same(one: Stamp | None, two: Stamp | None) -> bool:
    """Return whether both are known, and nothing has changed between them."""
    if one is None or two is None or one[0] != two[0] or len(one[1]) != len(two[1]):
        return False
    return all(before is now for before, now in zip(one[1], two[1], strict=True))


class _Taking:
    """Takes in values, up to a number."""

    def __init__(self) -> None:
        self.plain: list[object] = []
        self.references: list[object] = []

    def root(self, value: Any, how: How) -> None:
        """Take in what a name stands for, and of that what may change."""
        self._value(value, _DEPTH)
        if how is How.BOUND or type(value) in (*_SEQUENCES, *_TABLES):
            return
        if contents(value):
            # It holds more than attributes.
            raise _UnknownError
        # Asking an object for its class may run its own code.
        held = vars(value) if type(value) is threading.local else only_dict(value)
        if held is None or issubclass(type(value), type):
            raise _UnknownError
        self._table(held, _DEPTH)
        if how is How.DEEP and not all(
            type(each) in (*_PLAIN, *_SEQUENCES, *_TABLES) for each in held.values()
        ):
            raise _UnknownError

    def _value(self, value: Any, depth: int) -> None:
        if len(self.plain) + len(self.references) > _MOST or depth < 0:
            raise _UnknownError
        kind = type(value)
        if kind in _PLAIN:
            self.plain += (kind, value)
        elif kind in _TABLES:
            self._table(value, depth)
        elif kind in _SEQUENCES:
            self.plain += (kind, len(value))
            for each in list(value):
                self._value(each, depth - 1)
        else:
            try:
                self.references.append(weakref.ref(value))
            except TypeError:
                raise _UnknownError from None

    def _table(self, table: Mapping[Any, object], depth: int) -> None:
        self.plain += (type(table), len(table))
        for key, each in list(table.items()):
            self._value(key, depth - 1)
            self._value(each, depth - 1)
