"""`cachekit stats` and `cachekit size`: totals, in words and for machines."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
from collections.abc import Sequence
from typing import Any

import click

from ..actions.kinds import KINDS, TESTS
from ..actions.namespaces import NamespaceTotals
from ..actions.runs import RunLine
from ..actions.statistics import Part, Statistics
from .command import say_if_absent, with_cache
from .utils import CacheUtils
from .words import bytes_in_words, duration, moment, plural

_TOP = 10


@click.command("stats")
@click.option("--json", "as_json", is_flag=True, help="As JSON, run by run.")
@click.option("--csv", "as_csv", is_flag=True, help="As CSV: a name and a number a line.")
@click.option("--prometheus", is_flag=True, help="In Prometheus's text format.")
@click.option("--namespaces", is_flag=True, help="Namespace by namespace, as a table or JSON.")
@with_cache
def stats_command(
    utils: CacheUtils, as_json: bool, as_csv: bool, prometheus: bool, namespaces: bool
) -> None:
    """Tell what the cache holds, and what it was good for in the last runs."""
    say_if_absent(utils)
    if namespaces:
        if as_csv or prometheus:
            raise click.UsageError("--namespaces goes with --json, or with nothing.")
        _tell_namespaces(utils.get_namespaces(), as_json)
        return
    stats = utils.get_stats()
    if as_json:
        click.echo(json.dumps(_data(stats, utils.url), indent=1))
    elif as_csv:
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows([("name", "value"), *_numbers(stats)])
        click.echo(text.getvalue(), nl=False)
    elif prometheus:
        click.echo(_prometheus(stats), nl=False)
    elif utils.exists:
        click.echo("\n".join(_lines(stats, utils.url)))


def _tell_namespaces(found: Sequence[NamespaceTotals], as_json: bool) -> None:
    if as_json:
        rows = [
            {
                "namespace": one.namespace,
                "epoch": one.epoch,
                "keys": one.keys,
                "bytes": one.bytes,
                "runs": None if one.runs is None else [_run_data(run) for run in one.runs],
            }
            for one in found
        ]
        click.echo(json.dumps(rows, indent=1))
        return
    for one in found:
        name = f"{one.namespace or 'no namespace'}{f', epoch {one.epoch}' if one.epoch else ''}"
        held = f"{plural(one.keys, 'key'):>12} {bytes_in_words(one.bytes):>11}"
        click.echo(f"{name:<28} {held}  {_runs_in_words(one.runs)}")


def _runs_in_words(runs: Sequence[RunLine] | None) -> str:
    if runs is None:
        return "signed with another key"
    if not runs:
        return "no run known"
    replayed, ran = sum(run.replayed for run in runs), sum(run.ran for run in runs)
    saved = duration(sum(run.saved for run in runs))
    return f"{plural(len(runs), 'run')}: {replayed:,} replayed, {ran:,} run, {saved} saved"


def _run_data(run: RunLine) -> dict[str, Any]:
    return {**_fields(run), "reasons": [_fields(reason) for reason in run.reasons]}


def _data(stats: Statistics, url: str) -> dict[str, Any]:
    return {
        "version": 1,
        "url": url,
        "keys": stats.keys,
        "bytes": stats.bytes,
        "parts": {name: dataclasses.asdict(part) for name, part in stats.parts.items()},
        "kinds": {name: dataclasses.asdict(total) for name, total in stats.kinds.items()},
        "hit_rate": stats.hit_rate,
        "saved": stats.saved,
        "reasons": [_fields(reason) for reason in stats.reasons],
        "runs": [_run_data(run) for run in stats.runs],
    }


def _fields(struct: Any) -> dict[str, Any]:
    return {name: getattr(struct, name) for name in struct.__struct_fields__}


def _numbers(stats: Statistics) -> list[tuple[str, float]]:
    numbers: list[tuple[str, float]] = [("keys", stats.keys), ("bytes", stats.bytes)]
    for name, part in stats.parts.items():
        word = name.replace(" ", "_")
        numbers += [(f"keys_{word}", part.keys), (f"bytes_{word}", part.bytes)]
    for name, total in stats.kinds.items():
        numbers += [
            (name, total.actions),
            (f"{name}_entries", total.entries),
            (f"{name}_contexts", total.contexts),
            (f"{name}_torn_records", total.torn),
            (f"{name}_seconds", total.seconds),
        ]
        numbers += [(f"{name}_{word}", count) for word, count in total.outcomes.items()]
    numbers += [
        ("runs", len(stats.runs)),
        ("runs_replayed", stats.replayed),
        ("runs_ran", stats.ran),
        ("runs_saved_seconds", stats.saved),
    ]
    return numbers + ([] if stats.hit_rate is None else [("hit_rate", stats.hit_rate)])


def _prometheus(stats: Statistics) -> str:
    return "".join(
        f"# TYPE cachekit_{name} gauge\ncachekit_{name} {value!r}\n"
        for name, value in _numbers(stats)
    )


def _lines(stats: Statistics, url: str) -> list[str]:
    lines = [f"cache    {plural(stats.keys, 'key')}, {bytes_in_words(stats.bytes)} in {url}"]
    for name, total in stats.kinds.items():
        if name != TESTS.name and not total.actions and not total.torn:
            continue
        outcomes = ", ".join(f"{count:,} {word}" for word, count in total.outcomes.items())
        lines.append(
            f"{name:<8} {total.actions:,}{f' ({outcomes})' if outcomes else ''}, "
            f"{plural(total.entries, 'entry')} in {plural(total.contexts, 'context')}"
        )
        if total.torn:
            lines.append(f"         {plural(total.torn, 'record')} can't be read: cachekit verify")
        if total.oldest is not None and total.newest is not None:
            lines.append(
                f"         worth {duration(total.seconds)}, "
                f"recorded {moment(total.oldest)} to {moment(total.newest)}"
            )
    if not stats.runs:
        return [*lines, "runs     none known"]
    rate = "" if stats.hit_rate is None else f", hit rate {stats.hit_rate:.1%}"
    lines.append(
        f"runs     the last {len(stats.runs)}: {stats.replayed:,} replayed, "
        f"{stats.ran:,} run{rate}, {duration(stats.saved)} saved"
    )
    if stats.reasons:
        lines.append("why tests ran:")
        for reason in stats.reasons[:_TOP]:
            text = "" if reason.category == reason.text else f": {reason.text}"
            lines.append(f"  {reason.tests:>7,}  {reason.category}{text}")
    return lines


@click.command("size")
@click.option("--breakdown", is_flag=True, help="Part by part.")
@click.option("--json", "as_json", is_flag=True, help="As JSON, in bytes.")
@with_cache
def size_command(utils: CacheUtils, breakdown: bool, as_json: bool) -> None:
    """Tell how much the cache holds."""
    say_if_absent(utils)
    parts = utils.get_size_breakdown()
    total = Part(
        sum(part.keys for part in parts.values()), sum(part.bytes for part in parts.values())
    )
    if as_json:
        shown = {**parts, "total": total} if breakdown else {"total": total}
        click.echo(json.dumps({name: dataclasses.asdict(part) for name, part in shown.items()}))
        return
    if breakdown:
        for name, part in parts.items():
            if name in KINDS and name != TESTS.name and not part.keys:
                continue
            click.echo(
                f"{name:<14}{plural(part.keys, 'key'):>15}  {bytes_in_words(part.bytes):>12}"
            )
    click.echo(f"{'total':<14}{plural(total.keys, 'key'):>15}  {bytes_in_words(total.bytes):>12}")
