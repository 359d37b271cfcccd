"""The command `cachekit`: what all subcommands share, and which there are."""

from __future__ import annotations

import functools
import importlib
import sys
from collections.abc import Callable
from typing import Any, TextIO

import click

from .. import __version__
from ..errors import CachekitError
from .utils import CacheUtils

WOULD_RUN = 1
"""Exit status: `why`: a test would run; `verify`, `doctor`: something was found."""
UNUSABLE = 3
"""Exit status: the cache can't be read or written."""
NOT_THERE = 4
"""Exit status: what was named isn't there."""

# Each is imported when it is asked for.
_COMMANDS = {
    "clear": "removal",
    "completion": "setting",
    "config": "setting",
    "doctor": "health",
    "export": "moving",
    "gc": "removal",
    "import": "moving",
    "list": "listing",
    "merge": "moving",
    "report": "reporting",
    "show": "listing",
    "size": "numbers",
    "stats": "numbers",
    "verify": "health",
    "why": "reasons",
}


class _Commands(click.Group):
    """The subcommands, imported one by one."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        module = importlib.import_module(f".{_COMMANDS[cmd_name]}", __package__)
        command: click.Command = getattr(module, f"{cmd_name}_command")
        return command


@click.group(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="cachekit")
def cli() -> None:
    """Look into a cache of test results, and tidy it.

    Exit status: 0 done; 1 a test would run, or a check found something; 2 wrong usage;
    3 the cache can't be read or written; 4 what was named isn't there.
    """


def with_cache(function: Callable[..., int | None]) -> Callable[..., None]:
    """Hand a subcommand the cache that its options name, and turn errors into sentences.

    What the subcommand returns is the exit status.
    """

    @click.option("--cache-dir", type=click.Path(), help="The cache's directory.")
    @click.option("--url", help="The cache's URL, as --cachekit-url takes it.")
    @functools.wraps(function)
    def command(*, cache_dir: str | None, url: str | None, **options: Any) -> None:
        if cache_dir is not None and url is not None:
            raise click.UsageError("give either --cache-dir or --url.")
        place = f"file:{cache_dir}" if cache_dir is not None else url
        try:
            with CacheUtils(place, progress=_terminal()) as utils:
                status = function(utils, **options)
        except CachekitError as error:
            raise Unusable(str(error)) from error
        except BrokenPipeError:
            # Who reads has seen enough.
            sys.stderr.close()
            status = 0
        if status:
            raise click.exceptions.Exit(status)

    return command


def _terminal() -> TextIO | None:
    """Return where somebody looks on while results go elsewhere or are still to come."""
    return sys.stderr if sys.stderr.isatty() else None


class Unusable(click.ClickException):
    """The cache, or pytest's configuration, can't be used."""

    exit_code = UNUSABLE


class NotThere(click.ClickException):
    """What was named isn't there."""

    exit_code = NOT_THERE


def say_if_absent(utils: CacheUtils) -> None:
    """Say on standard error that there is no cache, where that is so."""
    if not utils.exists:
        click.echo(f"There is no cache in {utils.url}: run pytest --cachekit first.", err=True)


def main() -> None:
    """Run the command."""
    cli(prog_name="cachekit")
