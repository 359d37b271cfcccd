"""Hooks of pytest at which hooks of others are asked about the whole run."""

from __future__ import annotations

import pytest

from .hooks import HookError, Watched, implementers, key_parts
from .run import Run


class Asking:
    """Asks, when the session starts, for parts of the key; and notices who comes too late."""

    def __init__(self, run: Run, watched: Watched) -> None:
        """Ask for `run`, `watched` as `ask` takes it."""
        self._run = run
        self._watched = watched
        self._in_time: list[object] | None = None
        """Who has parts of the key, once that is settled."""

    @pytest.hookimpl(trylast=True)
    def pytest_sessionstart(self) -> None:
        """Ask for parts of the key, which count for the whole session."""
        hook = self._run.config.hook
        self._in_time = implementers(hook.pytest_cachekit_key_parts)
        for late in _others(implementers(hook.pytest_cachekit_backend), self._run.openers):
            self._run.warn(
                f"The hook pytest_cachekit_backend comes too late in {_name(late)}: "
                "put it into a plugin that is installed, or loaded with -p."
            )
        try:
            with self._watched():
                self._run.key_parts = key_parts(self._run.config)
        except HookError as error:
            self._run.give_up(f"Nothing is replayed or stored, since {error}: mend it.")

    def pytest_plugin_registered(self, plugin: object) -> None:
        """Go on without the cache where a part of the key would be missing in it."""
        hook = self._run.config.hook.pytest_cachekit_key_parts
        if self._in_time is None or not _others(implementers(hook), self._in_time):
            return
        self._in_time.append(plugin)
        self._run.give_up(
            f"Nothing is replayed or stored, since the hook {hook.name} comes too late in "
            f"{_name(plugin)}: put it into a plugin, or into the conftest.py of the rootdir."
        )


def _others(plugins: list[object], known: list[object]) -> list[object]:
    return [plugin for plugin in plugins if not any(plugin is one for one in known)]


def _name(plugin: object) -> str:
    return getattr(plugin, "__file__", None) or repr(plugin)
