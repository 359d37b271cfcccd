"""Where pytest would find the cache, found without running pytest."""

from __future__ import annotations

import argparse
import os
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import pytest
from _pytest.config.findpaths import determine_setup

from ..errors import CachekitError
from ..settings import OPTIONS, Settings, resolve, trace


@dataclass(frozen=True)
class Place:
    """A project as pytest would see it from a directory, before any argument."""

    root: Path
    """The rootdir."""
    file: Path | None
    """The configuration file."""
    flags: Mapping[str, Any]
    """This package's flags in `addopts`, of the file and of PYTEST_ADDOPTS, by ini name."""
    inis: Mapping[str, str]
    """This package's values in the configuration file."""
    values: Mapping[str, Any]
    """All values in the configuration file."""
    environment: Mapping[str, str]

    @property
    def settings(self) -> Settings:
        """What a run without further arguments would use.

        Raises:
            CachekitError: a value is none that its option takes.
        """
        return resolve(self.flags, self.inis, self.environment)

    def trace(self) -> dict[str, tuple[Any, str]]:
        """Return by ini name each option's value, and where it comes from.

        Raises:
            CachekitError: a value is none that its option takes.
        """
        found = trace(self.flags, self.inis, self.environment)
        return {
            name: (value, f"addopts ({place})" if place.startswith("--") else place)
            for name, (value, place) in found.items()
        }


def find_place(directory: Path, environment: Mapping[str, str] = os.environ) -> Place:
    """Return the project that pytest would find from `directory`.

    Args:
        directory: where pytest would be started.
        environment: variables that it would see.

    Raises:
        CachekitError: the configuration file can't be read, or `addopts` not be understood.
    """
    try:
        root, file, values, _ = determine_setup(
            inifile=None,
            override_ini=None,
            args=[],
            rootdir_cmd_arg=None,
            invocation_dir=directory,
        )
    except pytest.UsageError as error:
        raise CachekitError(f"pytest's configuration can't be read ({error}): mend it.") from error
    # pytest keeps values in objects since version 9.
    texts = {name: getattr(value, "value", value) for name, value in values.items()}
    words = [*_words(texts.get("addopts", "")), *_words(environment.get("PYTEST_ADDOPTS", ""))]
    inis = {option.ini: str(texts[option.ini]) for option in OPTIONS if option.ini in texts}
    return Place(root, file, _flags(words), inis, values, environment)


def _words(text: object) -> list[str]:
    if isinstance(text, (list, tuple)):
        return [str(word) for word in text]
    try:
        return shlex.split(str(text))
    except ValueError as error:
        raise CachekitError(f"addopts can't be split into words ({error}): mend it.") from error


class _Parser(argparse.ArgumentParser):
    """Complains by our own error."""

    def error(self, message: str) -> NoReturn:
        raise CachekitError(f"addopts can't be understood ({message}): mend it.")


def _flags(words: list[str]) -> dict[str, Any]:
    parser = _Parser(add_help=False, allow_abbrev=False)
    for option in OPTIONS:
        if option.is_switch:
            parser.add_argument(option.flag, action="store_true", default=None, dest=option.ini)
            parser.add_argument(
                f"--no-{option.name}", action="store_false", default=None, dest=option.ini
            )
        else:
            parser.add_argument(option.flag, default=None, dest=option.ini)
    return vars(parser.parse_known_args(words)[0])
