"""How like a template a task is, word by word, and what its parameters are then."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from ..errors import CacheUsageError
from .plan_template import PlanTemplate, Token, collapse, plain_word

# Words less alike than that are other words.
_SAME = 0.65
# So many words may stand for one that no template has.
_MOST_LIKE = 3
# What each further word that a parameter takes costs, as a share of an unknown word.
_FURTHER = 0.1
# What a parameter without a value costs, in letters.
_UNFILLED = 2.0
# A longer task is cut: the time goes with its words times those of the template.
_MOST_WORDS = 200


class Likeness(NamedTuple):
    """What a template and a task have in common."""

    score: float
    """From 0 to 1."""
    parameters: dict[str, str]
    words: int
    """Of the template, parameters left out."""
    same: int
    """So many of these the task has as well, misspelt ones included."""
    misspelt: dict[str, str]
    """Words of the template, and what the task says instead."""
    missing: tuple[str, ...]
    """Words of the template that the task lacks."""
    extra: tuple[str, ...]
    """Words of the task that the template lacks."""


def likeness(template: PlanTemplate, task: str) -> Likeness:
    """Return how like `template` a task is.

    An edit distance of words (Wagner and Fischer, 1974), in letters: a word that only one side has
    costs its length, a misspelt one its part, and what a parameter takes costs nothing, or a tenth
    for each word after its first. The score is the share of all letters that cost nothing.
    """
    said = collapse(task).split()[:_MOST_WORDS]
    words = [plain_word(word) for word in said]
    tokens = template.tokens
    costs, steps = _aligned(tokens, words, said)
    pairs: list[tuple[Token | None, int | None]] = []
    row, column = len(tokens), len(words)
    while row or column:
        step = steps[row][column]
        if step in "=+":
            pairs.append((tokens[row - 1], column - 1))
        elif step == "-":
            pairs.append((tokens[row - 1], None))
        else:
            pairs.append((None, column - 1))
        row -= step in "=-"
        column -= step != "-"
    return _told(tokens, said, words, pairs[::-1], costs[-1][-1])


def most_alike(task: str, texts: list[str], most: int) -> list[str]:
    """Return those `texts` that share most with `task`, whatever else they say.

    Raises:
        CacheUsageError: rapidfuzz is not installed.
    """
    fuzz, process = _rapidfuzz()
    return [
        found[0] for found in process.extract(task, texts, scorer=fuzz.token_set_ratio, limit=most)
    ]


def words_like(word: str, words: list[str]) -> list[tuple[str, float]]:
    """Return the words of a list that are most like `word`, with how like, from 0 to 1.

    Raises:
        CacheUsageError: rapidfuzz is not installed.
    """
    fuzz, process = _rapidfuzz()
    found = process.extract(
        word, words, scorer=fuzz.ratio, score_cutoff=100 * _SAME, limit=_MOST_LIKE
    )
    return [(text, score / 100) for text, score, _ in found]


def _rapidfuzz() -> tuple[Any, Any]:
    try:
        from rapidfuzz import fuzz, process
    except ImportError as error:
        raise CacheUsageError(
            "Templates like a task are found by rapidfuzz: install pytest-cachekit[plans], or ask "
            "for exact matches, with threshold=1."
        ) from error
    return fuzz, process


def _aligned(
    tokens: Sequence[Token], words: list[str], said: list[str]
) -> tuple[list[list[float]], list[str]]:
    """Return costs and last steps for each number of tokens and words.

    Steps are `=` (both), `+` (one more word for a parameter), `-` (the template alone), ` `.
    """
    cost = [0.0]
    for word in words:
        cost.append(cost[-1] + len(word))
    costs, steps = [cost], [" " * len(cost)]
    for token in tokens:
        before = cost
        alone = _UNFILLED if not token.is_literal else float(len(token.word))
        cost, path = [before[0] + alone], ["-"]
        for number, word in enumerate(words, 1):
            best, step = before[number] + alone, "-"
            both = before[number - 1] + _difference(token, word, said[number - 1])
            if both <= best:
                best, step = both, "="
            if cost[-1] + len(word) < best:
                best, step = cost[-1] + len(word), " "
            if token.parameter is not None and path[-1] in "=+":
                more = cost[-1] + _FURTHER * len(word)
                if more < best:
                    best, step = more, "+"
            cost.append(best)
            path.append(step)
        costs.append(cost)
        steps.append("".join(path))
    return costs, steps


def _difference(token: Token, word: str, said: str) -> float:
    if token.parameter is not None:
        return 0.0
    if token.glued is not None:
        return 0.0 if token.glued.match(said.strip(".,;:!?")) is not None else 1e9
    if token.word == word:
        return 0.0
    same = _ratio(token.word, word)
    return (1 - same) * (len(token.word) + len(word)) if same >= _SAME else 1e9


@lru_cache(maxsize=65_536)
def _ratio(one: str, other: str) -> float:
    return float(_rapidfuzz()[0].ratio(one, other)) / 100


def _told(
    tokens: Sequence[Token],
    said: list[str],
    words: list[str],
    pairs: list[tuple[Token | None, int | None]],
    cost: float,
) -> Likeness:
    taken: dict[str, list[str]] = {}
    misspelt: dict[str, str] = {}
    missing: list[str] = []
    extra: list[str] = []
    parameters: dict[str, str] = {}
    same = 0
    letters = sum(len(token.word) for token in tokens if token.is_literal)
    for token, number in pairs:
        if token is None:
            assert number is not None
            extra.append(said[number])
            letters += len(words[number])
        elif token.parameter is not None:
            if number is not None:
                taken.setdefault(token.parameter, []).append(said[number])
        elif token.glued is not None and number is not None:
            parameters.update(token.glued.match(said[number].strip(".,;:!?")) or {})
        elif number is None:
            missing.append(token.word)
        else:
            same += 1
            letters += len(words[number])
            if token.word != words[number]:
                misspelt[token.word] = words[number]
    parameters.update({name: " ".join(parts).strip(",;") for name, parts in taken.items()})
    return Likeness(
        max(0.0, 1 - cost / letters) if letters else 0.0,
        parameters,
        sum(token.is_literal for token in tokens),
        same,
        misspelt,
        tuple(missing),
        tuple(extra),
    )
