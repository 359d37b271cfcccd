"""`cachekit config` and `cachekit completion`."""

from __future__ import annotations

import json

import click
from click.shell_completion import get_completion_class

from ..settings import OPTIONS
from .command import cli, with_cache
from .utils import CacheUtils


@click.command("config")
@click.option("--json", "as_json", is_flag=True, help="As a JSON object.")
@with_cache
def config_command(utils: CacheUtils, as_json: bool) -> None:
    """Tell each option's value, as pytest would see it here, and where it comes from."""
    values = utils.config()
    if as_json:
        data = {name: {"value": value, "from": place} for name, (value, place) in values.items()}
        click.echo(json.dumps(data, indent=1))
        return
    click.echo(f"rootdir {utils.place.root}, {utils.place.file or 'no configuration file'}")
    for option in OPTIONS:
        value, place = values[option.ini]
        shown = (
            ("off", "on")[value] if option.is_switch else "none" if value in ("", None) else value
        )
        line = f"{option.name:<20} {shown!s:<28} {place}"
        click.echo(click.style(line, bold=place != "default"))


@click.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion_command(shell: str) -> None:
    """Print what makes SHELL complete this command, as in: eval "$(cachekit completion bash)"."""
    found = get_completion_class(shell)
    assert found is not None
    click.echo(found(cli, {}, "cachekit", "_CACHEKIT_COMPLETE").source())
