"""Who asked: reads by Python's import system and by pytest itself are no inputs of a test."""

from __future__ import annotations

import sys
from types import FrameType

# Modules of the standard library that pass a read on for somebody else.
_GO_BETWEENS = frozenset(
    {
        "os", "posixpath", "genericpath", "pathlib", "pathlib._local", "pathlib._abc", "io",
        "codecs", "tokenize", "_collections_abc", "collections.abc", "shutil", "contextlib",
        "glob", "fnmatch", "linecache", "functools", "tempfile",
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
_OWN = __name__.partition(".")[0]
_MACHINERY = ("_pytest", "pytest", "pluggy", "xdist", "execnet", "_hypothesis_pytestplugin", _OWN)


def is_machinery(depth: int) -> bool:
    """Return whether the frame `depth` calls above the caller's acts for pytest or an import."""
    frame: FrameType | None = sys._getframe(depth + 1)
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
        name = frame.f_globals.get("__name__") or ""
        if name not in _GO_BETWEENS:
            return name.partition(".")[0] in _MACHINERY and name not in _READS_FOR_TESTS
        frame = frame.f_back
    return False
