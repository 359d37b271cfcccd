"""What pytest loads when the package is installed: options, and the switch.

PYTEST_DONT_REWRITE: nothing else is imported unless the switch is on.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from ..settings import OPTIONS, Settings, resolve

if TYPE_CHECKING:
    from .beginning import Beginning

_MARKER = (
    "cachekit(enabled=True, reason='', inputs=(), env=()): enabled=False never caches the test; "
    "inputs (globs below the rootdir) and env (variables) declare what can't be seen, "
    "as what a child process reads."
)
_beginning_key: pytest.StashKey[Beginning] = pytest.StashKey()


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    """Declare the hooks that others may implement, whether or not anybody asks them."""
    _keep_from_rewriting(pluginmanager)
    from . import hookspecs

    pluginmanager.add_hookspecs(hookspecs)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare each option as flag and ini value."""
    group = parser.getgroup("cachekit", "cache of test results (pytest-cachekit)")
    for option in OPTIONS:
        where = f" [ini {option.ini}, environment {option.variable}]"
        if option.is_switch:
            group.addoption(
                option.flag, action="store_true", default=None, dest=option.ini,
                help=option.help + where,
            )  # fmt: skip
            group.addoption(
                f"--no-{option.name}", action="store_false", default=None, dest=option.ini,
                help=f"switch off {option.flag}",
            )  # fmt: skip
        else:
            group.addoption(
                option.flag, default=None, dest=option.ini, metavar=option.metavar,
                help=f"{option.help} (default: {option.default or 'none'}){where}",
            )  # fmt: skip
        parser.addini(option.ini, option.help, default="")


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Start watching before the first conftest is imported."""
    settings = settings_of(early_config)
    if not settings.cachekit:
        return
    # Before somebody watches what is imported: it is nobody's input.
    from . import fixtures  # noqa: F401
    from .beginning import begin

    beginning = begin(early_config, settings)
    if beginning is not None:
        early_config.stash[_beginning_key] = beginning


def pytest_configure(config: pytest.Config) -> None:
    """Declare the markers and the fixtures, and join the run where the switch is on."""
    from . import fixtures

    config.addinivalue_line("markers", _MARKER)
    config.addinivalue_line("markers", fixtures.MARKER)
    config.pluginmanager.register(fixtures, "cachekit-fixtures")
    beginning = config.stash.get(_beginning_key, None)
    if beginning is not None:
        beginning.join(config)


def settings_of(config: pytest.Config) -> Settings:
    """Return the settings of a run.

    Raises:
        pytest.UsageError: a value is none that its option takes.
    """
    from ..errors import CachekitError

    flags = vars(config.known_args_namespace)
    inis = {option.ini: str(config.getini(option.ini)) for option in OPTIONS}
    try:
        return resolve(flags, inis, os.environ)
    except CachekitError as error:
        raise pytest.UsageError(str(error)) from error


def _keep_from_rewriting(pluginmanager: pytest.PytestPluginManager) -> None:
    """Have our modules imported as they are.

    pytest rewrites assertions in all that comes with a plugin. In a new environment that takes
    longer than the rest of a run's start.
    """
    hook = getattr(pluginmanager, "rewrite_hook", None)
    marked = getattr(hook, "_must_rewrite", None)
    if isinstance(marked, set):
        marked.discard(__name__.partition(".")[0])
