"""What importing test files does to `sys.path`, done without importing them."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from _pytest.pathlib import CouldNotResolvePathError, resolve_pkg_root_and_module_name


class ImportPath:
    """Puts on `sys.path` what pytest does for test files, in the same order."""

    def __init__(self, config: pytest.Config) -> None:
        self._mode = str(config.getoption("importmode"))
        self._namespaces = bool(config.getini("consider_namespace_packages"))
        self._roots: dict[Path, str] = {}
        self._added: list[str] = []
        self._names: dict[str, Path] = {}

    def clashes(self, path: Path) -> bool:
        """Return whether the test file at `path` has the module name of another file."""
        if self._mode == "importlib":
            return False
        name = os.path.relpath(path, self._root_of(path)).removesuffix(".py").replace(os.sep, ".")
        loaded = getattr(sys.modules.get(name), "__file__", None)
        return self._names.setdefault(name, path) != path or loaded not in (None, str(path))

    def add(self, path: Path) -> str | None:
        """Add, and return, what importing the test file at `path` would; None if that is none."""
        if self._mode == "importlib":
            return None
        root = self._root_of(path)
        if self._mode == "append":
            if root in sys.path:
                return None
            sys.path.append(root)
        else:
            if sys.path[:1] == [root]:
                return None
            sys.path.insert(0, root)
        self._added.append(root)
        return root

    def restore(self) -> None:
        """Take away what was added, before the files are imported after all."""
        for root in reversed(self._added):
            if self._mode == "append":
                sys.path.reverse()
            if root in sys.path:
                sys.path.remove(root)
            if self._mode == "append":
                sys.path.reverse()
        self._added.clear()

    def _root_of(self, path: Path) -> str:
        known = self._roots.get(path.parent)
        if known is not None:
            return known
        try:
            root, _ = resolve_pkg_root_and_module_name(
                path, consider_namespace_packages=self._namespaces
            )
        except CouldNotResolvePathError:
            root = path.parent
        self._roots[path.parent] = str(root)
        return str(root)
