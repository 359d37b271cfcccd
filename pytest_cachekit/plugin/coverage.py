"""Coverage: which lines or branches each action covered, and how replayed ones count as covered.

coverage.py hands what it measured to its data whenever it is told to flush. That is
done when the running action changes, with something in between that looks at what passes; its
three cores and their different ways to note lines and branches need no knowledge here.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from ..actions.coverage import CoveredFile
from ..inputs.fingerprint import Fingerprints
from ..inputs.layout import Layout
from ..inputs.tracing.action import Action

_SETTINGS = (
    "branch", "source", "source_pkgs", "source_dirs", "run_include", "run_omit", "cover_pylib",
    "plugins", "context", "dynamic_context", "concurrency", "patch",
)  # fmt: skip

Covered = dict[tuple[str, str, bool], set[Any]]
"""Context, path and whether branches were measured, to lines or to arcs."""


def current_coverage() -> Any:
    """Return the `coverage.Coverage` that measures this process; None where none does."""
    module = sys.modules.get("coverage")
    current = getattr(getattr(module, "Coverage", None), "current", None)
    found = None if current is None else current()
    return found if getattr(found, "_collector", None) is not None else None


def coverage_settings() -> dict[str, Any] | None:
    """Return what decides which lines are measured; None where none are."""
    coverage = current_coverage()
    if coverage is None:
        return None
    return {name: getattr(coverage.config, name, None) for name in _SETTINGS}


class _Passage:
    """Stands before coverage's data, and looks at what is added to it.

    Nothing goes on before `release`: each addition is a transaction, and pytest-cov deletes,
    when a worker starts, the files of workers that started before.
    """

    def __init__(self, data: Any) -> None:
        self._data = data
        self._context: str | None = data._current_context
        self._held: dict[str | None, dict[tuple[str, bool], set[Any]]] = {}
        self._is_open = False
        self.seen: Covered = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._data, name)

    def set_context(self, context: str | None) -> Any:
        self._context = context
        return self._data.set_context(context)

    def add_lines(self, lines: Mapping[str, Collection[int]]) -> None:
        if self._is_open:
            self._data.add_lines(lines)
        else:
            self._hold(lines, branches=False)

    def add_arcs(self, arcs: Mapping[str, Collection[tuple[int, int]]]) -> None:
        if self._is_open:
            self._data.add_arcs(arcs)
        else:
            self._hold(arcs, branches=True)

    def release(self) -> None:
        """Let pass what was held, and all that comes."""
        self._is_open = True
        for context, held in self._held.items():
            self._data.set_context(context)
            for branches, add in ((False, self._data.add_lines), (True, self._data.add_arcs)):
                measured = {
                    path: covered for (path, arcs), covered in held.items() if arcs is branches
                }
                if measured:
                    add(measured)
        self._held.clear()
        self._data.set_context(self._context)

    def _hold(self, measured: Mapping[str, Collection[Any]], *, branches: bool) -> None:
        held = self._held.setdefault(self._context, {})
        for path, covered in measured.items():
            held.setdefault((path, branches), set()).update(covered)
            if covered:
                key = (self._context or "", path, branches)
                self.seen.setdefault(key, set()).update(covered)


class CoverageMeter:
    """Credits what is covered to the actions of this process, as far as coverage is measured."""

    def __init__(self) -> None:
        self._covered: dict[Action, Covered] = {}
        self._collector: Any = None
        self._passage: _Passage | None = None

    @property
    def measures(self) -> bool:
        """Whether coverage is measured."""
        return self._passage is not None

    def attach(self) -> None:
        """Measure with what measures this process now, not with what a test starts later."""
        coverage = current_coverage()
        if coverage is not None and self._passage is None:
            self._collector = coverage._collector
            self._passage = self._collector.covdata = _Passage(self._collector.covdata)

    def credit(self, action: Action) -> None:
        """Credit to `action` what was covered since the last call."""
        passage = self._passage
        if passage is None:
            return
        self._collector.flush_data()
        if not passage.seen:
            return
        seen, passage.seen = passage.seen, {}
        covered = self._covered.setdefault(action, {})
        for key, lines in seen.items():
            known = covered.get(key)
            if known is None:
                covered[key] = lines
            else:
                known |= lines

    def release(self) -> None:
        """Let coverage have what was held back; measuring goes on without looking."""
        if self._passage is not None:
            self._passage.release()

    def begin(self) -> None:
        """Have lines noted anew that sys.monitoring was told to note once only."""
        collector = self._collector
        if collector is not None and not collector.core.systrace:
            # It exists where a core of coverage's isn't a trace function.
            sys.monitoring.restart_events()  # type: ignore[attr-defined,unused-ignore]

    def take(self, action: Action) -> Covered:
        """Return what `action` covered, and forget it."""
        return self._covered.pop(action, {})

    def files(
        self, own: Covered, shared: Iterable[Action], fingerprints: Fingerprints
    ) -> list[CoveredFile]:
        """Return what a test covered, by itself and by the `shared` actions that it rests on."""
        total = {key: set(covered) for key, covered in own.items()}
        for action in shared:
            for key, covered in self._covered.get(action, {}).items():
                total.setdefault(key, set()).update(covered)
        files = []
        for (context, path, branches), covered in total.items():
            name = fingerprints.layout.name(os.path.abspath(path))
            lines, arcs = ([], sorted(covered)) if branches else (sorted(covered), [])
            files.append(CoveredFile(context, name, fingerprints.file(name), lines, arcs))
        return files


def count_as_covered(files: Iterable[CoveredFile], layout: Layout) -> None:
    """Add what replayed tests covered to what this process has measured."""
    coverage = current_coverage()
    if coverage is None:
        return
    lines: dict[str, dict[str, set[int]]] = {}
    arcs: dict[str, dict[str, set[tuple[int, int]]]] = {}
    for file in files:
        path = coverage._collector.file_mapper(layout.path(file.name))
        if file.arcs:
            arcs.setdefault(file.context, {}).setdefault(path, set()).update(file.arcs)
        else:
            lines.setdefault(file.context, {}).setdefault(path, set()).update(file.lines)
    coverage._collector.flush_data()
    data = coverage._data
    context = data._current_context
    for name in lines.keys() | arcs.keys():
        data.set_context(name or None)
        if name in lines:
            data.add_lines(lines[name])
        if name in arcs:
            data.add_arcs(arcs[name])
    data.set_context(context)
