"""What tests may ask the run, or feel of it: its options, and plugins that reach everywhere."""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from _pytest.mark.structures import MARK_GEN

from ..inputs.digest import digest_text
from ..inputs.fingerprint import ABSENT, Fingerprints
from ..inputs.layout import Layout
from ..inputs.tracing.callers import frame_of, names_of_asker
from ..inputs.tracing.patching import Patches
from ..inputs.tracing.recorder import Recorder
from .context import HARMLESS, HARMLESS_INIS, text_of

# How code comes by the configuration, and what it asks then; maybe in another module.
_CONFIGURATION = re.compile(rb"pytestconfig|(?<!/)\.\s*config\b|[\"']config[\"']|def\s+pytest_")
_QUESTION = re.compile(
    rb"\b(getoption|getini|get_verbosity)\b|\.\s*option\b(?!\s*\()|getattr[^,]*,\s*[\"']option[\"']"
    rb"|\.getvalue\(\s*[^)\s]"  # that of `io.StringIO` takes nothing
)
# Pytest asks only the conftests around a test for these.
_LOCAL_HOOKS = (
    "pytest_runtest_", "pytest_pyfunc_call", "pytest_generate_tests", "pytest_make_parametrize_id",
    "pytest_fixture_", "pytest_collect_", "pytest_pycollect_", "pytest_itemcollected",
    "pytest_collectstart", "pytest_make_collect_report", "pytest_collectreport",
    "pytest_ignore_collect", "pytest_assert", "pytest_plugins", "pytest_addoption",
    "pytest_cachekit_is_cacheable", "pytest_cachekit_inputs",
)  # fmt: skip

_REGISTERED = "registered"
_MARKERS_OF_PYTEST = frozenset(
    {"filterwarnings", "parametrize", "skip", "skipif", "usefixtures", "xfail"}
)


def answer_questions(fingerprints: Fingerprints, config: pytest.Config) -> None:
    """Let `fingerprints` know what `config` does about its run."""

    def option(name: str) -> str:
        return digest_text(text_of(config, getattr(config.option, name, None)))

    def ini(name: str) -> str:
        return digest_text(text_of(config, config.getini(name)))

    def plugins(_name: str) -> str:
        return digest_text(*sorted(_reaching_plugins(config, fingerprints.layout)))

    def marker(name: str) -> str:
        return _REGISTERED if name in _markers(config) else ABSENT

    fingerprints.kinds.update(option=option, ini=ini, plugins=plugins, marker=marker)


def answers(fingerprints: Fingerprints, config: pytest.Config) -> dict[str, dict[str, str]]:
    """Return all that `answer_questions` answers: kind of input, name, fingerprint."""
    asked = {
        "option": HARMLESS,
        "ini": HARMLESS_INIS,
        "plugins": ("loaded",),
        "marker": _markers(config),
    }
    return {
        kind: {name: fingerprints.now(kind, name) for name in sorted(names)}
        for kind, names in asked.items()
    }


def _markers(config: pytest.Config) -> set[str]:
    lines: list[str] = config.getini("markers")
    return {re.split("[:(]", line, maxsplit=1)[0].strip() for line in lines}


class _OverheardMarkers(set[str]):
    """The markers that pytest knows, which it looks names up in: that tells which are named.

    A function around what looks them up would be where the warning of an unknown one points to.
    """

    def __init__(self, markers: set[str], recorder: Recorder) -> None:
        super().__init__(markers)
        self._recorder = recorder

    def __contains__(self, name: object) -> bool:
        if name not in _MARKERS_OF_PYTEST:
            self._recorder.observe(self._recorder.read, "marker", name)
        return super().__contains__(name)


def watch_markers(recorder: Recorder, patches: Patches) -> None:
    """Tell `recorder`, from now on, which markers are named: it matters whether they are known."""
    patches.set(MARK_GEN, "_markers", _OverheardMarkers(MARK_GEN._markers, recorder))


def watch_questions(recorder: Recorder, patches: Patches) -> None:
    """Tell `recorder`, from now on, which options the project asks for that no key holds.

    Pytest and its plugins ask all the time, and say what they do by their own versions. So that
    nobody pays for being overheard, this begins once the texts of modules could ask.
    """
    lacking = {_CONFIGURATION, _QUESTION}

    def imported(source: bytes | None) -> None:
        if not lacking:
            return
        lacking.difference_update(
            [pattern for pattern in lacking if source is None or pattern.search(source)]
        )
        if not lacking:
            _overhear(recorder, patches)

    recorder.modules.imported = imported


def _overhear(recorder: Recorder, patches: Patches) -> None:
    config_class: Any = pytest.Config
    names: dict[str, str] = {}
    project = recorder.modules.names

    def watch(method: str, note: Callable[..., None]) -> None:
        original = getattr(config_class, method)

        @functools.wraps(original)
        def ask(self: pytest.Config, *arguments: Any, **options: Any) -> Any:
            if frame_of(1).f_globals.get("__name__") in project:
                recorder.observe(note, self, *arguments)
            return original(self, *arguments, **options)

        patches.set(config_class, method, ask)

    def note_option(config: pytest.Config, name: str, *_default: Any) -> None:
        if not names:
            # "--verbose" and "-v" to "verbose".
            names.update(getattr(config, "_opt2dest", {}))
        destination = names.get(name, name)
        if destination in HARMLESS:
            recorder.read("option", destination)

    def note_ini(config: pytest.Config, name: str, *_rest: Any) -> None:
        if name in HARMLESS_INIS:
            recorder.read("ini", name)

    def note_namespace(names: frozenset[str]) -> None:
        # `config.option.verbose`
        for name in names & HARMLESS:
            recorder.read("option", name)

    def options_of(self: pytest.Config) -> Any:
        if frame_of(1).f_globals.get("__name__") in project:
            recorder.observe(note_namespace, names_of_asker(1))
        return self.__dict__["option"]

    def set_options(self: pytest.Config, value: Any) -> None:
        self.__dict__["option"] = value

    patches.set(config_class, "option", property(options_of, set_options))
    watch("getoption", note_option)
    watch("getvalue", note_option)
    watch("getini", note_ini)
    watch("get_verbosity", lambda *_: recorder.read("option", "verbose"))


def rest_on_plugins(recorder: Recorder, config: pytest.Config) -> None:
    """Let all tests rest on the modules that `config` has for plugins, and on which these are."""
    session = recorder.session
    with recorder.running(session):
        recorder.observe(recorder.read, "plugins", "loaded")
    for plugin in config.pluginmanager.get_plugins():
        path = getattr(plugin, "__file__", None)
        action = recorder.modules.actions.get(path) if isinstance(path, str) else None
        if action is not None:
            session.parents.add(action)


def _reaching_plugins(config: pytest.Config, layout: Layout) -> Iterator[str]:
    """Iterate over what to call the project's plugins that can change tests anywhere."""
    for plugin in config.pluginmanager.get_plugins():
        path = getattr(plugin, "__file__", None) if isinstance(plugin, ModuleType) else None
        if path is not None and layout.is_project(path):
            if Path(path).name != "conftest.py":
                yield f"{layout.name(path)} {plugin.__name__}"
            elif _reaches(plugin, path):
                yield layout.name(path)


def _reaches(conftest: ModuleType, path: str) -> bool:
    """Return whether a conftest has hooks for all tests, or does something when it is imported."""
    if any(
        name.startswith("pytest_") and not name.startswith(_LOCAL_HOOKS) for name in vars(conftest)
    ):
        return True
    try:
        tree = ast.parse(Path(path).read_bytes())
    except (OSError, SyntaxError, ValueError):
        return True
    return any(map(_acts, tree.body))


def _acts(statement: ast.stmt) -> bool:
    """Return whether an import-time statement may do more than bind names of its module."""
    if isinstance(statement, ast.Expr):
        return not isinstance(statement.value, ast.Constant)
    if isinstance(statement, (ast.Assign, ast.AugAssign, ast.AnnAssign)):
        targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
        return any(isinstance(node, (ast.Attribute, ast.Subscript)) for node in targets)
    if isinstance(statement, (ast.If, ast.Try)):
        blocks = [*statement.body, *statement.orelse]
        if isinstance(statement, ast.Try):
            blocks += statement.finalbody
            blocks += [inner for handler in statement.handlers for inner in handler.body]
        return any(map(_acts, blocks))
    return not isinstance(
        statement,
        (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Pass),
    )
