"""Imports that nobody else notices."""

from __future__ import annotations

import importlib
import sys
from types import ModuleType


def import_aside(name: str) -> ModuleType:
    """Return the module `name`; where it wasn't loaded, it is as little as before.

    A traced program may look at which modules are loaded.
    """
    known = set(sys.modules)
    module = importlib.import_module(name)
    hide_modules(known)
    return module


def hide_modules(known: set[str]) -> None:
    """Take modules that aren't `known` out of sight of who imports; those in C stay."""
    for name in set(sys.modules) - known:
        module = sys.modules[name]
        file = getattr(module, "__file__", None)
        if file is None or not file.endswith((".py", ".pyc")):
            continue
        del sys.modules[name]
        parent, _, own = name.rpartition(".")
        if parent in known:
            vars(sys.modules[parent]).pop(own, None)
