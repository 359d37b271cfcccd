"""A module with probes in its functions, made from source text."""

from __future__ import annotations

import sys
import textwrap
from types import CodeType
from typing import Any

import pytest

from pytest_cachekit.inputs.tracing import probes

needs_probes = pytest.mark.skipif(
    not probes.is_known(),
    reason=f"the bytecode of {sys.implementation.name} {sys.version.split()[0]} isn't known",
)


class Woven:
    """A module whose functions have probes."""

    def __init__(self, source: str) -> None:
        self.probes = probes.Probes()
        self.units: list[str] = []
        self.source = textwrap.dedent(source)
        self.plain = compile(self.source, "woven.py", "exec")
        self.code = self.probes.instrument(self.plain, self._enter)
        self.names: dict[str, Any] = {"__name__": "woven"}
        exec(self.code, self.names)

    def _enter(self, function: CodeType) -> int:
        self.units.append(function.co_qualname)
        return len(self.units) - 1

    def __getitem__(self, name: str) -> Any:
        """Return one of the module's globals."""
        return self.names[name]

    def ran(self) -> set[str]:
        """Return the functions that ran since the last call."""
        return {self.units[unit] for unit in self.probes.drain()}
