"""What is another object or number when a value has changed; no code of a project runs."""

from __future__ import annotations

import _thread
import contextlib
import functools
import gc
import io
import itertools
import logging
import operator
import random
import sys
import threading
from collections import deque
from collections.abc import Callable, Collection, Iterable
from contextvars import ContextVar
from types import FunctionType, GeneratorType, MappingProxyType
from typing import Any, TypeVar

from .addresses import identity

_T = TypeVar("_T")
_Contents = tuple[object, ...]

ATOMS = (str, bytes, int, float, complex, type(None))
"""Values that don't change, and lead to nothing that does."""
CONTAINERS = (dict, list, set, deque, MappingProxyType)
"""What may have other elements later."""
FIXED = (tuple, frozenset)
"""What has the same elements for ever, which may change themselves."""
_WITHOUT_CONTENTS = (*ATOMS, *FIXED, type, FunctionType)
_TOLD_BY_VALUE = (int, str, bytes)
COMPARED = 100_000
"""Of containers with more elements only their number is compared."""
_BYTES = 1 << 20
# Of larger buffers only the size is compared.
_WITH_BUFFERS = ("_ctypes", "array", "mmap")
OF_PYTEST = ("_pytest.logging",)
"""Whose handlers of loggers come and go with each test."""
_IMMUTABLE = 1 << 8  # Py_TPFLAGS_IMMUTABLETYPE
_ON_THE_HEAP = 1 << 9  # Py_TPFLAGS_HEAPTYPE
_LOCKS = (_thread.LockType, type(threading.RLock()))


def contents(value: Any) -> _Contents:
    """Return what changes when a value does, as far as that is cheap to know."""
    read = _reader(type(value))
    if read is None:
        return ()
    try:
        return read(value)
    except Exception:  # noqa: BLE001  objects of the project's may do anything
        return ()


def are_same(some: Iterable[object], others: Iterable[object]) -> bool:
    """Return whether nothing has changed between two looks at the contents of something."""
    return all(
        one is two or (type(one) is type(two) and type(one) in _TOLD_BY_VALUE and one == two)
        for one, two in zip(some, others, strict=True)
    )


def all_elements(value: Any, most: int) -> Collection[Any]:
    """Return the elements of a container, for a mapping values and keys; none beyond `most`."""
    with contextlib.suppress(Exception):  # a subclass of the project's may do anything
        if len(value) <= most:
            return (*value.values(), *value) if hasattr(value, "values") else tuple(value)
    return ()


def per_type(function: Callable[[type], _T]) -> Callable[[type], _T]:
    """Return `function`, remembering what it returned; metaclasses may have no hash."""
    known: dict[int, tuple[type, _T]] = {}

    def ask(kind: type) -> _T:
        entry = known.get(identity(kind))
        if entry is None:
            entry = known[identity(kind)] = (kind, function(kind))
        return entry[1]

    return ask


@per_type
def _reader(kind: type) -> Callable[[Any], _Contents] | None:
    """Return what reads the contents of the instances of a class; None if they have none."""
    if issubclass(kind, _WITHOUT_CONTENTS):
        return None
    for classes, read in _READERS:
        if issubclass(kind, classes):
            return read
    if any("cache_info" in vars(base) for base in kind.__mro__):
        return lambda memo: (int(memo.cache_info().misses),)
    if kind.__module__ in ("collections", "weakref"):
        return lambda container: (len(container),)
    if _is_buffer(kind):
        return _of_buffer
    if kind.__flags__ & _ON_THE_HEAP and not kind.__flags__ & _IMMUTABLE:
        # Made by a class statement.
        return None
    if hasattr(kind, "hexdigest") and hasattr(kind, "update"):
        return lambda digest: (digest.digest(),)
    if hasattr(kind, "__length_hint__") and hasattr(kind, "__next__"):
        return lambda iterator: (operator.length_hint(iterator, -1),)
    if (kind.__module__, kind.__name__) in _BY_NAME:
        return _BY_NAME[kind.__module__, kind.__name__]
    return _of_referents if kind.__module__ == "itertools" else None


def _of_container(value: Any) -> _Contents:
    return (len(value), *all_elements(value, COMPARED))


def _of_generator(value: GeneratorType[Any, Any, Any]) -> _Contents:
    if value.gi_frame is None:
        return (-1,)
    return (value.gi_frame.f_lasti, *gc.get_referents(value))


def _of_logger(value: logging.Logger) -> _Contents:
    # Those of pytest come and go with each test.
    handlers = (each for each in value.handlers if type(each).__module__ not in OF_PYTEST)
    return value.level, value.disabled, value.propagate, *handlers, *value.filters


def _of_stream(value: Any) -> _Contents:
    kind: Any = io.StringIO if isinstance(value, io.StringIO) else io.BytesIO
    if kind.closed.__get__(value):
        return (-1,)
    written = kind.getvalue(value)
    return (kind.tell(value), hash(written) if len(written) <= _BYTES else len(written))


def _of_buffer(value: Any) -> _Contents:
    with memoryview(value) as view:
        return (view.nbytes, hash(view.tobytes()) if view.nbytes <= _BYTES else 0)


def _of_referents(value: object) -> _Contents:
    return tuple(gc.get_referents(value))


def _of_random_numbers(value: random.Random) -> _Contents:
    if value is getattr(random.random, "__self__", None):
        # Everybody draws from that, and nobody can tell who minds.
        return ()
    return (hash(random.Random.getstate(value)),)


def _of_decimals(value: Any) -> _Contents:
    # Its flags are raised by whoever calculates.
    return (value.prec, value.rounding, value.Emin, value.Emax, value.capitals, value.clamp)


_READERS: tuple[tuple[type | tuple[type, ...], Callable[[Any], _Contents]], ...] = (
    (GeneratorType, _of_generator),
    (ContextVar, lambda variable: (variable.get(None),)),
    (logging.Logger, _of_logger),
    (CONTAINERS, _of_container),
    ((io.StringIO, io.BytesIO), _of_stream),
    (_LOCKS, lambda lock: (repr(lock),)),
    (itertools.count, lambda counter: (repr(counter),)),
    (random.Random, _of_random_numbers),
    (BaseException, lambda error: BaseException.args.__get__(error)),  # type: ignore[attr-defined]
    ((map, filter, zip, enumerate, reversed, functools.partial), _of_referents),
)
_BY_NAME: dict[tuple[str, str], Callable[[Any], _Contents]] = {
    ("_queue", "SimpleQueue"): lambda queue: (queue.qsize(),),
    ("decimal", "Context"): _of_decimals,
    ("xml.etree.ElementTree", "Element"): _of_referents,
}


@per_type
def _is_buffer(kind: type) -> bool:
    """Return whether values of a class lend their memory, by C code alone."""
    for base in kind.__mro__:
        if "__buffer__" in vars(base):
            return not isinstance(vars(base)["__buffer__"], FunctionType)
    # Before Python 3.12 classes don't tell.
    owners = {base.__module__ for base in kind.__mro__}
    return sys.version_info < (3, 12) and (
        issubclass(kind, (bytearray, memoryview)) or not owners.isdisjoint(_WITH_BUFFERS)
    )
