"""`cachekit report`: the page of the last run, made afterwards."""

from __future__ import annotations

from pathlib import Path

import click

from ..plugin.report import write_text
from .command import NotThere, Unusable, with_cache
from .utils import CacheUtils
from .words import bytes_in_words


@click.command("report")
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    default="cachekit-report.html",
    show_default=True,
    help="The page's file.",
)
@with_cache
def report_command(utils: CacheUtils, output: Path) -> None:
    """Write an HTML page about the last run and those before, as --cachekit-report does."""
    if output.suffix.lower() not in (".html", ".htm"):
        raise click.UsageError(f"the report is a page: call it {output.stem}.html.")
    page = utils.report()
    if page is None:
        raise NotThere(f"No run is known to {utils.url}: run pytest --cachekit first.")
    try:
        write_text(output, page)
    except OSError as error:
        raise Unusable(f"{output} can't be written ({error}): name another file.") from error
    click.echo(f"{output}, {bytes_in_words(output.stat().st_size)}")
