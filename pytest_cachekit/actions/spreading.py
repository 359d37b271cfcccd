"""How far changed bindings reach: what import-time code binds with them is tainted in turn."""

from __future__ import annotations

import ast
import os
import sys
from collections.abc import Collection, Iterable

from ..inputs.bindings import Difference, Part
from ..inputs.fingerprint import Fingerprints
from ..inputs.fixture_definitions import is_fixture, names_given_to_fixture
from ..inputs.import_statements import (
    imported_alike,
    imported_otherwise,
    imported_under,
    listed,
)
from ..inputs.import_time import has_pure_decorators
from ..inputs.library_names import LibraryNames
from ..inputs.loaded import ClassKind, LoadedModule
from ..inputs.reading import Source
from ..inputs.reflection import AT_IMPORT, REFLECTION
from ..inputs.spelling import bindings_in, looked_into, ways_to, ways_to_fixture
from ..inputs.type_checking import FLAG
from ..inputs.words import FUNCTIONS
from .quiet_modules import QuietModules
from .running import RunningParts
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

# Whoever names these may get at a module whose name it computes.
_GET_MODULES = frozenset({"modules", "import_module", "__import__"})

# These do something to all loggers that there are.
_SEE_LOGGERS = frozenset({"dictConfig", "fileConfig", "loggerDict", "getChildren"})


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
        *,
        annotations: bool = False,
    ) -> None:
        """Look through the import-time code of `closure`.

        Args:
            closure: versions of files of the project.
            distributions: those that are used, with what they require.
            fingerprints: what inputs are now.
            library: what these distributions could look up.
            texts: reads the files.
            annotations: whether the test asks for some, so that all of them name something. Where
                others may read them all do anyway.
        """
        self._closure = closure
        self._distributions = distributions
        self._fingerprints = fingerprints
        self._library = library
        self._texts = texts
        self._names: set[str] = set()
        self._running = RunningParts(closure, texts)
        self._annotations = (
            annotations or self._running.dispatches or library.read_annotations(distributions)
        )
        """Whether somebody may look at the annotations of what he is handed."""
        files = frozenset(name for name, _ in closure)
        self._quiet = QuietModules(files, distributions, fingerprints, texts, self._running)
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
        difference = Difference(
            tuple(self._running.of(row, part) for part in difference.gone),
            tuple(self._running.of(row, part) for part in difference.came),
        )
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
                # Who asks for the list itself sees its order and its length too.
                self._names |= _ways_to(listed(difference)) | part.binds
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
                touched = self._running.touched_by(row, pending | REFLECTION | AT_IMPORT)
                if touched is None:
                    raise UnclearError(f"{row[0]} can't be read")
                for part in touched:
                    if self._names_any(row, part, pending):
                        found |= self._tainted(row, part)
                    elif part.scope and not pending.isdisjoint(part.binds):
                        found |= self._compared(row, part)
            pending = self._with_parameters(self._names | found) - self._names
            self._names |= pending
        if self._running.skips:
            # Who makes that constant true runs the block.
            if self._library.may_set_flag(self._distributions) or self._running.may_set_flag():
                raise UnclearError("TYPE_CHECKING may have been set")
            self._names |= ways_to(FLAG)
        return frozenset(self._names)

    def _names_any(self, row: Source, part: Part, pending: frozenset[str]) -> bool:
        names = self._running.names(row, part, annotations=self._annotations)
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
        if part.binds == {"__all__"} and not part.names.isdisjoint(self._names - part.binds):
            raise UnclearError(f"what {row[0]} hands to those who import a star is computed")
        if isinstance(part.node, ast.ClassDef):
            self._check_making(row, module, part.node)
        return self._bound(row, module, part, imported_under(part, self._names))

    def _compared(self, row: Source, part: Part) -> frozenset[str]:
        """Return the names of a class that is compared, by the names that it holds, with others."""
        module = self._texts.loaded(row[0])
        if module is None or not module.compares(part.scope):
            return frozenset()
        # Of what an abstract class has, only what is abstract is compared.
        if module.kind(part.scope) is ClassKind.CALLED and _is_method(part):
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
        if module.may_be_fixture(part):
            given = names_given_to_fixture(part.node)
            if given is None:
                raise UnclearError(f"{row[0]} computes the name of a fixture")
            self._fixtures = True
            names |= given
        if not part.scope:
            if any(name in _LOOKED_UP or _is_of_pytest(name) for name in names):
                raise UnclearError(f"pytest or Python look up {min(names)} of {row[0]}")
            if is_fixture(part.node) and any(
                self._library.knows(name, self._distributions, bare=True) for name in names
            ):
                raise UnclearError(f"plugins may know the fixture {min(names)}")
            if self._is_listed_outside(part):
                names |= {module.last_name, *_GET_MODULES}
            if "__doc__" in names:
                names.add("getdoc")
            if "getLogger" in part.names:
                names |= _SEE_LOGGERS
            return _ways_to(names)
        kind = module.kind(part.scope)
        if kind is ClassKind.ACTIVE:
            raise UnclearError(f"the making of {'.'.join(part.scope)} in {row[0]} runs code")
        found: frozenset[str] = frozenset()
        is_known = kind is ClassKind.KNOWN or (kind is ClassKind.CALLED and not _is_method(part))
        if is_known or self._is_known_outside(part, names):
            found |= _ways_to(part.scope)
        names |= {
            f"_{part.scope[-1].lstrip('_')}{name}"
            for name in binds
            if name.startswith("__") and not name.endswith("__")
        }
        return found | _ways_to(names, module.relatives(part.scope) | self._running.joined_classes)

    def _check_imports(
        self, row: Source, module: LoadedModule, part: Part, difference: Difference
    ) -> None:
        text = self._texts.now(row[0])
        parts = [] if text is None else text.parts
        for name in sorted(imported_otherwise(module, part, difference, parts)):
            if not self._quiet.includes(name):
                raise UnclearError(f"{row[0]} imports {name}, or did")

    def _is_listed_outside(self, part: Part) -> bool:
        """Return whether others may find `part` by what holds it: a class or a module."""
        is_noted = self._annotations and isinstance(part.node, ast.AnnAssign)
        return is_noted or self._library.enumerate_objects(self._distributions)

    def _is_known_outside(self, part: Part, names: Iterable[str]) -> bool:
        return (
            any(_is_hook(name) for name in names)
            or self._is_listed_outside(part)
            or any(
                self._library.knows(name, self._distributions, bare=is_fixture(part.node))
                for name in names
            )
        )


def _is_method(part: Part) -> bool:
    """Return whether `part` makes a method or a property, and no abstract one."""
    return isinstance(part.node, FUNCTIONS) and has_pure_decorators(part.node)


def _is_hook(name: str) -> bool:
    """Return whether the language, or whoever manages plugins, looks up `name`."""
    return (name.startswith("__") and name.endswith("__")) or name.startswith("pytest_")


def _is_of_pytest(name: str) -> bool:
    """Return whether pytest may look up a module's `name`, as `pytestmark` and hooks."""
    return name.startswith("pytest") and name != "pytest"


def _binds(part: Part) -> frozenset[str]:
    """Return what a part binds; a string that stands alone is somebody's documentation."""
    return frozenset({"__doc__"}) if isinstance(part.node, ast.Expr) else part.binds


def _ways_to(names: Iterable[str], classes: Iterable[str] = ()) -> frozenset[str]:
    return frozenset().union(*(ways_to(name, classes) for name in names))
