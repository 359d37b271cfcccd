"""Measure how long it takes to find a plan among 100,000 templates, and how often the best one.

    pip install pytest-cachekit[plans]
    python -m benchmarks.plans

Templates are made of words as frequent as words of a language are (Zipf's law). Tasks fill a
template in and then have one word misspelt, one left out and one added. The peers look at all
templates: rapidfuzz's own search, and the same likeness as ours. Prints a Markdown table: times
on the processor, since a machine may have other work.
"""

from __future__ import annotations

import argparse
import random
import statistics
import string
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from rapidfuzz import fuzz, process

from pytest_cachekit import PlanCache
from pytest_cachekit.actions.plan_likeness import likeness
from pytest_cachekit.actions.plan_template import PlanTemplate, fill

_WORDS = 8000


def templates(count: int) -> list[str]:
    """Return texts of so many templates, the same each time."""
    dice = random.Random(1)
    letters = string.ascii_lowercase
    words = ["".join(dice.choices(letters, k=dice.randint(3, 9))) for _ in range(_WORDS)]
    weights = [1 / (rank + 2.7) for rank in range(_WORDS)]
    found: dict[str, None] = {}
    while len(found) < count:
        parts = dice.choices(words, weights, k=dice.randint(5, 12))
        parts.insert(dice.randint(1, len(parts)), "{what}")
        found[" ".join(parts)] = None
    return list(found)


def task_like(template: str, dice: random.Random) -> str:
    """Return a task that somebody could mean by `template`."""
    words = fill(template, {"what": "src/app.py"}).split()
    number = dice.randrange(len(words))
    words[number] = words[number][:1] + words[number][2:] + "e"
    del words[dice.randrange(len(words))]
    words.insert(dice.randrange(len(words)), "please")
    return " ".join(words)


def timed(call: Callable[[str], str | None], tasks: dict[str, str]) -> tuple[list[float], int]:
    """Return the milliseconds of each call, and how often the template was the one meant."""
    times: list[float] = []
    right = 0
    for task, template in tasks.items():
        start = time.process_time()
        found = call(task)
        times.append((time.process_time() - start) * 1000)
        right += found == template
    return times, right


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--templates", type=int, default=100_000)
    parser.add_argument("--tasks", type=int, default=200)
    arguments = parser.parse_args()
    texts = templates(arguments.templates)
    dice = random.Random(2)
    meant = dice.sample(texts, arguments.tasks)
    exact = {fill(text, {"what": "src/app.py"}): text for text in meant}
    near = {task_like(text, dice): text for text in meant}
    with tempfile.TemporaryDirectory() as folder:
        with PlanCache(f"file:{Path(folder, 'plans')}") as cache:
            start = time.process_time()
            cache.put_many({text: ["a step for {what}"] for text in texts})
            print(f"{len(texts)} templates stored in {time.process_time() - start:.1f} s")
        with PlanCache(f"file:{Path(folder, 'plans')}") as cache:
            start = time.process_time()
            cache.match("nothing like it", threshold=1)
            print(f"learnt by a new process in {time.process_time() - start:.1f} s")

            def ours(task: str) -> str | None:
                match = cache.match(task)
                return None if match is None else match.template

            def by_token_set(task: str) -> str | None:
                found = process.extractOne(task, texts, scorer=fuzz.token_set_ratio)
                return None if found is None else str(found[0])

            parsed = [PlanTemplate(text) for text in texts]

            def by_looking_at_all(task: str) -> str | None:
                return max(parsed, key=lambda template: likeness(template, task).score).text

            few = dict(list(near.items())[:10])
            rows = [
                ("an exact match", ours, exact),
                ("a near match", ours, near),
                ("rapidfuzz, token_set_ratio over all", by_token_set, near),
                ("our likeness over all", by_looking_at_all, few),
            ]
            print("| search | median ms | 99 % below | the template meant |\n|---|---|---|---|")
            for name, call, tasks in rows:
                times, right = timed(call, tasks)
                worst = statistics.quantiles(times, n=100)[98] if len(times) > 10 else max(times)
                middle = statistics.median(times)
                print(f"| {name} | {middle:.1f} | {worst:.1f} | {right} of {len(tasks)} |")


if __name__ == "__main__":
    main()
