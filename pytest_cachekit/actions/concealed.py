"""Values of environment variables: told apart by digests that nobody can guess at without a key."""

from __future__ import annotations

from collections.abc import Callable

from ..inputs.fingerprint import UNSET
from ..inputs.reading import Input, Reading


class Concealed:
    """Puts other fingerprints in the place of those of environment variables."""

    def __init__(self, conceal: Callable[[str], str] | None) -> None:
        """Use what `conceal` makes of a fingerprint; None to leave them as they are."""
        self._conceal = conceal
        self._readings: dict[Reading, Reading] = {}

    def fingerprint(self, kind: str, fingerprint: str) -> str:
        """Return what is stored for the `fingerprint` of an input of `kind`."""
        if self._conceal is None or kind != "environment" or fingerprint == UNSET:
            return fingerprint
        return self._conceal(fingerprint)

    def reading(self, reading: Reading) -> Reading:
        """Return `reading` as it is stored; the same for the same one."""
        if self._conceal is None:
            return reading
        known = self._readings.get(reading)
        if known is None:
            known = self._readings[reading] = Reading(
                reading.sources,
                reading.ordered,
                reading.functions,
                frozenset(map(self._input, reading.inputs)),
                reading.placed,
                None if reading.base is None else self.reading(reading.base),
            )
        return known

    def _input(self, item: Input) -> Input:
        kind, name, fingerprint = item
        return kind, name, self.fingerprint(kind, fingerprint)
