"""Import-time code of one import closure, as it runs: what each part names and binds here."""

from __future__ import annotations

import ast
from collections.abc import Collection
from functools import cached_property

from ..inputs.bindings import Part
from ..inputs.joined_classes import joins_classes
from ..inputs.reading import Source
from ..inputs.reflection import AT_IMPORT, COMPUTING, REFLECTION
from ..inputs.spelling import only
from ..inputs.type_checking import FLAG, SETTER, may_set_flag
from ..inputs.words import FUNCTIONS
from .texts import Texts

_LOOKS_AROUND = REFLECTION | AT_IMPORT | COMPUTING
# Of the standard library, these read the annotations of functions that they are called with.
_DISPATCHES = frozenset({"singledispatch", "singledispatchmethod"})


class RunningParts:
    """Tells of each part what it does, by the module that is loaded."""

    def __init__(self, closure: Collection[Source], texts: Texts) -> None:
        """Look at versions of files, a `closure`, through `texts`, which knows what is loaded."""
        self._closure = closure
        self._texts = texts
        self._parts: dict[Part, Part] = {}
        self._names: dict[tuple[Part, bool], frozenset[str]] = {}
        self.skips = False
        """Whether a block that only type checkers take for run was left out."""

    def of(self, row: Source, part: Part) -> Part:
        """Return a `part` of a file, as it was or as it is, without what doesn't run."""
        if part not in self._parts:
            self._parts[part] = part.without_body() if self._skips(row, part) else part
        found = self._parts[part]
        self.skips = self.skips or found is not part
        return found

    def touched_by(self, row: Source, names: frozenset[str]) -> list[Part] | None:
        """Return the parts of a file that may name one of `names`; None if it can't be read."""
        text = self._texts.of(row)
        if text is None:
            return None
        return [self.of(row, part) for part in text.touched_by(names)]

    def _skips(self, row: Source, part: Part) -> bool:
        module = self._texts.loaded(row[0])
        versions = (self._texts.of(row), self._texts.now(row[0]))
        return (
            module is not None
            and module.skips(part)
            and all(text is not None and text.skips(part) for text in versions)
        )

    def names(self, row: Source, part: Part, *, annotations: bool) -> frozenset[str]:
        """Return the words of what runs at import, by what it looks into now.

        Args:
            row: the version of a file that has `part`.
            part: a statement.
            annotations: whether those count that are only kept.
        """
        module = self._texts.loaded(row[0])
        is_judged = not annotations and isinstance(part.node, (*FUNCTIONS, ast.AnnAssign))
        if module is None or (not is_judged and _LOOKS_AROUND.isdisjoint(part.names)):
            return part.names
        key = (part, annotations)
        if key not in self._names:
            self._names[key] = module.names(part, annotations=annotations)
        return self._names[key]

    @cached_property
    def dispatches(self) -> bool:
        """Whether something here may dispatch by the annotations of functions."""
        texts = map(self._texts.of, self._closure)
        return any(text is not None and not _DISPATCHES.isdisjoint(text.words) for text in texts)

    @cached_property
    def joined_classes(self) -> frozenset[str]:
        """Names of classes whose instances may be of any other class, for all that is loaded here.

        Where a module isn't loaded, a class of it may bring two others together.
        """
        every, unseen = list[ast.stmt](), list[ast.stmt]()
        for row in self._closure:
            text = self._texts.of(row)
            nodes = [part.node for part in ([] if text is None else text.parts)]
            every += nodes
            unseen += nodes if self._texts.loaded(row[0]) is None else ()
        joined = any(joins_classes(inner) for node in unseen for inner in ast.walk(node))
        found = every if joined else unseen
        return frozenset(node.name for node in found if isinstance(node, ast.ClassDef))

    def may_set_flag(self) -> bool:
        """Return whether import-time code here could have made run what was left out."""
        wanted = frozenset({FLAG, SETTER, only(SETTER)})
        for row in self._closure:
            text = self._texts.of(row)
            touched = [] if text is None else text.touched_by(wanted)
            others = (part.node for part in touched if not isinstance(part.node, FUNCTIONS))
            if text is None or any(map(may_set_flag, others)):
                return True
        return False
