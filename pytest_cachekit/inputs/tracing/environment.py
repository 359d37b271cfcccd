"""Environment variables: reads of `os.environ` by anyone but pytest itself.

A variable that the running action has set itself, as monkeypatch.setenv does,
is no input of it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from types import FrameType
from typing import Any

from ..fingerprint import UNSET, is_noise, is_own, value_fingerprint
from .action import Action
from .callers import is_machinery
from .patching import Patches
from .recorder import Recorder

# They set variables and put them back; what they look at on the way is nobody's input.
_GO_BETWEENS = frozenset({"os", "_collections_abc", "collections.abc"})
_SETTERS = frozenset({"_pytest.monkeypatch", "unittest.mock"})


_ALL = ("environment names", "set")


def watch_environment(recorder: Recorder, patches: Patches) -> None:
    """Begin to tell `recorder` which variables are read."""
    environ_class: Any = type(os.environ)
    original_get = environ_class.__getitem__
    original_set = environ_class.__setitem__
    original_delete = environ_class.__delitem__
    original_iterate = environ_class.__iter__
    writers: dict[str, Action] = {}

    def note(name: str) -> None:
        current = recorder.current
        writer = writers.get(name)
        if writer is current:
            return
        if writer is not None:
            current.parents.add(writer)
        recorder.read("environment", name)

    def watched(key: Any) -> str | None:
        if not isinstance(key, (str, bytes)):
            return None
        name = os.fsdecode(key)
        return None if is_own(name) else name

    def written(self: Any, key: Any) -> None:
        # pytest sets PYTEST_CURRENT_TEST six times a test.
        name = watched(key)
        if name is None:
            return
        value = self._data.get(os.fsencode(name))
        fingerprint = UNSET if value is None else value_fingerprint(name, value)
        if fingerprint == recorder.fingerprints.environment(name):
            # Put back as it was, as monkeypatch does.
            writers.pop(name, None)
        else:
            writers[name] = recorder.current

    def get(self: Any, key: Any) -> Any:
        name = watched(key)
        if name is not None and ("environment", name) in recorder.current.inputs:
            name = None
        elif name is not None and is_noise(name) and _ALL in recorder.current.inputs:
            # Whoever copies all variables asks for each by name.
            name = None
        if name is not None and not _is_setter(1) and not is_machinery(1):
            recorder.observe(note, name)
        return original_get(self, key)

    def set_(self: Any, key: Any, value: Any) -> None:
        original_set(self, key, value)
        written(self, key)

    def delete(self: Any, key: Any) -> None:
        original_delete(self, key)
        written(self, key)

    def note_all(self: Any) -> None:
        for key in list(self._data):
            name = watched(key)
            if name is not None and not is_noise(name):
                note(name)
        recorder.read(*_ALL)

    def iterate(self: Any) -> Iterator[Any]:
        if not _is_setter(1) and not is_machinery(1):
            recorder.observe(note_all, self)
        return iter(list(original_iterate(self)))

    def copy(self: Any) -> dict[Any, Any]:
        if not _is_setter(1) and not is_machinery(1):
            recorder.observe(note_all, self)
        return {self.decodekey(key): self.decodevalue(value) for key, value in self._data.items()}

    patches.set(environ_class, "__getitem__", get)
    patches.set(environ_class, "__setitem__", set_)
    patches.set(environ_class, "__delitem__", delete)
    patches.set(environ_class, "__iter__", iterate)
    patches.set(environ_class, "copy", copy)


def _is_setter(depth: int) -> bool:
    frame: FrameType | None = sys._getframe(depth + 1)
    while frame is not None and frame.f_globals.get("__name__") in _GO_BETWEENS:
        frame = frame.f_back
    return frame is not None and frame.f_globals.get("__name__") in _SETTERS
