"""Whether what one module holds is held by anything else, however far from a name."""

from __future__ import annotations

import contextvars
import gc
import sys
import threading
from collections.abc import Iterable, Mapping
from types import BuiltinFunctionType, CodeType, ModuleType
from typing import Any
from weakref import CallableProxyType, ProxyType, ReferenceType

from ..computed import Computed
from ..own_kind import is_a
from .addresses import identity
from .contents import ATOMS
from .named_modules import module_globals

_AT_ONCE = 5_000
_MUCH = 2_000_000
# What runs tests knows everything.
_CLOSED = frozenset({__name__.partition(".")[0], "_pytest", "pluggy", "pytest"})
# Nobody tells what these stand for.
_HIDE = frozenset({ProxyType, CallableProxyType})
_LEADS_NOWHERE = frozenset({*ATOMS, bool, CodeType, BuiltinFunctionType, range})


class HeldElsewhere:
    """What the modules of the process lead to, as far as the garbage collector knows of it."""

    def __init__(self, namespaces: Mapping[str, Mapping[str, Any]], apart: Iterable[str]) -> None:
        """Tell what is held by anything but pytest, which has all that tests are given.

        Args:
            namespaces: path of each project module to its globals.
            apart: paths of those that are asked about, each of which is walked through alone.
        """
        self._apart = {path: namespaces[path] for path in apart if path in namespaces}
        self._modules = [
            *map(module_globals, filter(_is_module, list(sys.modules.values()))),
            *namespaces.values(),
        ]
        known = [each for each in sys.modules.values() if type(each) not in _HIDE]
        every = (*self._modules, *known, sys.modules)
        self._roots = frozenset(map(identity, every))
        """Modules, each of which is walked through by itself."""
        self._by: Computed[str, frozenset[int] | None] = Computed(self._walk)

    def may_hold(self, identities: Iterable[int], homes: Iterable[str]) -> bool:
        """Return whether a value may be found without the modules at the paths `homes`.

        Args:
            identities: of the values, which are alive.
            homes: paths of modules.
        """
        wanted = frozenset(identities)
        others = ("", *(self._apart.keys() - set(homes)))
        led_to = map(self._by.__getitem__, others)
        return any(found is None or not found.isdisjoint(wanted) for found in led_to)

    def _walk(self, path: str) -> frozenset[int] | None:
        """Return the identities of what a module leads to, "" for all that aren't apart.

        What these lead to is left out elsewhere. None, where it is too much.
        """
        known: frozenset[int] | None = frozenset()
        if path:
            known = self._by[""]
            waiting: list[Any] = [*self._apart[path].values()]
        else:
            apart = set(map(identity, self._apart.values()))
            waiting = [
                value
                for names in self._modules
                if identity(names) not in apart and not _is_closed(names.get("__name__"))
                for value in names.values()
            ]
            waiting += contextvars.copy_context().values()
            waiting += gc.get_referents(*sys.modules.values())
            waiting += [each for each in sys.modules.values() if type(each) in _HIDE]
        seen = set(self._roots)
        while waiting and known is not None and len(seen) <= _MUCH:
            batch, waiting = waiting[-_AT_ONCE:], waiting[:-_AT_ONCE]
            new = {
                identity(each): each
                for each in batch
                if type(each) not in _LEADS_NOWHERE and identity(each) not in seen
            }
            for each in known.intersection(new):
                del new[each]
            seen.update(new)
            if not _HIDE.isdisjoint(map(type, new.values())):
                return None
            held = [each for each in new.values() if not _is_closed(type(each).__module__)]
            waiting += gc.get_referents(*held)
            for each in held:
                if is_a(each, threading.local):
                    waiting += vars(each).values()
                elif is_a(each, ReferenceType):
                    waiting.append(ReferenceType.__call__(each))
        return None if waiting else frozenset(seen)


def _is_module(value: object) -> bool:
    return is_a(value, ModuleType)


def _is_closed(module: object) -> bool:
    return is_a(module, str) and module.partition(".")[0] in _CLOSED
