"""How far changed bindings reach: what import-time code binds with them is tainted in turn."""

from __future__ import annotations

import ast
import os
import sys
from collections.abc import Collection, Iterable
from functools import cached_property

from ..inputs.bindings import Difference, Part
from ..inputs.fingerprint import Fingerprints
from ..inputs.fixture_definitions import is_fixture, may_be_fixture, names_given_to_fixture
from ..inputs.import_statements import imported_alike, imported_under, listed
from ..inputs.joined_classes import joins_classes
from ..inputs.library_names import LibraryNames
from ..inputs.loaded import ClassKind, LoadedModule
from ..inputs.reading import Source
from ..inputs.reflection import AT_IMPORT, COMPUTING, REFLECTION
from ..inputs.spelling import bindings_in, looked_into, ways_to, ways_to_fixture
from .quiet_modules import QuietModules
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

# These do something to all loggers that there are.
_SEE_LOGGERS = frozenset({"dictConfig", "fileConfig", "loggerDict", "getChildren"})
# Of the standard library, these read the annotations of functions that they are called with.
_DISPATCHES = frozenset({"singledispatch", "singledispatchmethod"})


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
        self._distributions = distributions
        self._fingerprints = fingerprints
        self._library = library
        self._texts = texts
        self._names: set[str] = set()
        self._quiet = QuietModules(
            frozenset(name for name, _ in closure), distributions, fingerprints, texts
        )
        self._parts: dict[Part, frozenset[str]] = {}
        self._gone: set[str] = set()
        """Files that lost a name."""
        self._fixtures = False
        """Whether something tainted may be a fixture, which tests ask for by a parameter."""

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
        if {part.binds for part in difference.gone} - {part.binds for part in difference.came}:
            self._gone.add(row[0])
        text = self._texts.now(row[0])
        kept = imported_alike(difference, [] if text is None else text.parts)
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
                self._names |= _ways_to(listed(difference))
            else:
                self._names |= self._bound(row, module, part, _binds(part) - kept)

    def over_imports(self) -> frozenset[str]:
        """Return all tainted names.

        Raises:
            UnclearError: import-time code that does more than bind names can name one.
        """
        self._names |= REFLECTION | AT_IMPORT
        pending = self._with_parameters(self._names)
        self._names |= pending
        while pending:
            found: set[str] = set()
            for row in self._closure:
                text = self._texts.of(row)
                if text is None:
                    raise UnclearError(f"{row[0]} can't be read")
                for part in text.touched_by(pending | REFLECTION | AT_IMPORT):
                    if self._names_any(row, part, pending):
                        found |= self._tainted(row, part)
                    elif part.scope and not pending.isdisjoint(part.binds):
                        found |= self._compared(row, part)
                for part in text.annotated_with(pending) if self._reads_annotations else ():
                    made = part.scope[-1:] if any(map(_is_hook, part.binds)) else ()
                    found |= _ways_to((*part.binds, *made))
            pending = self._with_parameters(self._names | found) - self._names
            self._names |= pending
        return frozenset(self._names)

    @cached_property
    def _reads_annotations(self) -> bool:
        """Whether libraries may look at the annotations of functions that they are handed."""
        texts = map(self._texts.of, self._closure)
        return self._library.read_annotations(self._distributions) or any(
            text is not None and not _DISPATCHES.isdisjoint(text.words) for text in texts
        )

    def _names_any(self, row: Source, part: Part, pending: frozenset[str]) -> bool:
        module = self._texts.loaded(row[0])
        if module is None or (REFLECTION | AT_IMPORT | COMPUTING).isdisjoint(part.names):
            return not pending.isdisjoint(part.names)
        if part not in self._parts:
            self._parts[part] = module.names(part)
        names = self._parts[part]
        return not pending.isdisjoint(names) or any(
            self._may_hold(where, pending) for where in looked_into(names)
        )

    def _may_hold(self, where: str, pending: frozenset[str]) -> bool:
        """Return whether the module `where` holds one of the `pending` names, or did."""
        module = sys.modules.get(where)
        path = getattr(module, "__file__", None)
        if module is None or path is None or not bindings_in(pending).isdisjoint(vars(module)):
            return True
        file = self._fingerprints.layout.name(os.path.abspath(path))
        text = self._texts.now(file)
        if text is None or self._texts.loaded(file) is None:
            return True
        # What it has of others by a star, it lost with them.
        has_star = any("*" in part.binds for part in text.parts)
        return file in self._gone or (has_star and bool(self._gone))

    def _with_parameters(self, names: Collection[str]) -> frozenset[str]:
        """Return `names`, and the parameters that ask for them if one may be a fixture's."""
        asked = filter(str.isidentifier, names) if self._fixtures else ()
        return frozenset(names).union(*map(ways_to_fixture, asked))

    def _tainted(self, row: Source, part: Part) -> frozenset[str]:
        module = self._texts.loaded(row[0])
        if module is None or not module.is_plain(part):
            # Whether what isn't loaded still can be imported isn't known either.
            name = min(part.names & self._names)
            raise UnclearError(f"import-time code of {row[0]} names {name}")
        if isinstance(part.node, ast.ClassDef):
            self._check_making(row, module, part.node)
        return self._bound(row, module, part, imported_under(part, self._names))

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
        if may_be_fixture(part.node):
            given = names_given_to_fixture(part.node)
            if given is None:
                raise UnclearError(f"{row[0]} computes the name of a fixture")
            self._fixtures = True
            names |= given
        if not part.scope:
            if any(name in _LOOKED_UP or name.startswith("pytest") for name in names):
                raise UnclearError(f"pytest or Python look up {min(names)} of {row[0]}")
            if is_fixture(part.node) and any(
                self._library.knows(name, self._distributions, bare=True) for name in names
            ):
                raise UnclearError(f"plugins may know the fixture {min(names)}")
            if self._library.enumerate_objects(self._distributions):
                names |= {module.last_name, "modules"}
            if "__doc__" in names:
                names.add("getdoc")
            if "getLogger" in part.names:
                names |= _SEE_LOGGERS
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
        return found | _ways_to(names, module.relatives(part.scope) | self._classes_elsewhere)

    @cached_property
    def _classes_elsewhere(self) -> frozenset[str]:
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

    def _is_known_outside(self, part: Part, names: Iterable[str]) -> bool:
        return (
            any(_is_hook(name) for name in names)
            or self._library.enumerate_objects(self._distributions)
            or any(
                self._library.knows(name, self._distributions, bare=is_fixture(part.node))
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
        came = {one.key for one in difference.came}
        kept = {
            name
            for one in ([] if text is None else text.parts)
            if one.key not in came and isinstance(one.node, (ast.Import, ast.ImportFrom))
            for name in module.imported(one)
        }
        for name in module.imported(part):
            if name in other or name in kept:
                continue
            if not self._quiet.includes(name):
                raise UnclearError(f"{row[0]} imports {name}, or did")


def _is_hook(name: str) -> bool:
    """Return whether the language, or whoever manages plugins, looks up `name`."""
    return (name.startswith("__") and name.endswith("__")) or name.startswith("pytest_")


def _binds(part: Part) -> frozenset[str]:
    """Return what a part binds; a string that stands alone is somebody's documentation."""
    return frozenset({"__doc__"}) if isinstance(part.node, ast.Expr) else part.binds


def _ways_to(names: Iterable[str], classes: Iterable[str] = ()) -> frozenset[str]:
    return frozenset().union(*(ways_to(name, classes) for name in names))
