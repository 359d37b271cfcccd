"""The part of a key that all tests of a run share: what can change an outcome and is no input."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, cast

import pytest

from ..inputs.digest import digest_text
from ..inputs.distributions import Distributions, label
from ..inputs.process import OF_LOCALE, machine_parts, process_context
from ..settings import OPTIONS
from .coverage import coverage_settings
from .entry import settings_of

# Options that choose, order or show tests, or write reports: none changes what a test does.
HARMLESS = frozenset(
    {
        "file_or_dir", "keyword", "markexpr", "maxfail", "lf", "failedfirst", "newfirst",
        "last_failed_no_failures", "stepwise", "stepwise_skip", "stepwise_reset", "cacheclear",
        "cacheshow", "verbose", "verbosity", "quiet", "max_warnings", "showfixtures", "no_header",
        "no_summary", "no_fold_skipped",
        "fold_skipped", "reportchars", "disable_warnings", "showlocals", "no_showlocals",
        "tbstyle", "xfail_tb", "showcapture", "fulltrace", "color", "code_highlight", "pastebin",
        "durations", "durations_min", "xmlpath", "junitprefix", "inifilename", "rootdir",
        "override_ini", "plugins", "collectonly", "pyargs", "ignore", "ignore_glob",
        "deselect", "keepduplicates", "collect_in_virtualenv", "setupshow",
        "setuponly", "setupplan", "version", "help", "markers", "show_fixtures",
        "show_fixtures_per_test", "traceconfig", "debug", "basetemp", "usepdb", "usepdb_cls",
        "trace", "continue_on_collection_errors", "force_short_summary", "console_output_style",
        "disable_plugin_autoload", "cov_report", "cov_source", "cov_branch", "cov_config",
        "cov_fail_under", "cov_append", "cov_precision", "no_cov_on_fail", "no_cov",
        "no_cov_should_warn", "json_report", "json_report_file", "htmlpath",
        "self_contained_html", "report_log", "numprocesses", "maxprocesses", "dist", "distload",
        "tx", "rsyncdir", "rsyncignore", "px", "testrunuid", "maxworkerrestart", "maxschedchunk",
        "looponfail", "loadscopereorder", "loadgroup", "worker_restart", "numproc",
        "terminal_progress",
    }
)  # fmt: skip
HARMLESS_INIS = frozenset(
    {
        "addopts", "cache_dir", "console_output_style", "testpaths", "norecursedirs", "markers",
        "junit_suite_name", "junit_logging", "junit_log_passing_tests", "junit_duration_report",
        "junit_family", "minversion", "required_plugins", "faulthandler_timeout",
    }
)  # fmt: skip


_TOLD_BY_DIGEST = ("option ", "ini ", "coverage ", "fixtures ", "-W ", "key part ")


def run_context(config: pytest.Config, others: Sequence[str] = ()) -> tuple[str, list[str]]:
    """Return the digest of interpreter, platform, plugins and options that count, and these.

    What the user wrote, which may hold secrets, stands there by its name and a digest.

    Args:
        config: the run's.
        others: what counts besides.
    """
    parts = [*_parts(config), *others]
    return digest_text(*parts), [_told(part) for part in parts]


def _told(part: str) -> str:
    if not part.startswith(_TOLD_BY_DIGEST):
        return part
    mark = "=" if part.startswith(("option ", "ini ", "key part ")) else " "
    name, _, value = part.partition(mark)
    return f"{name}{mark}{digest_text(value)[:8]}"


def _parts(config: pytest.Config) -> list[str]:
    here = os.path.relpath(config.invocation_params.dir, config.rootpath)
    return [
        *process_context(),
        f"pytest {pytest.__version__}",
        *_plugins(config),
        f"in {here}",
        f"coverage {text_of(config, coverage_settings())}",
        *_options(config),
        *_inis(config),
        f"fixtures for Redis use {settings_of(config).cachekit_redis_url}",
    ]


def process_parts() -> list[str]:
    """Return those parts that any process of this interpreter has, run or no run."""
    return [*machine_parts(), f"pytest {pytest.__version__}"]


def deviations(parts: Sequence[str], inis: Mapping[str, Any], root: Path) -> list[str]:
    """Return in words how a run now would differ from one whose context had these `parts`.

    As far as that is known without a run; what options it is given isn't.

    Args:
        parts: as `run_context` returns them.
        inis: values of the configuration file as they are now.
        root: the rootdir.
    """
    now = process_parts()
    found = [f"it had not {part}" for part in now if part not in parts]
    found += [f"it had {part}" for part in parts if part.startswith(OF_LOCALE) and part not in now]
    installed = {f"plugin {distribution}" for distribution in Distributions().labels}
    told = [part for part in parts if part.startswith("plugin ") and "-" in part]
    found += [f"it had {part}, which isn't installed" for part in told if part not in installed]
    before = {part for part in parts if part.startswith("ini ")}
    after = set(map(_told, _ini_parts(inis, root)))
    names = {part.partition("=")[0] for part in before ^ after}
    return found + [f"{name.replace('ini', 'ini value', 1)} was another" for name in sorted(names)]


def _plugins(config: pytest.Config) -> list[str]:
    installed = {
        # pluggy wraps what importlib.metadata gives.
        f"plugin {label(getattr(distribution, '_dist', cast('Any', distribution)))}"
        for _, distribution in config.pluginmanager.list_plugin_distinfo()
    }
    # Conftests are inputs; objects follow from options, pytest's own plugins from its version.
    named = {
        f"plugin {plugin.__name__}"
        for plugin in config.pluginmanager.get_plugins()
        if isinstance(plugin, ModuleType)
        and plugin.__name__.partition(".")[0] not in ("_pytest", __name__.partition(".")[0])
        and Path(plugin.__file__ or "").name != "conftest.py"
    }
    blocked = {
        f"without plugin {name}"
        for name, plugin in config.pluginmanager.list_name_plugin()
        if plugin is None
    }
    return sorted(installed | named | blocked)


def _options(config: pytest.Config) -> list[str]:
    own = {option.ini for option in OPTIONS}
    # pytest-randomly draws a seed where none is given: randomness that nobody asked to repeat.
    if getattr(config.known_args_namespace, "randomly_seed", None) == "default":
        own.add("randomly_seed")
    return [
        f"option {name}={text_of(config, value)}"
        for name, value in sorted(vars(config.option).items())
        if name not in HARMLESS and name not in own
    ]


def _inis(config: pytest.Config) -> list[str]:
    # pytest 9 keeps its values in objects, and deprecates the old name.
    values = getattr(config, "_inicfg", None)
    if values is None:
        values = config.inicfg
    return _ini_parts(values, config.rootpath)


def _ini_parts(values: Mapping[str, Any], root: Path) -> list[str]:
    own = {option.ini for option in OPTIONS}
    return [
        f"ini {name}={_text_of(root, getattr(value, 'value', value))}"
        for name, value in sorted(values.items())
        if name not in HARMLESS_INIS and name not in own
    ]


def text_of(config: pytest.Config, value: Any) -> str:
    """Return `value` without what differs between checkouts or from run to run."""
    return _text_of(config.rootpath, value)


def _text_of(root: Path, value: Any) -> str:
    if isinstance(value, (str, Path)):
        return repr(str(value).replace(str(root), "<rootdir>"))
    if value is None or isinstance(value, (bool, int, float)):
        return repr(value)
    if isinstance(value, dict):
        return repr(sorted((str(key), _text_of(root, item)) for key, item in value.items()))
    if isinstance(value, (list, tuple, set, frozenset)):
        items = [_text_of(root, item) for item in value]
        return repr(sorted(items) if isinstance(value, (set, frozenset)) else items)
    text = repr(value)
    # An address says nothing about what the object is.
    return f"{type(value).__module__}.{type(value).__qualname__} {'' if ' at 0x' in text else text}"
