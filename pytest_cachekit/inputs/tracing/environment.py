"""Environment variables: reads of `os.environ` by anyone but pytest itself.

A variable that the running action has set itself, as monkeypatch.setenv does,
is no input of it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

from ..fingerprint import UNSET, is_noise, is_own, value_fingerprint
from .action import Action
from .callers import acts_for_itself, asker
from .patching import Patches
from .recorder import Recorder

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
        inputs = recorder.current.inputs
        if type(key) is str and ("environment", key) in inputs:
            return original_get(self, key)
        name = watched(key)
        if name is not None and is_noise(name) and _ALL in inputs:
            # Whoever copies all variables asks for each by name.
            name = None
        if name is not None and not _is_nobody(1):
            recorder.observe(note, name)
        return original_get(self, key)

    def set_(self: Any, key: Any, value: Any) -> None:
        original_set(self, key, value)
        # pytest sets PYTEST_CURRENT_TEST six times a test.
        if key != "PYTEST_CURRENT_TEST":
            written(self, key)

    def delete(self: Any, key: Any) -> None:
        original_delete(self, key)
        if key != "PYTEST_CURRENT_TEST":
            written(self, key)

    def note_all(self: Any) -> None:
        for key in list(self._data):
            name = watched(key)
            if name is not None and not is_noise(name):
                note(name)
        recorder.read(*_ALL)

    def iterate(self: Any) -> Iterator[Any]:
        if not _is_nobody(1):
            recorder.observe(note_all, self)
        return iter(list(original_iterate(self)))

    def copy(self: Any) -> dict[Any, Any]:
        if not _is_nobody(1):
            recorder.observe(note_all, self)
        return {self.decodekey(key): self.decodevalue(value) for key, value in self._data.items()}

    patches.set(environ_class, "__getitem__", get)
    patches.set(environ_class, "__setitem__", set_)
    patches.set(environ_class, "__delitem__", delete)
    patches.set(environ_class, "__iter__", iterate)
    patches.set(environ_class, "copy", copy)


def _is_nobody(depth: int) -> bool:
    """Return whether who asks is pytest, or sets variables and puts them back."""
    name = asker(depth + 1)
    return name == "unittest.mock" or acts_for_itself(name)
