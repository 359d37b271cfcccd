"""`cachekit verify` and `cachekit doctor`: is all well?"""

from __future__ import annotations

import click

from .command import WOULD_RUN, say_if_absent, with_cache
from .diagnosis import diagnose
from .utils import CacheUtils
from .words import plural

_MOST = 20


@click.command("verify")
@click.option("--repair", is_flag=True, help="Delete what can't be used.")
@with_cache
def verify_command(utils: CacheUtils, repair: bool) -> int:
    """Check every record and source text. Exit status 1 where something is wrong, and stays."""
    say_if_absent(utils)
    checked = utils.verify(repair=repair)
    for fault in checked.faults[:_MOST]:
        click.secho(f"{fault.key}: {fault.what}", fg="red")
    if len(checked.faults) > _MOST:
        click.echo(f"... and {len(checked.faults) - _MOST:,} more")
    foreign = f", {checked.foreign:,} of others left alone" if checked.foreign else ""
    state = " (deleted)" if checked.faults and repair else ""
    click.echo(f"{plural(checked.checked, 'key')} checked{foreign}, "
               f"{plural(len(checked.faults), 'fault')}{state}")  # fmt: skip
    return WOULD_RUN if checked.faults and not repair else 0


@click.command("doctor")
@with_cache
def doctor_command(utils: CacheUtils) -> int:
    """Tell what a run would find here: interpreter, plugins, tracer, cache and its latency.

    Exit status 1 where something keeps results from being stored or replayed.
    """
    status = 0
    for finding in diagnose(utils):
        mark = click.style("ok  ", fg="green") if finding.is_fine else click.style("look", fg="red")
        click.echo(f"{mark} {finding.topic:<12} {finding.text}")
        status = status if finding.is_fine else WOULD_RUN
    return status
