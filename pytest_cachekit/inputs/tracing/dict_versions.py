"""Versions of dictionaries: a number that CPython changes whenever it changes one (PEP 509).

To ask for it takes less time than to look at a single element. Python code can't; and versions
of CPython after 3.13 keep none. So it is tried out, once, whether what lies there is one.
"""

from __future__ import annotations

import ctypes
import gc
import sys
from collections.abc import Callable, Iterable
from typing import Any

# After the header of all objects comes how many elements there are, then the version.
_POSITION = object.__basicsize__ + ctypes.sizeof(ctypes.c_ssize_t)

Version = ctypes.c_uint64
read_all: Callable[[Iterable[Version]], bytes] = b"".join
"""Return the versions that lie in some places, one after the other."""
SIZE = ctypes.sizeof(Version)


def version(table: dict[Any, Any]) -> Version:
    """Return the place of a dictionary's version, which holds it as long as the dictionary lives.

    Not that of an instance's, which may hold its attributes itself.
    """
    return Version.from_address(id(table) + _POSITION)


def _are_kept() -> bool:
    """Return whether a version changes with each change, and doesn't otherwise."""
    if sys.implementation.name != "cpython":
        return False

    class Example:
        of_all = 0

    one, two = object(), object()
    table: dict[Any, Any] = {"name": one}
    place, seen = version(table), set[bytes]()
    changes: Iterable[Callable[[], object]] = (
        lambda: table.update(name=two),
        lambda: table.__setitem__("other", one),
        lambda: table.__setitem__(1, one),
        lambda: table.__setitem__(1, two),
        lambda: table.setdefault(2, two),
        lambda: table.pop(2),
        lambda: table.__delitem__("other"),
        table.popitem,
        table.clear,
        lambda: table.update({"name": one}),
    )
    for change in changes:
        seen.add(bytes(place))
        change()
        table.get("name")
        if bytes(place) in seen or bytes(place) != bytes(version(table)):
            return False
    names = version(gc.get_referents(vars(Example))[0])
    before = bytes(names)
    Example.of_all = 1
    return bytes(names) != before and read_all([place, names]) == bytes(place) + bytes(names)


ARE_KEPT = _are_kept()
