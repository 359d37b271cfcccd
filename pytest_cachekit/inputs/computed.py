"""A dictionary of what was computed."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Computed(dict[K, V]):
    """Computes what it lacks. Mapping its `__getitem__` over known keys stays out of Python code.

    Args:
        compute: returns the value for a key.
    """

    __slots__ = ("_compute",)

    def __init__(self, compute: Callable[[K], V]) -> None:
        super().__init__()
        self._compute = compute

    def __missing__(self, key: K) -> V:
        """Compute the value for `key`, and keep it."""
        value = self[key] = self._compute(key)
        return value
