"""Which part of the world a path belongs to, and the name it has in a manifest.

Names don't depend on where the project lies: paths below its root are relative to it.
"""

from __future__ import annotations

import os
import site
import sys
import sysconfig
from collections.abc import Iterable, Iterator
from enum import Enum

from .aside import import_aside


class Region(Enum):
    """The part of the world that a path belongs to."""

    PROJECT = "project"
    """Below the root, or code elsewhere that no distribution and no interpreter owns."""
    INSTALLED = "installed"
    """Below a site-packages directory."""
    STANDARD = "standard"
    """The interpreter's own files."""
    IGNORED = "ignored"
    """Caches and by-products, which no outcome may depend on."""
    SYSTEM = "system"
    """Anything else: an absolute path names it."""


_IGNORED_PARTS = frozenset({".cachekit", ".hypothesis"})
_IGNORED_ROOTS = ("/dev/", "/proc/", "/sys/")
# Files in memory, which happen to lie below a root of devices.
_SHARED_MEMORY = "/dev/shm/"  # noqa: S108  nothing is put there
# Assertion rewriting writes bytecode under a name that ends in a process's number.
_BYTECODE = (".pyc", ".pyo")


class Layout:
    """Where the project, the interpreter and its distributions lie."""

    def __init__(
        self,
        root: str | os.PathLike[str],
        ignored: Iterable[str] = (),
        temporary: Iterable[str] = (),
    ) -> None:
        """Describe the project below `root`.

        Args:
            root: its directory.
            ignored: directories that hold no inputs.
            temporary: directories for temporary files; the one of this process unless given.
        """
        self.root = os.path.abspath(root)
        real_root = os.path.realpath(self.root)
        self._roots = tuple(
            path.rstrip(os.sep) + os.sep for path in dict.fromkeys((self.root, real_root))
        )
        self._ancestors = frozenset(
            parent for path in (self.root, real_root) for parent in _parents(path)
        )
        self.installed_roots = tuple(
            path + os.sep for path in dict.fromkeys(_with_real(_site_directories()))
        )
        self._standard_roots = tuple(
            path + os.sep for path in dict.fromkeys(_with_real(_standard_directories()))
        )
        self.ignored = tuple(path.rstrip(os.sep) + os.sep for path in _with_real(ignored))
        # tempfile looks for a writable directory once, by writing into candidates.
        self.temporary = tuple(
            path.rstrip(os.sep) + os.sep
            for path in dict.fromkeys(
                _with_real(temporary or [import_aside("tempfile").gettempdir()])
            )
        )
        self._regions: dict[str, Region] = {}
        self._names: dict[str, str] = {}
        self._paths: dict[str, str] = {}

    @classmethod
    def beside_caches(cls, root: str | os.PathLike[str], urls: Iterable[str]) -> Layout:
        """Describe the project below `root`, in which what caches hold is no input.

        Args:
            root: its directory.
            urls: where the caches are; those in directories may lie within it.
        """
        return cls(root, [url.partition(":")[2] for url in urls if url.startswith("file:")])

    def region(self, path: str) -> Region:
        """Return the region of the absolute `path`."""
        region = self._regions.get(path)
        if region is None:
            region = self._regions[path] = self._find_region(path)
        return region

    def is_project(self, path: str) -> bool:
        """Return whether the absolute `path` is the project's own code or data."""
        return self.region(path) is Region.PROJECT

    def is_loaded_code(self, path: str) -> bool:
        """Return whether a loaded module at the absolute `path` is nobody else's.

        Modules in a directory for temporary files count too: that they were loaded tells.
        """
        return self.region(path) in (Region.PROJECT, Region.SYSTEM)

    def name(self, path: str) -> str:
        """Return the name of the absolute `path`: relative to the root where it lies below it."""
        name = self._names.get(path)
        if name is None:
            name = self._names[path] = self._find_name(path)
        return name

    def path(self, name: str) -> str:
        """Return the absolute path that `name` stands for in this checkout."""
        path = self._paths.get(name)
        if path is None:
            path = self._paths[name] = os.path.normpath(os.path.join(self.root, name))
        return path

    def is_temporary(self, path: str) -> bool:
        """Return whether the absolute `path` is in a directory for temporary files."""
        kept = (*self._roots, *self.installed_roots, *self._standard_roots)
        return path.startswith(self.temporary) and not (path + os.sep).startswith(kept)

    def is_ancestor(self, path: str) -> bool:
        """Return whether `path` is a directory above the root: every checkout has its own."""
        return path in self._ancestors

    def _find_name(self, path: str) -> str:
        for root in self._roots:
            if path.startswith(root):
                return path[len(root) :].replace(os.sep, "/")
        if path + os.sep in self._roots:
            return "."
        return os.path.relpath(path, self.root) if path in self._ancestors else path

    def _find_region(self, path: str) -> Region:
        folder = path + os.sep
        if not _IGNORED_PARTS.isdisjoint(path.split(os.sep)):
            return Region.IGNORED
        if folder.startswith(self.ignored):
            return Region.IGNORED
        if folder.startswith(_IGNORED_ROOTS) and not folder.startswith(_SHARED_MEMORY):
            return Region.IGNORED
        if "/__pycache__" in path and _is_bytecode(path):
            return Region.IGNORED
        if folder.startswith(self.installed_roots) or "/site-packages/" in path:
            return Region.INSTALLED
        if folder.startswith(self._roots):
            return Region.PROJECT
        if folder.startswith(self._standard_roots):
            return Region.STANDARD
        # Also in a directory for temporary files: a sibling of the project may lie there. What
        # tests make there is known as theirs.
        if path.endswith(".py"):
            return Region.PROJECT
        return Region.SYSTEM


def _parents(path: str) -> Iterator[str]:
    while path != os.path.dirname(path):
        path = os.path.dirname(path)
        yield path


def _is_bytecode(path: str) -> bool:
    name = path.rpartition(os.sep)[2]
    return name == "__pycache__" or name.rstrip("0123456789.").endswith(_BYTECODE)


def _site_directories() -> list[str]:
    paths = sysconfig.get_paths()
    found = [paths["purelib"], paths["platlib"], site.getusersitepackages()]
    found += [path for path in site.getsitepackages() if path]
    found += [path for path in sys.path if path.endswith(("site-packages", "dist-packages"))]
    return [os.path.abspath(path) for path in found]


def _standard_directories() -> list[str]:
    paths = sysconfig.get_paths()
    return [os.path.abspath(paths["stdlib"]), os.path.abspath(paths["platstdlib"])]


def _with_real(paths: Iterable[str]) -> list[str]:
    return [spelling for path in paths for spelling in (path, os.path.realpath(path))]
