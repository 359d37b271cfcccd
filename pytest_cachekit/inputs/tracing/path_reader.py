"""Reads of files and directories: what they mean for the action that runs."""

from __future__ import annotations

import contextlib
import os
from abc import ABC, abstractmethod

from ..fingerprint import Fingerprints
from ..layout import Layout, Region
from .action import Action
from .writes import Writes

_LISTINGS = frozenset({"listing", "sizes"})


class PathReader(ABC):
    """Tells of absolute paths by the kind of read, as far as these can be inputs."""

    def __init__(self, fingerprints: Fingerprints) -> None:
        self.fingerprints = fingerprints
        self.layout: Layout = fingerprints.layout
        self.session = Action("the session", began_early=True, collects=True)
        self.writes = Writes(fingerprints)
        self.start = ""
        """The working directory when the run began; "" if there was none."""
        with contextlib.suppress(OSError):
            self.start = os.getcwd()
        self.is_away = False
        """Whether it is another one now."""
        """What was made or changed in this run."""
        self.unheeded: set[str] = set()
        """Paths that were found not to be heeded."""

    @abstractmethod
    def reads_own(self) -> None:
        """Note who runs while something is read that was made or set in this run."""

    @property
    @abstractmethod
    def current(self) -> Action:
        """The action that what is read now belongs to."""

    @abstractmethod
    def read(self, kind: str, name: str) -> None:
        """Note that the input `name` of `kind` is read now."""

    def heeds(self, path: str) -> bool:
        """Return whether what is at the absolute `path` can be an input at all."""
        if path in self.unheeded:
            return False
        layout = self.layout
        if (
            layout.region(path) in (Region.STANDARD, Region.IGNORED)
            or layout.is_ancestor(path)
            or path + "/" in layout.temporary
        ):
            self.unheeded.add(path)
            return False
        return True

    def read_file(self, path: str) -> None:
        """Note that the content of the file at the absolute `path` is read now."""
        self._read_path("file", path)

    def read_journal(self, path: str) -> None:
        """Note that a database's journal at the absolute `path` is read; an empty one is none."""
        self._read_path("journal", path)

    def read_listing(self, path: str) -> None:
        """Note that the names in the directory at the absolute `path` are read now."""
        self._read_path("listing", path)

    def read_metadata(self, path: str) -> None:
        """Note that type or size of what is at the absolute `path` is read now."""
        self._read_path("metadata", path)

    def read_mode(self, path: str) -> None:
        """Note that all permissions of what is at the absolute `path` are read now."""
        self._read_path("mode", path)

    def read_sizes(self, path: str) -> None:
        """Note that metadata of files in the directory at the absolute `path` is read now."""
        self._read_path("sizes", path)

    def read_packages(self, path: str) -> None:
        """Note that packages' metadata is looked for now in the directory at `path`."""
        self._read_path("packages", path)

    def read_existence(self, path: str) -> None:
        """Note that it is asked now whether the absolute `path` exists, and of what type it is."""
        self._read_path("existence", path)

    def read_link(self, path: str) -> None:
        """Note that it is asked now where the symbolic link at the absolute `path` leads."""
        self._read_path("link", path)

    def created_here(self, path: str, *, appends: bool = False) -> None:
        """Note that the current action makes what will be at the absolute `path`."""
        self.writes.create(path, self.current, appends=appends)

    def removed_here(self, path: str) -> None:
        """Note that the current action removes what is at the absolute `path`."""
        self.writes.remove(path, self.current)

    def modifies(self, path: str, *, reads: bool) -> None:
        """Note that the current action changes the file that is at the absolute `path`.

        `reads` tells whether what it does depends on what the file holds.
        """
        self.writes.modify(path, self.current)
        if reads:
            self.read_file(path)
        else:
            self.read_existence(path)

    def _read_path(self, kind: str, path: str) -> None:
        if not self.heeds(path) and not (kind in _LISTINGS and self.layout.is_ancestor(path)):
            return
        if self.layout.region(path) is Region.INSTALLED and self._read_installed(path):
            return
        creator = self.writes.creator(path)
        if creator is not None or self.is_away:
            self.reads_own()
        if creator is not None:
            if creator is not self.current and creator is not self.session:
                self.writes.hand_on(path, creator, self.current)
            return
        self.writes.rest_on_changes(path, self.current)
        self.read(kind, self.layout.name(path))

    def _read_installed(self, path: str) -> bool:
        """Read the distribution that `path` belongs to; return whether there is one."""
        roots = self.layout.installed_roots
        owner = self.fingerprints.distributions.owner(path, roots)
        if owner is not None:
            self.read("distribution", owner)
        elif path + "/" in roots:
            self.read("distributions", "installed")
        else:
            return False
        return True
