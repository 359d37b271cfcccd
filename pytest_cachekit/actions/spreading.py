"""How far changed bindings reach: what import-time code binds with them is tainted in turn."""

from __future__ import annotations

import ast
import os
import sys
from collections.abc import Collection, Iterable

from ..inputs.bindings import Difference, Part
from ..inputs.fingerprint import Fingerprints
from ..inputs.layout import Region
from ..inputs.library_names import LibraryNames
from ..inputs.loaded import ClassKind, LoadedModule
from ..inputs.reading import Source
from ..inputs.words import AT_IMPORT, REFLECTION, ways_to, words_at_import
from .texts import Texts

# pytest, unittest and the language look these up in modules.
_LOOKED_UP = frozenset(
    {
        "setup", "setup_module", "setup_function", "teardown", "teardown_module",
        "teardown_function",
        "setUpModule", "tearDownModule", "load_tests", "collect_ignore", "collect_ignore_glob",
        "__getattr__", "__dir__", "__path__", "__test__", "__class__", "__file__", "__name__",
        "__spec__", "__loader__", "__package__", "__builtins__", "__annotations__", "*",
    }
)  # fmt: skip


class UnclearError(Exception):
    """What a change means can't be told by names."""


class Spread:
    """Finds all that changed bindings taint in one import closure."""

    def __init__(
        self,
        closure: Collection[Source],
        distributions: frozenset[str],
        fingerprints: Fingerprints,
        library: LibraryNames,
        texts: Texts,
    ) -> None:
        self._closure = closure
        self._files = frozenset(name for name, _ in closure)
        self._distributions = distributions
        self._fingerprints = fingerprints
        self._library = library
        self._texts = texts
        self._names: set[str] = set()
        self._quiet: dict[str, bool] = {}

    def begin(self, row: Source, difference: Difference) -> None:
        """Taint what a changed row binds.

        Raises:
            UnclearError: it does more than that, or it can't be told.
        """
        if difference.reordered:
            raise UnclearError(f"statements of {row[0]} are in another order")
        module = self._texts.loaded(row[0])
        if module is None:
            raise UnclearError(f"{row[0]} isn't loaded")
        heads = {
            (*part.scope, next(iter(part.binds)))
            for part in (*difference.gone, *difference.came)
            if isinstance(part.node, ast.ClassDef)
        }
        for part in (*difference.gone, *difference.came):
            if not module.is_plain(part):
                raise UnclearError(f"{row[0]} does more than bind names")
            self._check_imports(row, module, part, difference)
            if isinstance(part.node, ast.ClassDef):
                self._check_making(row, module, part.node)
                self._names |= self._bound(row, module, part, part.binds)
            elif any(part.scope[: count + 1] in heads for count in range(len(part.scope))):
                # Of a class that is new, or gone, who names nothing else can't have an instance.
                continue
            elif part.binds == {"__all__"}:
                self._names |= _ways_to(_listed(difference))
            else:
                self._names |= self._bound(row, module, part, _binds(part))

    def over_imports(self) -> frozenset[str]:
        """Return all tainted names.

        Raises:
            UnclearError: import-time code that does more than bind names can name one.
        """
        self._names |= REFLECTION | AT_IMPORT
        pending = frozenset(self._names)
        while pending:
            found: set[str] = set()
            for row in self._closure:
                text = self._texts.of(row)
                if text is None:
                    raise UnclearError(f"{row[0]} can't be read")
                touched = text.touched_by(pending)
                if self._texts.loaded(row[0]) is None:
                    # Whether it still can be imported isn't known.
                    named = (pending - REFLECTION - AT_IMPORT) & text.words
                    if named:
                        raise UnclearError(f"{row[0]} isn't loaded and names {min(named)}")
                for part, names_one in touched:
                    reached = self._tainted if names_one else self._compared
                    found |= reached(row, part)
            pending = frozenset(found - self._names)
            self._names |= pending
        return frozenset(self._names)

    def _tainted(self, row: Source, part: Part) -> frozenset[str]:
        module = self._texts.loaded(row[0])
        if module is None or not module.is_plain(part):
            name = min(part.names & self._names)
            raise UnclearError(f"import-time code of {row[0]} names {name}")
        if isinstance(part.node, ast.ClassDef):
            self._check_making(row, module, part.node)
        return self._bound(row, module, part, part.binds)

    def _compared(self, row: Source, part: Part) -> frozenset[str]:
        """Return the names of a class that is compared, by the names that it holds, with others."""
        module = self._texts.loaded(row[0])
        if module is None or module.kind(part.scope) is ClassKind.PLAIN:
            return frozenset()
        return _ways_to(part.scope)

    def _check_making(self, row: Source, module: LoadedModule, head: ast.ClassDef) -> None:
        if module.kind_of_bases(head) is ClassKind.ACTIVE:
            raise UnclearError(f"the making of class {head.name} in {row[0]} runs code")

    def _bound(
        self, row: Source, module: LoadedModule, part: Part, binds: Iterable[str]
    ) -> frozenset[str]:
        """Return what to look for in order to find who looks up `binds`."""
        names = set(binds)
        if not part.scope:
            if any(name in _LOOKED_UP or name.startswith("pytest") for name in names):
                raise UnclearError(f"pytest or Python look up {min(names)} of {row[0]}")
            if _is_fixture(part.node) and any(
                self._library.knows(name, self._distributions, bare=True) for name in names
            ):
                raise UnclearError(f"plugins may know the fixture {min(names)}")
            if self._library.enumerate_objects(self._distributions):
                names |= {module.last_name, "modules"}
            return _ways_to(names)
        kind = module.kind(part.scope)
        if kind is ClassKind.ACTIVE:
            raise UnclearError(f"the making of {'.'.join(part.scope)} in {row[0]} runs code")
        found: frozenset[str] = frozenset()
        if kind is ClassKind.KNOWN or self._is_known_outside(part, names):
            found |= _ways_to(part.scope)
        names |= {
            f"_{part.scope[-1].lstrip('_')}{name}"
            for name in binds
            if name.startswith("__") and not name.endswith("__")
        }
        return found | _ways_to(names, module.relatives(part.scope))

    def _is_known_outside(self, part: Part, names: Iterable[str]) -> bool:
        return (
            any(_is_hook(name) for name in names)
            or self._library.enumerate_objects(self._distributions)
            or any(
                self._library.knows(name, self._distributions, bare=_is_fixture(part.node))
                for name in names
            )
        )

    def _check_imports(
        self, row: Source, module: LoadedModule, part: Part, difference: Difference
    ) -> None:
        other = {
            name
            for side in (difference.gone, difference.came)
            if part not in side
            for one in side
            for name in module.imported(one)
        }
        text = self._texts.now(row[0])
        kept = {
            name
            for one in ([] if text is None else text.parts)
            if one not in difference.came and isinstance(one.node, (ast.Import, ast.ImportFrom))
            for name in module.imported(one)
        }
        for name in module.imported(part):
            if name in other or name in kept:
                continue
            if not self._is_quiet(name):
                raise UnclearError(f"{row[0]} imports {name}, or did")

    def _is_quiet(self, name: str) -> bool:
        """Return whether it makes no difference whether, or when, a module is imported."""
        if name in self._quiet:
            return self._quiet[name]
        # Around a circle of imports, what the others do decides.
        self._quiet[name] = True
        self._quiet[name] = self._find_quiet(name)
        return self._quiet[name]

    def _find_quiet(self, name: str) -> bool:
        module = sys.modules.get(name)
        if module is None:
            return self._fingerprints.now("module", name) == Region.STANDARD.value
        path = getattr(module, "__file__", None)
        if path is None:
            return name in sys.builtin_module_names
        path = os.path.abspath(path)
        layout = self._fingerprints.layout
        region = layout.region(path)
        if region is Region.STANDARD:
            return True
        if region is Region.INSTALLED:
            owner = self._fingerprints.distributions.owner(path, layout.installed_roots)
            return owner in self._distributions
        file = layout.name(path)
        loaded, text = self._texts.loaded(file), self._texts.now(file)
        if file not in self._files or loaded is None or text is None:
            return False
        return all(
            loaded.is_plain(part)
            and all(map(self._is_quiet, loaded.imported(part)))
            and not (
                isinstance(part.node, ast.ClassDef)
                and loaded.kind_of_bases(part.node) is ClassKind.ACTIVE
            )
            for part in text.parts
        )


def _is_hook(name: str) -> bool:
    """Return whether the language, or whoever manages plugins, looks up `name`."""
    return (name.startswith("__") and name.endswith("__")) or name.startswith("pytest_")


def _binds(part: Part) -> frozenset[str]:
    """Return what a part binds; a string that stands alone is somebody's documentation."""
    return frozenset({"__doc__"}) if isinstance(part.node, ast.Expr) else part.binds


def _ways_to(names: Iterable[str], classes: Iterable[str] = ()) -> frozenset[str]:
    return frozenset().union(*(ways_to(name, classes) for name in names))


def _listed(difference: Difference) -> frozenset[str]:
    """Return what went from `__all__` or came to it."""
    sides = [
        {
            word
            for part in side
            if part.binds == {"__all__"} and not part.scope
            for word in words_at_import(part.node)
        }
        for side in (difference.gone, difference.came)
    ]
    return frozenset((sides[0] ^ sides[1]) - {"__all__"})


def _is_fixture(node: ast.AST) -> bool:
    return any(
        "fixture" in words_at_import(decorator) for decorator in getattr(node, "decorator_list", ())
    )
