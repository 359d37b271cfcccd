"""The sections of the page."""

from __future__ import annotations

import time
from collections.abc import Sequence

from ...actions.last_run import TestInRun
from ...actions.runs import RunLine
from ..summary import duration
from .charts import Bar, bars, nice_top, strip
from .facts import CATEGORIES, Facts, Group
from .tables import Html, finding, html_of, table

_MOST_CHANGES = 25
_MOST_REFUSALS = 10
_MOST_COSTLY = 15
_MOST_DIRECTORIES = 60


def figures(facts: Facts) -> Html:
    """Return the numbers of the run, and what became of its tests."""
    total = facts.all
    figures = [
        (f"{total.replayed:,}", "replayed"),
        (f"{total.ran:,}", "run"),
        (f"{total.hit_rate:.1%}", "hit rate"),
        (duration(total.saved), "saved"),
        (duration(total.spent), "spent on running"),
    ]
    listed = "".join(
        f"<div><dt>{html_of(word)}</dt><dd>{html_of(figure)}</dd></div>" for figure, word in figures
    )
    shares = [(name, facts.counts[name]) for name in CATEGORIES if facts.counts[name]]
    legend = "".join(
        f'<li><span class="key {_slug(name)}"></span>'
        f"{finding(f'{count:,} {name}', category=name)}</li>"
        for name, count in shares
    )
    told = ", ".join(f"{count:,} {name}" for name, count in shares)
    picture = strip([(_slug(name), count) for name, count in shares], told) if shares else ""
    return Html(f'<dl class="figures">{listed}</dl>{picture}<ul class="legend">{legend}</ul>')


def unsteady(facts: Facts) -> Html:
    """Return tests that ended otherwise than before; nothing where there are none."""
    tests = facts.unsteady
    if not tests:
        return Html("")
    rows = [(test.nodeid, test.unsteady or "") for test in tests]
    listed = table(
        "unsteady-tests",
        "Tests that ended otherwise than before, with the same inputs",
        ("Test", "What was seen"),
        rows,
        numbers=0,
    )
    return Html(
        '<section class="alarm" aria-labelledby="unsteady"><h2 id="unsteady">Not deterministic</h2>'
        f"<p>They run in each run until their inputs change.</p>{listed}</section>"
    )


def changes(facts: Facts) -> Html:
    """Return what changed, the most tests first."""
    groups = facts.changes
    if not groups:
        return Html("<p>No test ran because an input of it had changed.</p>")
    rows = [
        (finding(group.name, search=group.name, category="stale"), _count(group), _spent(group))
        for group in groups[:_MOST_CHANGES]
    ]
    caption = "What changed, and the tests that ran because of it"
    shown = table("changed", caption, ("Changed", "Tests", "They took"), rows, numbers=2)
    rest = _rest(groups, _MOST_CHANGES, "changes")
    return Html(
        "<p>A test is counted with the first of its inputs that was found to differ.</p>"
        f"{shown}{rest}"
    )


def refusals(facts: Facts) -> Html:
    """Return what could not be stored, the most time first."""
    groups = facts.refusals
    if not groups:
        return Html("<p>Every result of this run could be stored.</p>")
    reasons = table(
        "refused",
        "Why results could not be stored",
        ("Reason", "Tests", "They took"),
        [
            (finding(group.name, search=group.name), _count(group), _spent(group))
            for group in groups[:_MOST_REFUSALS]
        ],
        numbers=2,
    )
    tests = table(
        "costly",
        "Tests that took longest",
        ("Test, and why", "Took"),
        [_costly(facts, test) for test in facts.costly[:_MOST_COSTLY]],
        numbers=1,
    )
    return Html(f"{reasons}{_rest(groups, _MOST_REFUSALS, 'reasons')}{tests}")


def _costly(facts: Facts, test: TestInRun) -> tuple[Html, str]:
    name, why = html_of(test.nodeid), html_of(facts.reason(test))
    told = Html(f'<span class="name">{name}</span><span class="why">{why}</span>')
    return told, duration(test.microseconds / 1e6)


def history(runs: Sequence[RunLine]) -> Html:
    """Return plots and numbers of the last runs, newest first in `runs`."""
    if len(runs) < 2:
        return Html("<p>Nothing is known of earlier runs.</p>")
    shown = list(reversed(runs))
    replayed, ran = sum(run.replayed for run in runs), sum(run.ran for run in runs)
    rate = replayed / (replayed + ran) if replayed + ran else 0.0
    saved = sum(run.saved for run in runs)
    counts = [
        Bar(
            f"{moment(run.ended)}: {run.replayed:,} replayed, {run.ran:,} run",
            (("replayed", run.replayed), ("ran", run.ran)),
        )
        for run in shown
    ]
    savings = [
        Bar(f"{moment(run.ended)}: {duration(run.saved)} saved", (("replayed", run.saved),))
        for run in shown
    ]
    most = nice_top(max(bar.height for bar in counts))
    longest = nice_top(max(bar.height for bar in savings))
    first, last = moment(shown[0].ended), moment(shown[-1].ended)
    tests = _figure(
        Html(
            'Tests <span class="key replayed"></span>replayed and <span class="key ran"></span>run'
        ),
        bars(counts, most, f"{replayed:,} tests replayed and {ran:,} run in {len(runs)} runs"),
        (f"{most:,.0f}", f"{most / 2:,.0f}" if most >= 2 else "", "0"),
        (first, last),
    )
    time_saved = _figure(
        Html("Time saved"),
        bars(savings, longest, f"{duration(saved)} saved in {len(runs)} runs"),
        (duration(longest), duration(longest / 2), "0"),
        (first, last),
    )
    numbers = table(
        "runs",
        "The same in numbers, newest first",
        ("Run", "Mode", "Replayed", "Run", "Hit rate", "Saved"),
        [
            (
                moment(run.ended), run.mode, f"{run.replayed:,}", f"{run.ran:,}",
                f"{run.hit_rate:.1%}", duration(run.saved),
            )
            for run in runs
        ],
        numbers=4,
    )  # fmt: skip
    return Html(
        f"<p>In {len(runs)} runs: {replayed:,} tests replayed, {ran:,} run, hit rate {rate:.1%}, "
        f'{html_of(duration(saved))} saved.</p><div class="plots">{tests}{time_saved}</div>'
        f"<details><summary>Numbers of each run</summary>{numbers}</details>"
    )


def _figure(caption: Html, picture: str, scale: Sequence[str], ends: tuple[str, str]) -> Html:
    marks = "".join(f"<span>{html_of(mark)}</span>" for mark in scale)
    feet = "".join(f"<span>{html_of(end)}</span>" for end in ends)
    return Html(
        f'<figure><figcaption>{caption}</figcaption><div class="scale" aria-hidden="true">{marks}'
        f'</div>{picture}<div class="ends" aria-hidden="true">{feet}</div></figure>'
    )


def directories(facts: Facts) -> Html:
    """Return how much was replayed in each directory."""
    groups = facts.directories
    shown = sorted(groups, key=lambda group: -group.tests)[:_MOST_DIRECTORIES]
    rows = [
        (
            finding(group.name, search=f"{group.name}/") if group.name else "the rootdir",
            Html(f"{_share(group)}{group.hit_rate:.0%}"),
            f"{group.replayed:,}",
            f"{group.ran:,}",
            duration(group.saved),
        )
        for group in sorted(shown, key=lambda group: group.name)
    ]
    heads = ("Directory", "Hit rate", "Replayed", "Run", "Saved")
    listed = table("directories", "Tests by the directory of their file", heads, rows, numbers=4)
    return Html(f"{listed}{_rest(groups, _MOST_DIRECTORIES, 'directories')}")


def _share(group: Group) -> str:
    return strip([("replayed", group.replayed), ("ran", group.ran)], "", "share")


def _rest(groups: Sequence[Group], shown: int, noun: str) -> str:
    rest = len(groups) - shown
    return f"<p>{rest:,} {noun} more are not shown.</p>" if rest > 0 else ""


def _count(group: Group) -> str:
    return f"{group.tests:,}"


def _spent(group: Group) -> str:
    return duration(group.spent)


def _slug(category: str) -> str:
    return category.replace(" ", "-")


def moment(stamp: float) -> str:
    """Return a time as the clock on the wall shows it."""
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(stamp))
