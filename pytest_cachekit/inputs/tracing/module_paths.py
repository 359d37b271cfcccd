"""Modules that strings name by dotted paths, as `"shop.stores.Memory"`.

Libraries import what such a path names the first time, and later find it in `sys.modules`, where
nobody sees them look.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator

from ..computed import Computed
from .action import Action
from .recorder import Recorder

_PATH = re.compile(r"[^\W\d]\w*(?:\.[^\W\d]\w*)*")
_CODE = (".py", ".pyi", ".pyc")
_START = 1024
"""Bytes in which data that isn't text shows."""


class ModulePaths:
    """Finds the modules of a run that strings name."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._names = frozenset((*recorder.modules.names, *recorder.modules.made))
        self._tops = frozenset(name.partition(".")[0] for name in self._names)
        tops = "|".join(sorted(map(re.escape, self._tops), key=len, reverse=True))
        self._in_text = re.compile(rf"(?<![\w.])(?:{tops})(?:[.:][^\W\d]\w*)+")
        self._constants: Computed[str, tuple[str, ...]] = Computed(self._of_constant)
        self._texts: Computed[tuple[str, str], frozenset[str]] = Computed(self._of_input)

    def in_constants(self, constants: Iterable[object]) -> Iterator[str]:
        """Iterate over the modules that strings among `constants` of code name."""
        for constant in constants:
            if isinstance(constant, str):
                yield from self._constants[constant]
            elif isinstance(constant, (tuple, frozenset)):
                yield from self.in_constants(constant)

    def in_inputs(self, action: Action) -> Iterator[str]:
        """Iterate over the modules that files and variables which `action` read name."""
        for kind, name in action.inputs:
            if kind in ("file", "environment"):
                yield from self._texts[kind, name]

    def _of_constant(self, constant: str) -> tuple[str, ...]:
        match = _PATH.match(constant)
        if match is None or match[0].partition(".")[0] not in self._tops:
            return ()
        rest = constant[match.end() :]
        if rest == "." or rest.startswith((".%", ".{")):
            # The start of a path that code computes.
            return tuple(name for name in self._names if name.startswith(f"{match[0]}."))
        return self._along(match[0]) if not rest or rest.startswith(":") else ()

    def _of_input(self, item: tuple[str, str]) -> frozenset[str]:
        kind, name = item
        text = os.environ.get(name, "") if kind == "environment" else self._content(name)
        found = set(self._in_text.findall(text))
        return frozenset(one for path in found for one in self._along(path.replace(":", ".")))

    def _along(self, path: str) -> tuple[str, ...]:
        """Return the innermost module on a dotted path."""
        while path and path not in self._names:
            path = path.rpartition(".")[0]
        return (path,) if path else ()

    def _content(self, name: str) -> str:
        if name.endswith(_CODE):
            return ""
        with self._recorder.unobserved():
            try:
                with open(self._recorder.layout.path(name), "rb") as stream:
                    start = stream.read(_START)
                    return "" if b"\0" in start else (start + stream.read()).decode("latin-1")
            except OSError:
                return ""
