"""What importing test files does to `sys.path`, done without importing them."""

from __future__ import annotations

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

    def add(self, path: Path) -> bool:
        """Add what importing the test file at `path` would; return whether that is anything."""
        if self._mode == "importlib":
            return False
        root = self._roots.get(path.parent)
        if root is None:
            root = self._roots[path.parent] = self._root(path)
        if self._mode == "append":
            if root in sys.path:
                return False
            sys.path.append(root)
        else:
            if sys.path[:1] == [root]:
                return False
            sys.path.insert(0, root)
        self._added.append(root)
        return True

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

    def _root(self, path: Path) -> str:
        try:
            root, _ = resolve_pkg_root_and_module_name(
                path, consider_namespace_packages=self._namespaces
            )
        except CouldNotResolvePathError:
            root = path.parent
        return str(root)
