"""What functions may change, as numbers: what many of them ask for together is found at once."""

from __future__ import annotations

from collections.abc import Iterable

from .comparisons import Comparison
from .spots import Held, Spot

# Comparing is much cheaper than preparing for it; and what others asked for may have changed in
# ways that no name tells of.
_FACTOR, _FEW = 2, 3_000
_PARTS = 4
_FILLED, _HOLDING, _NAMED = range(3)


class Asks:
    """Numbers what is compared. A set of it is an integer that has the bits of these numbers."""

    def __init__(self) -> None:
        self._asked: list[tuple[int, Spot | Held]] = []
        self._bits: dict[tuple[int, Spot | Held], int] = {}
        self._comparisons: list[Comparison] = []
        """Those for what was asked for last: most tests that follow ask for much the same."""
        self._mask = 0
        """What they compare."""

    def mask(
        self,
        filled: Iterable[Spot] = (),
        holding: Iterable[Spot] = (),
        named: Iterable[Held] = (),
    ) -> int:
        """Return all of that in one number.

        Args:
            filled: those whose contents count.
            holding: those to which names may come.
            named: those that may have other values under names.
        """
        every: tuple[tuple[int, Spot | Held], ...] = (
            *((_FILLED, each) for each in filled if each.contents),
            *((_HOLDING, each) for each in holding if each.held is not None),
            *((_NAMED, each) for each in named),
        )
        found = 0
        for ask in every:
            bit = self._bits.get(ask)
            if bit is None:
                bit = self._bits[ask] = 1 << len(self._asked)
                self._asked.append(ask)
            found |= bit
        return found

    def different(self, mask: int) -> set[Spot]:
        """Return what has changed of all in `mask` that hadn't yet, and perhaps of some more."""
        if not _is_near(self._mask | mask, mask):
            self.forget()
        rest = mask & ~self._mask
        if rest:
            self._mask |= rest
            if len(self._comparisons) == _PARTS:
                self._comparisons, rest = [], self._mask
            self._comparisons.append(self._compare(rest))
        return set[Spot]().union(*(each.different() for each in self._comparisons))

    def forget(self) -> None:
        """Note that something has changed, which is compared no longer."""
        self._comparisons, self._mask = [], 0

    def _compare(self, mask: int) -> Comparison:
        asked: tuple[list[Spot], list[Spot], list[Held]] = [], [], []
        digits = f"{mask:b}"[::-1]
        position = digits.find("1")
        while position >= 0:
            kind, each = self._asked[position]
            asked[kind].append(each)  # type: ignore[arg-type]  # the kind tells what it is
            position = digits.find("1", position + 1)
        return Comparison(*asked)


def _is_near(more: int, mask: int) -> bool:
    """Return whether it costs little to compare all of `more` where `mask` is asked for."""
    return more.bit_count() <= _FACTOR * mask.bit_count() + _FEW
