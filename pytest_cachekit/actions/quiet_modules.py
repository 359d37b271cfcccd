"""Modules whose import does nothing that anybody could notice."""

from __future__ import annotations

import ast
import os
import sys

from ..inputs.fingerprint import Fingerprints
from ..inputs.layout import Region
from ..inputs.loaded import ClassKind
from .running import RunningParts
from .texts import Texts

_RUNS_TESTS = frozenset({"pytest", "_pytest", "pluggy"})


class QuietModules:
    """Tells of one import closure which modules it may import at another time, or not at all."""

    def __init__(
        self,
        files: frozenset[str],
        distributions: frozenset[str],
        fingerprints: Fingerprints,
        texts: Texts,
        running: RunningParts,
    ) -> None:
        """Judge modules that `files` of the project, and `distributions`, hold."""
        self._files = files
        self._distributions = distributions
        self._fingerprints = fingerprints
        self._texts = texts
        self._running = running
        self._known: dict[str, bool] = {}

    def includes(self, name: str) -> bool:
        """Return whether it makes no difference whether, or when, a module is imported."""
        if name in self._known:
            return self._known[name]
        # Around a circle of imports, what the others do decides.
        self._known[name] = True
        self._known[name] = self._find_quiet(name)
        return self._known[name]

    def _find_quiet(self, name: str) -> bool:
        module = sys.modules.get(name)
        if name.partition(".")[0] in _RUNS_TESTS:
            # Was there before all that a test's file could import.
            return True
        if module is None:
            return self._fingerprints.now("module", name) == Region.STANDARD.value
        path = getattr(module, "__file__", None)
        if path is None:
            return name in sys.builtin_module_names
        path = os.path.abspath(path)
        layout = self._fingerprints.layout
        region = layout.region(path)
        if region is Region.STANDARD:
            return True
        if region is Region.INSTALLED:
            owner = self._fingerprints.distributions.owner(path, layout.installed_roots)
            return owner in self._distributions
        file = layout.name(path)
        row = (file, self._fingerprints.now("file", file))
        loaded, text = self._texts.loaded(file), self._texts.of(row)
        if file not in self._files or loaded is None or text is None:
            return False
        return all(
            loaded.is_plain(part)
            and all(map(self.includes, loaded.imported(part)))
            and not (
                isinstance(part.node, ast.ClassDef)
                and loaded.kind_of_bases(part.node) is ClassKind.ACTIVE
            )
            for part in (self._running.of(row, part) for part in text.parts)
        )
