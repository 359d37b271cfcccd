"""Environment variables: reads of `os.environ` by anyone but pytest itself.

A variable that the running action has set itself, as monkeypatch.setenv does,
is no input of it.
"""

from __future__ import annotations

import os
import posix
from collections.abc import Callable, Iterator
from typing import Any

from ..fingerprint import UNSET, is_noise, is_own, value_fingerprint
from .callers import acts_for_itself, asker, asking_frame
from .patching import Patches
from .recorder import Recorder

# They set variables and put them back; what they look at on the way is nobody's input.
_PUT_BACK = frozenset({"_patch_dict", "_unpatch_dict", "_clear_dict"})

_ALL = ("environment names", "set")


def watch_environment(recorder: Recorder, patches: Patches) -> None:
    """Begin to tell `recorder` which variables are read."""
    environ_class: Any = type(os.environ)
    original_get = environ_class.__getitem__
    original_set = environ_class.__setitem__
    original_delete = environ_class.__delitem__
    original_iterate = environ_class.__iter__
    original_represent = environ_class.__repr__
    original_reduce = environ_class.__reduce_ex__
    writers = recorder.variables

    def note(name: str) -> None:
        current = recorder.current
        writer = writers.get(name)
        if writer is not None:
            recorder.reads_own()
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
        if type(key) is str and recorder.is_in_key(key) and key not in writers:
            return original_get(self, key)
        inputs = recorder.current.inputs
        if type(key) is str and ("environment", key) in inputs:
            recorder.note_readers("environment", key)
            return original_get(self, key)
        name = watched(key)
        if name is not None and is_noise(name) and _ALL in inputs:
            # Whoever copies all variables asks for each by name.
            name = None
        if name is not None and _counts(1):
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
        if _counts(1):
            recorder.observe(note_all, self)
        return iter(list(original_iterate(self)))

    def represent(self: Any) -> str:
        if _counts(1):
            recorder.observe(note_all, self)
        return str(original_represent(self))

    def reduce(self: Any, protocol: Any) -> Any:
        # As copy.deepcopy() and pickle see it.
        if _counts(1):
            recorder.observe(note_all, self)
        return original_reduce(self, protocol)

    def copy(self: Any) -> dict[Any, Any]:
        if _counts(1):
            recorder.observe(note_all, self)
        return {self.decodekey(key): self.decodevalue(value) for key, value in self._data.items()}

    patches.set(environ_class, "__getitem__", get)
    patches.set(environ_class, "__setitem__", set_)
    patches.set(environ_class, "__delitem__", delete)
    patches.set(environ_class, "__iter__", iterate)
    patches.set(environ_class, "__repr__", represent)
    patches.set(environ_class, "__reduce_ex__", reduce)
    patches.set(environ_class, "copy", copy)

    def note_raw(name: str) -> None:
        if _counts(2):
            recorder.observe(note, name)

    def note_all_raw() -> None:
        if _counts(2):
            recorder.observe(note_all, os.environ)

    patches.set(posix, "environ", _raw_environment(note_raw, note_all_raw))


def _raw_environment(note: Callable[[str], None], note_all: Callable[[], None]) -> Any:
    """Return the mapping that `os.environ` was made from, as one that takes notes."""

    class Environment(dict[bytes, bytes]):
        def __getitem__(self, key: bytes) -> bytes:
            note(os.fsdecode(key))
            return super().__getitem__(key)

        def get(self, key: bytes, default: Any = None) -> Any:
            note(os.fsdecode(key))
            return super().get(key, default)

        def __contains__(self, key: object) -> bool:
            if isinstance(key, bytes):
                note(os.fsdecode(key))
            return super().__contains__(key)

        def __iter__(self) -> Iterator[bytes]:
            note_all()
            return super().__iter__()

        def items(self) -> Any:
            note_all()
            return super().items()

    return Environment(posix.environ)


def _counts(depth: int) -> bool:
    """Return whether an outcome can depend on what the caller of `depth` calls above reads."""
    module = asker(depth + 1)
    if module == "_pytest.monkeypatch":
        # Prepending reads the value, and deleting may insist that there is one.
        frame = asking_frame(depth + 1)
        function = frame.f_code.co_name
        return function == "setenv" or (function == "delitem" and frame.f_locals["raising"])
    if module == "unittest.mock":
        return asking_frame(depth + 1).f_code.co_name not in _PUT_BACK
    return not acts_for_itself(module)
