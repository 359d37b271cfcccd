"""`cachekit export`, `import` and `merge`: caches on their way from one place to another."""

from __future__ import annotations

from pathlib import Path

import click

from ..actions.joining import Merged
from .command import NotThere, with_cache
from .utils import CacheUtils
from .words import bytes_in_words, plural

_FILE = click.Path(dir_okay=False, path_type=Path)
_create = click.option("--create", is_flag=True, help="Make the cache where there is none.")


@click.command("export")
@click.argument("file", type=_FILE)
@with_cache
def export_command(utils: CacheUtils, file: Path) -> None:
    """Write the whole cache to FILE, which any machine can import."""
    if not utils.exists:
        raise NotThere(f"There is no cache in {utils.url} to export: run pytest --cachekit first.")
    count = utils.export(file)
    click.echo(f"{plural(count, 'key')} in {file}, {bytes_in_words(file.stat().st_size)}")


@click.command("import")
@click.argument("file", type=_FILE)
@_create
@with_cache
def import_command(utils: CacheUtils, file: Path, create: bool) -> None:
    """Take what FILE holds into the cache; nothing that is there is lost."""
    _require(utils, create)
    if not file.exists():
        raise NotThere(f"There is no file {file}: name one that cachekit export wrote.")
    _tell(utils.import_file(file))


@click.command("merge")
@click.argument("sources", metavar="CACHE...", nargs=-1, required=True)
@_create
@with_cache
def merge_command(utils: CacheUtils, sources: tuple[str, ...], create: bool) -> None:
    """Take other caches, directories or URLs, into this one; nothing that is there is lost."""
    _require(utils, create)
    for source in sources:
        with CacheUtils(source) as other:
            if not other.exists:
                raise NotThere(f"There is no cache in {other.url}: name another one.")
            click.echo(f"{other.url}: ", nl=False)
            _tell(utils.merge(other))


def _require(utils: CacheUtils, create: bool) -> None:
    if not utils.exists and not create:
        raise NotThere(f"There is no cache in {utils.url}: add --create to make it.")


def _tell(merged: Merged) -> None:
    click.echo(
        f"{merged.added:,} new, {merged.joined:,} joined, {merged.same:,} known, "
        f"{merged.refused:,} refused"
    )
