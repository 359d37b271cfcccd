"""Modules that neither Python's own loaders nor pytest's make: from archives, by importers.

What such a loader reads, it reads once, for whoever imports the module first. So the load
is an action on which all importers rest. The functions of such a module aren't traced: the
file it came from counts as a whole.
"""

from __future__ import annotations

import functools
import importlib
import os
import sys
from importlib.machinery import (
    BuiltinImporter,
    ExtensionFileLoader,
    FrozenImporter,
    ModuleSpec,
    NamespaceLoader,
    SourceFileLoader,
)
from inspect import getattr_static
from types import ModuleType
from typing import Any

from .action import Action
from .imports import as_importlib
from .patching import Patches, Prepare
from .recorder import Recorder

# They are watched elsewhere, or make modules that belong to the interpreter.
_KNOWN_LOADERS = (SourceFileLoader, ExtensionFileLoader, NamespaceLoader)
_PYTEST_LOADER = "_pytest.assertion.rewrite"


def watch_loaders(recorder: Recorder, patches: Patches, prepare: dict[str, Prepare]) -> None:
    """Begin to trace what other loaders load.

    Args:
        recorder: who is told.
        patches: where replaced attributes are kept.
        prepare: by name of a module, what to do with it once it is loaded.
    """
    bootstrap: Any = importlib._bootstrap
    original = bootstrap._load_unlocked

    def load_unlocked(spec: ModuleSpec) -> ModuleType:
        if is_foreign(spec):
            action = _action(recorder, spec)
            recorder.enter(action)
            try:
                module: ModuleType = original(spec)
            finally:
                recorder.leave(action)
        else:
            recorder.observe(recorder.opens.loading, spec)
            module = original(spec)
        if spec.name in prepare:
            prepare[spec.name](module)
        return module

    patches.set(
        bootstrap, "_load_unlocked", functools.wraps(original)(as_importlib(load_unlocked))
    )  # fmt: skip
    for name, act in prepare.items():
        if name in sys.modules:
            act(sys.modules[name])
    for module in list(sys.modules.values()):
        recorder.observe(recorder.opens.loading, getattr_static(module, "__spec__", None))


def is_foreign(spec: ModuleSpec) -> bool:
    """Return whether the loader of `spec` is none that is watched elsewhere."""
    loader: Any = spec.loader
    if loader is None or loader is BuiltinImporter or loader is FrozenImporter:
        return False
    return not isinstance(loader, _KNOWN_LOADERS) and type(loader).__module__ != _PYTEST_LOADER


def _action(recorder: Recorder, spec: ModuleSpec) -> Action:
    """Return the action of loading the module of `spec`, on which the running one now rests."""
    place = os.path.abspath(spec.origin) if spec.origin and spec.has_location else spec.name
    action = recorder.modules.actions.setdefault(place, Action(f"import of {spec.name}"))
    recorder.modules.names.setdefault(spec.name, set()).add(place)
    recorder.modules.imported(None)
    recorder.current.parents.add(action)
    if spec.has_location:
        with recorder.running(action):
            recorder.observe(recorder.read_file, _existing(place))
    return action


def _existing(path: str) -> str:
    """Return the file that holds `path`: a module in an archive has none of its own."""
    while not os.path.lexists(path) and len(path) > 1:
        path = os.path.dirname(path)
    return path
