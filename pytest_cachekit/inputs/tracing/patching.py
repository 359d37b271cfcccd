"""Replaced attributes, and putting them back."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

_MISSING = object()

Prepare = Callable[[ModuleType], None]
"""What to do with a module once it is loaded."""


class Patches:
    """Attributes that were replaced, newest last."""

    def __init__(self) -> None:
        self._undo: list[tuple[Any, str, Any]] = []

    def set(self, owner: Any, name: str, value: Any) -> None:
        """Replace the attribute `name` of `owner`."""
        self._undo.append((owner, name, vars(owner).get(name, _MISSING)))
        setattr(owner, name, value)

    def undo(self) -> None:
        """Put everything back, last replaced first."""
        while self._undo:
            owner, name, value = self._undo.pop()
            if value is _MISSING:
                delattr(owner, name)
            else:
                setattr(owner, name, value)
