"""How words are spelled that say more than a name: what it is looked up in, and how it begins."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache

from .reflection import AT_IMPORT, REFLECTION

ANY, OWN, _NAMED = "any attribute ", "own attribute ", "something called "
PARAMETER, FIXTURE, _ALL_OF = "parameter ", "any fixture ", "all names of "


def ways_to(name: str, classes: Iterable[str] = ()) -> frozenset[str]:
    """Return `name` and the words of code that could compute it.

    Args:
        name: what is bound.
        classes: names of the classes whose methods get it from `self`.
    """
    starts = [name[:count] for count in range(len(name) + 1)]
    ways = (ANY, *(f"{OWN}{owner} " for owner in classes))
    return frozenset({name, only(name), *(f"{way}{start}*" for way in ways for start in starts)})


def ways_to_fixture(name: str) -> frozenset[str]:
    """Return the words of code that asks pytest for the fixture `name`."""
    starts = (name[:count] for count in range(len(name) + 1))
    return frozenset({f"{PARAMETER}{name}", *(f"{FIXTURE}{start}*" for start in starts)})


@lru_cache(maxsize=64)
def standing_for(words: frozenset[str]) -> frozenset[str]:
    """Return what stands in code that has one of `words`; of computed names nothing does."""
    return frozenset(word.rpartition(" ")[2] for word in words)


def bindings_in(words: Iterable[str]) -> frozenset[str]:
    """Return the names among `words`; one that reflects, only if it means something else too."""
    words = frozenset(words)
    meant = (name for name in REFLECTION | AT_IMPORT if only(name) in words)
    return (words - REFLECTION - AT_IMPORT).union(meant)


def looked_into(words: Iterable[str]) -> Iterator[str]:
    """Iterate over the dotted names of the modules all of whose names are among `words`."""
    return (word.removeprefix(_ALL_OF) for word in words if word.startswith(_ALL_OF))


def all_of(where: str) -> tuple[str, ...]:
    """Return the words for listing the module `where`; none for "", which isn't the project's."""
    return (f"{_ALL_OF}{where}",) if where else ()


def only(name: str) -> str:
    """Return the word for `name` where it isn't what reflects that it names."""
    return f"{_NAMED}{name}" if name in REFLECTION or name in AT_IMPORT else name
