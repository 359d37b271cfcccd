"""Test files that aren't imported: those that have nothing to run, and that nobody misses."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Generator, Iterable
from typing import Any

import pytest

from ..actions.collected import CollectedFile
from ..inputs.layout import Layout
from ..inputs.quiet_import import is_quiet_import
from ..inputs.tracing.action import Action
from .coverage import coverage_settings
from .exchange import Difference, exchange
from .file_collection import FileCollection, warned
from .import_path import ImportPath
from .run import Run
from .stand_ins import StandInModule, is_stand_in
from .watch import Watch, is_of_project

# What these do with a test file's objects, and keep, a record doesn't know.
_MAKING = (
    "pytest_pycollect_makeitem", "pytest_generate_tests", "pytest_make_parametrize_id",
)  # fmt: skip
# They may look at what imports left behind.
_LATE = (
    "pytest_collection_finish", "pytest_deselected", "pytest_runtestloop",
    "pytest_sessionfinish", "pytest_terminal_summary", "pytest_unconfigure",
)  # fmt: skip
# These look at objects, or import files themselves.
_LOOKING = ("showfixtures", "show_fixtures_per_test", "doctestmodules")


class Collecting:
    """Decides which files are imported, and keeps what collecting them returned."""

    def __init__(self, run: Run, watch: Watch) -> None:
        self._run = run
        self._watch = watch
        self._layout: Layout = run.fingerprints.layout
        self._waiting: list[StandInModule] = []
        """Modules about which nothing was asked."""
        self._made: list[Any] = []
        """Those that aren't imported, in their order."""
        self._files: dict[pytest.Module, FileCollection] = {}
        self._imports: bool | None = None
        """Whether all files are imported; None where it isn't decided."""
        self._path: ImportPath | None = None
        self._has_imported = False
        """Whether any file was imported."""
        self._has_moved = False
        """Whether `sys.path` is another one than when the first files were decided about."""
        self._different: dict[pytest.Module, Difference] = {}
        self._printing: set[str] = set()
        """Node ids of files."""
        self._warning: set[str] = set()
        """Files of the project at whose first import there are warnings."""
        self._quiet: dict[tuple[object, ...], bool] = {}

    @pytest.hookimpl(tryfirst=True)
    def pytest_pycollect_makemodule(
        self, module_path: Any, parent: pytest.Collector
    ) -> pytest.Module | None:
        """Make a module that may stay without being imported, where nobody else makes any."""
        if self._imports is None:
            with self._watch.tracer.recorder.unobserved():
                self._imports = not self._may_leave_out(parent.config)
        # `parent.ihook` hides who implements this one, up to pytest 9.1.
        making = parent.config.pluginmanager.hook.pytest_pycollect_makemodule
        if self._imports or len(making.get_hookimpls()) > 2:
            return None
        module: StandInModule = StandInModule.from_parent(parent, path=module_path)
        module.decide = self._decide
        self._waiting.append(module)
        return module

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_make_collect_report(
        self, collector: pytest.Collector
    ) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
        """Keep what collecting a file, or a class in it, returned."""
        before, imported = warned(), self._watch.tracer.recorder.modules.actions
        count = len(imported)
        report = yield
        module = collector.getparent(pytest.Module)
        if module is None:
            return report
        if is_stand_in(module):
            if collector is module and report.skipped:
                report.longrepr = vars(module)["skipped"]
            return report
        if type(module) is pytest.Module:
            file = self._files.get(module)
            if file is None:
                file = self._files[module] = FileCollection(module)
            file.take(collector, report)
            if before is None:
                file.refusal = "whether it warns isn't known"
            elif warned() != before:
                # Who imports these modules first is warned, whichever file that is.
                self._warning.add(self._layout.name(str(module.path)))
                self._warning.update(map(self._layout.name, list(imported)[count:]))
        return report

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Note which files print something."""
        if report.sections:
            self._printing.add(report.nodeid.partition("::")[0])

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Let nobody see tests that aren't there any more."""
        self._repair(items)

    def import_for(self, items: list[pytest.Item], to_run: Iterable[pytest.Item]) -> bool:
        """Import the files of tests that run, and what others could notice, in pytest's order.

        Args:
            items: all tests; those that turn out to be no more leave it.
            to_run: those that run.

        Returns:
            Whether `items` are others now.
        """
        self._import_where_noticed({item.getparent(pytest.Module) for item in to_run})
        return self._repair(items)

    def _import_all(self) -> None:
        self._imports = self._has_imported = True
        if self._path is not None:
            self._path.restore()
        made, self._made = self._made, []
        for module in made:
            self._import(module)

    def _import_where_noticed(self, wanted: Container[pytest.Module | None] = ()) -> None:
        """Import what was left out and is `wanted`, or does something for whoever runs."""
        self._has_imported = True
        made, self._made = self._made, []
        for index, module in enumerate(made):
            if module in wanted or not self._is_unnoticed(module):
                self._import(module)
            else:
                self._made.append(module)
            if self._imports:
                # Somebody looked at an object meanwhile.
                for other in made[index + 1 :]:
                    self._import(other)
                break

    def _is_unnoticed(self, module: pytest.Module) -> bool:
        """Return whether nobody could notice that `module` isn't imported, as things stand."""
        recorder = self._watch.tracer.recorder
        with recorder.running(Action("files that aren't imported")), recorder.unobserved():
            try:
                return is_quiet_import(module.path.read_bytes())
            except (OSError, RecursionError):
                return False

    def settle(self) -> None:
        """Have verdicts looked up anew where files or `sys.path` may have changed since."""
        if self._has_imported:
            self._run.look_again()
        elif self._has_moved:
            self._run.look_again(places_only=True)

    def to_record(self, items: Iterable[pytest.Item]) -> list[FileCollection]:
        """Return what was collected and isn't known yet.

        Args:
            items: all selected tests. Files with many more aren't worth it: making these again
                takes longer than it saves.
        """
        found: list[FileCollection] = []
        selected = Counter(item.getparent(pytest.Module) for item in items)
        for module, file in self._files.items():
            if 2 * selected[module] < file.count() or self._run.knows_collection(module.nodeid):
                continue
            if module.nodeid in self._printing:
                file.objection = "it prints something"
            file.warning = self._warning
            found.append(file)
        return found

    def _decide(self, module: StandInModule) -> CollectedFile | None:
        """Return what to make the nodes of `module` of; None where it is imported."""
        if self._imports:
            return None
        with self._watch.tracer.recorder.unobserved():
            if not self._is_quiet(module) or self._clashes(module):
                collected, is_left_out = None, False
                self._imports = True
            else:
                collected = self._find(module)
                is_left_out = collected is not None and (
                    not self._has_imported or self._is_unnoticed(module)
                )
        if self._imports:
            self._import_all()
        elif not is_left_out:
            self._import_where_noticed()
        if collected is None or not is_left_out:
            return None
        module.import_file = self._import_on_demand  # type: ignore[attr-defined]
        if collected.skipped is not None:
            file, line, reason = collected.skipped
            vars(module)["skipped"] = (self._layout.path(file), line, reason)
        self._made.append(module)
        return collected

    def _find(self, module: StandInModule) -> CollectedFile | None:
        assert self._path is not None
        added = self._path.add(module.path)
        if added is not None:
            self._run.look_again(places_only=True)
            self._has_moved = self._has_moved or bool(self._made)
            if self._run.fingerprints.places.clashes(added):
                # Whoever imports such a module first decides which one all others get.
                self._imports = True
                return None
        groups = [waiting.nodeid for waiting in self._waiting]
        self._waiting.clear()
        return self._run.find_collected(module.nodeid, groups)

    def _import_on_demand(self, module: StandInModule) -> None:
        # Whoever asks for one object asks for others, and files are imported in their order.
        self._import_all()

    def _clashes(self, module: pytest.Module) -> bool:
        if self._path is None:
            self._path = ImportPath(module.config)
        return self._path.clashes(module.path)

    def _import(self, module: Any) -> None:
        try:
            with self._watch.collecting(module):
                difference = exchange(module)
        except pytest.skip.Exception:
            if "skipped" not in vars(module):
                raise
            return
        if difference.gone or difference.new:
            self._different[module] = difference
            self._files[module] = FileCollection(module, objection="its tests are new in each run")

    def _repair(self, items: list[pytest.Item]) -> bool:
        """Take the tests that are no more out of `items`, and put those that are new last."""
        is_needed = bool(self._different)
        for module, difference in self._different.items():
            gone = set(difference.gone)
            items[:] = [item for item in items if gone.isdisjoint(item.iter_parents())]
            for node in difference.new:
                items.extend(module.session.genitems(node))
        self._different.clear()
        return is_needed

    def _may_leave_out(self, config: pytest.Config) -> bool:
        return (
            self._run.why_everything_runs is None
            and coverage_settings() is None
            and not any(getattr(config.option, name, False) for name in _LOOKING)
            and self._run.knows_results(surely=False)
        )

    def _is_quiet(self, module: pytest.Module) -> bool:
        """Return whether no code of the project could miss that files aren't imported."""
        key = (module.path.parent, len(module.config.pluginmanager.get_plugins()))
        if key not in self._quiet:
            self._quiet[key] = not any(
                is_of_project(implementation, self._layout)
                for name in (*_MAKING, *_LATE)
                for implementation in getattr(module.ihook, name).get_hookimpls()
            )
        return self._quiet[key]
