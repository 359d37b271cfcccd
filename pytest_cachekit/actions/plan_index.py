"""Which of many templates are like a task, found without looking at all of them."""

from __future__ import annotations

import heapq
import itertools
import math
from array import array
from collections.abc import Iterable, Iterator
from operator import itemgetter

from .plan_likeness import most_alike, words_like
from .plan_template import PlanTemplate, collapse, literal_words, plain_word

# How many templates are weighed by rare words, then by all, then compared, then looked at closely.
_MOST_WEIGHED = 20_000
_MOST_SORTED = 1_000
_MOST_COMPARED = 300
_CANDIDATES = 40


class PlanIndex:
    """Texts of templates by their words.

    What is asked for is weighed by the words that it shares with a task, rare ones first, as
    search engines do it: each counts with the logarithm of how rare it is. Of the best, those are
    looked at closely that rapidfuzz finds most alike. Where each of the task's words stands in more
    than 20,000 templates, some of these are not weighed.
    """

    def __init__(self) -> None:
        self._texts: list[str | None] = []
        self._numbers: dict[str, int] = {}
        self._places: dict[str, array[int]] = {}
        self._lengths = array("H")
        self._anchored: dict[tuple[str, ...], list[int]] = {}
        """By two words that a task must have, the rarest of each template, or as many as it has."""
        self._parsed: dict[int, PlanTemplate] = {}
        self._vocabulary: list[str] | None = None

    def __len__(self) -> int:
        return len(self._numbers)

    def __iter__(self) -> Iterator[str]:
        return iter(self._numbers)

    def add(self, texts: Iterable[str]) -> None:
        """Add templates by their texts, which were read by `PlanTemplate` before."""
        words_of: dict[int, frozenset[str]] = {}
        for text in texts:
            if text in self._numbers:
                continue
            number = self._numbers[text] = len(self._texts)
            self._texts.append(text)
            words_of[number] = words = literal_words(text)
            self._lengths.append(min(len(words), 65_535))
            for word in words:
                places = self._places.get(word)
                if places is None:
                    places = self._places[word] = array("L")
                    self._vocabulary = None
                places.append(number)
        for number, words in words_of.items():
            rarest = heapq.nsmallest(2, words, key=lambda word: (self._frequency(word), word))
            self._anchored.setdefault(tuple(sorted(rarest)), []).append(number)

    def remove(self, texts: Iterable[str]) -> None:
        """Forget templates."""
        for text in texts:
            number = self._numbers.pop(text, None)
            if number is not None:
                self._texts[number] = None
                self._parsed.pop(number, None)

    def exact(self, task: str) -> list[tuple[PlanTemplate, dict[str, str]]]:
        """Return the templates that are the task, with the parameters that make them so."""
        found: list[tuple[PlanTemplate, dict[str, str]]] = []
        words = sorted({plain_word(word) for word in collapse(task).split()})
        anchors = ((), *((word,) for word in words), *itertools.combinations(words, 2))
        for anchor in anchors:
            for number in self._anchored.get(anchor, ()):
                if self._texts[number] is None:
                    continue
                template = self._template(number)
                parameters = template.match(task)
                if parameters is not None:
                    found.append((template, parameters))
        return found

    def candidates(self, task: str) -> list[PlanTemplate]:
        """Return the templates that share most with a task, at most 100.

        Raises:
            CacheUsageError: rapidfuzz is not installed.
        """
        weights: dict[int, float] = {}
        count = len(self._texts)
        common: list[tuple[str, float]] = []
        for word, likeness in sorted(
            self._known(task), key=lambda known: self._frequency(known[0])
        ):
            places = self._places[word]
            weight = likeness * math.log(1 + count / len(places))
            if weights and len(weights) + len(places) > _MOST_WEIGHED:
                common.append((word, weight))
                continue
            for number in places[-_MOST_WEIGHED:]:
                weights[number] = weights.get(number, 0.0) + weight
        for number in self._anchored.get((), ())[:_MOST_COMPARED]:
            weights.setdefault(number, 0.0)
        if common:
            # Too common to bring in others; they tell apart those that are in.
            weights = dict(_best(weights, _MOST_SORTED))
            for number in weights:
                text = (self._texts[number] or "").lower()
                weights[number] += sum(weight for word, weight in common if word in text)
        found = [self._texts[number] for number, _ in _best(weights, _MOST_COMPARED)]
        texts = [text for text in found if text is not None]
        if len(texts) > _CANDIDATES:
            texts = most_alike(task, texts, _CANDIDATES)
        return [self._template(self._numbers[text]) for text in texts]

    def _frequency(self, word: str) -> int:
        return len(self._places[word])

    def _known(self, task: str) -> Iterator[tuple[str, float]]:
        """Yield words that templates have, with how like a word of the task they are."""
        for word in dict.fromkeys(plain_word(word) for word in collapse(task).split()):
            if word in self._places:
                yield word, 1.0
                continue
            if self._vocabulary is None:
                self._vocabulary = list(self._places)
            yield from words_like(word, self._vocabulary)

    def _template(self, number: int) -> PlanTemplate:
        template = self._parsed.get(number)
        if template is None:
            text = self._texts[number]
            assert text is not None
            template = self._parsed[number] = PlanTemplate(text)
        return template


def _best(weights: dict[int, float], most: int) -> list[tuple[int, float]]:
    return heapq.nlargest(most, weights.items(), key=itemgetter(1))
