"""Who asked: reads by Python's import system and by pytest itself are no inputs of a test."""

from __future__ import annotations

import sys
from functools import lru_cache
from types import FrameType

# Modules of the standard library that pass a read on for somebody else.
_GO_BETWEENS = frozenset(
    {
        "os", "posixpath", "genericpath", "pathlib", "pathlib._local", "pathlib._abc", "io",
        "codecs", "tokenize", "_collections_abc", "collections.abc", "shutil", "contextlib",
        "glob", "fnmatch", "linecache", "functools", "tempfile", "importlib.metadata", "getpass",
    }
)  # fmt: skip
# Parts of pytest that call what a test hands them, or read its files for it: that counts.
_READS_FOR_TESTS = frozenset(
    {
        "_pytest.pytester", "_pytest.doctest", "_pytest.legacypath", "_pytest.raises",
        "_pytest.python_api", "_pytest.recwarn", "_pytest.fixtures", "_pytest.unittest",
        "_pytest.runner",
    }
)  # fmt: skip
# Bound now: tests of what does without take it away from `sys`.
frame_of = sys._getframe
_OWN = __name__.partition(".")[0]
_MACHINERY = frozenset(
    {
        "_pytest", "pytest", "pluggy", "xdist", "execnet", "_hypothesis_pytestplugin",
        "pytest_rerunfailures", "pytest_cov", "coverage", _OWN,
    }
)  # fmt: skip
_IMPORT_SYSTEM = frozenset(
    {
        "importlib._bootstrap", "importlib._bootstrap_external", "_frozen_importlib",
        "_frozen_importlib_external", "importlib.util", "importlib.machinery",
        # Looks for constants in all modules; who draws from them is told by the plugin.
        "hypothesis.internal.constants_ast",
        # Asks where the files of all loaded modules lie, on behalf of each traceback.
        "inspect.getmodule",
    }
)  # fmt: skip


def is_go_between(depth: int) -> bool:
    """Return whether the frame `depth` calls above the caller's passes things on for another."""
    return name_above(depth + 1) in _GO_BETWEENS


def frame_above(depth: int) -> FrameType | None:
    """Return the frame `depth` calls above the caller's; None where C's code asks by itself."""
    try:
        return frame_of(depth + 1)
    except ValueError:
        return None


def name_above(depth: int) -> str:
    """Return the name of the module of the frame `depth` calls above the caller's, or ""."""
    frame = frame_above(depth + 1)
    return "" if frame is None else frame.f_globals.get("__name__") or ""


def asking_frame(depth: int) -> FrameType:
    """Return the frame on whose behalf the frame `depth` calls above the caller's acts."""
    frame = frame_of(depth + 1)
    while (frame.f_globals.get("__name__") or "") in _GO_BETWEENS and frame.f_back is not None:
        frame = frame.f_back
    return frame


def names_of_asker(depth: int) -> frozenset[str]:
    """Return the names in the code on whose behalf the frame `depth` calls above acts.

    The names of the functions in between are among them.
    """
    frame = frame_of(depth + 1)
    names = {frame.f_code.co_name}
    while (frame.f_globals.get("__name__") or "") in _GO_BETWEENS and frame.f_back is not None:
        frame = frame.f_back
        names.add(frame.f_code.co_name)
    return frozenset((*names, *frame.f_code.co_names))


def is_machinery(depth: int) -> bool:
    """Return whether the frame `depth` calls above the caller's acts for pytest or an import."""
    return acts_for_itself(asker(depth + 1))


def asker(depth: int) -> str:
    """Return the module on whose behalf the frame `depth` calls above the caller's acts.

    It is "" where that isn't known.
    """
    frame = frame_above(depth + 1)
    while frame is not None:
        # Frames are told apart by their globals: asking for their code raises an audit event.
        name = frame.f_globals.get("__name__")
        if type(name) is not str:
            return ""
        if name not in _GO_BETWEENS:
            return "inspect.getmodule" if name == "inspect" and _seeks_module(frame) else name
        frame = frame.f_back
    return ""


def _seeks_module(frame: FrameType | None) -> bool:
    while frame is not None and frame.f_globals.get("__name__") == "inspect":
        if frame.f_code.co_name == "getmodule":
            return True
        frame = frame.f_back
    return False


def heed_pytest() -> None:
    """Let what pytest reads be inputs from now on: it is the program that is traced."""
    _State.machinery = frozenset({_OWN, "site"})
    acts_for_itself.cache_clear()


class _State:
    machinery = _MACHINERY


@lru_cache(maxsize=4096)
def acts_for_itself(module: str) -> bool:
    """Return whether what `module` reads is no input: it is part of pytest or of the imports."""
    if module in _IMPORT_SYSTEM:
        return True
    return module.partition(".")[0] in _State.machinery and module not in _READS_FOR_TESTS
