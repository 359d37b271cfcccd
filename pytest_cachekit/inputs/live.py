"""What names of loaded modules hold now, and which of them code that ran could have used."""

from __future__ import annotations

import builtins
import dis
import os
import sys
from collections.abc import Iterable, Iterator
from types import BuiltinFunctionType, CodeType, FunctionType, MethodType, ModuleType
from typing import NamedTuple

from .digest import digest_text
from .distributions import Distributions
from .layout import Layout, Region
from .own_kind import is_a
from .texts_now import LoadedTexts
from .tracing.units import nested
from .values import OpaqueError, describe

UNBOUND = "unbound"
NOT_LOADED = "not loaded"
_OWN = __name__.partition(".")[0]
# Whoever uses these may reach a name that stands nowhere.
_COMPUTES = frozenset(
    {
        "globals", "vars", "dir", "getattr", "hasattr", "eval", "exec", "import_module",
        "__import__", "__dict__", "modules", "getmembers", "attrgetter", "methodcaller",
    }
)  # fmt: skip


class Binding(NamedTuple):
    """What a name held at some time."""

    fingerprint: str
    opaque: str | None
    """Why it can't be told what it held."""
    warm: tuple[str, ...]
    """Memos in it that held something already."""
    distributions: frozenset[str]
    """The installed distributions that parts of it come from."""


class Names(NamedTuple):
    """The names in a function and in all that is nested in it."""

    globals: frozenset[str]
    attributes: frozenset[str]
    imports: frozenset[str]


class LiveModules:
    """The modules of the project that are loaded in this process."""

    def __init__(self, layout: Layout, distributions: Distributions, texts: LoadedTexts) -> None:
        self.texts = texts
        self._layout = layout
        self._distributions = distributions
        self._known: dict[str, tuple[object, bool]] = {}
        self._rested: set[str] = set()
        self._names: dict[CodeType, Names] = {}

    def is_project_module(self, name: str) -> bool:
        """See `Origins.is_project_module`."""
        module = sys.modules.get(name)
        known = self._known.get(name)
        if known is None or known[0] is not module:
            known = self._known[name] = module, self._is_project(name, module)
        return known[1]

    def is_named(self, function: FunctionType) -> bool:
        """See `Origins.is_named`."""
        code = function.__code__
        return (
            code.co_name != "<lambda>"
            and self.texts.is_function(code)
            and self.texts.is_only(os.path.abspath(code.co_filename), code.co_qualname)
        )

    def place(self, module: str) -> str:
        """See `Origins.place`."""
        file = getattr(sys.modules.get(module), "__file__", None)
        if not isinstance(file, str) or module.partition(".")[0] == _OWN:
            return ""
        path = os.path.abspath(file)
        if self._layout.region(path) is Region.INSTALLED:
            owner = self._distributions.owner(path, self._layout.installed_roots)
            self._rested.add(owner or f"file {self._layout.name(path)}")
        elif self.is_project_module(module):
            if not path.endswith(".py"):
                self._rested.add(f"file {self._layout.name(path)}")
            return self._layout.name(path)
        return ""

    def project(self) -> dict[str, ModuleType]:
        """Return the project's loaded modules by name."""
        return {
            name: module
            for name, module in list(sys.modules.items())
            # multiprocessing gives the main module a second name.
            if name != "__mp_main__" and is_a(module, ModuleType) and self.is_project_module(name)
        }

    def by_path(self) -> dict[str, list[str]]:
        """Return the names of the project's loaded modules by the absolute paths of their files."""
        found: dict[str, list[str]] = {}
        for name, module in self.project().items():
            file = getattr(module, "__file__", None)
            if isinstance(file, str):
                found.setdefault(os.path.abspath(file), []).append(name)
        return found

    def look(self, module: str, name: str) -> Binding:
        """Return what `name` of the loaded `module` holds now."""
        namespace = vars(sys.modules[module])
        if name not in namespace:
            return Binding(UNBOUND, None, (), frozenset())
        warm: list[str] = []
        self._rested = set()
        try:
            fingerprint = describe(namespace[name], self, warm.append)
        except OpaqueError as error:
            return Binding("opaque", f"{module}.{name} holds {error}", (), frozenset())
        except Exception as error:  # noqa: BLE001  a value may do anything when it is looked at
            return Binding(
                "opaque", f"{module}.{name} can't be looked at ({error!r})", (), frozenset()
            )
        return Binding(fingerprint, None, tuple(warm), frozenset(self._rested))

    def snapshot(self) -> dict[str, dict[str, Binding]]:
        """Return what all names of the project's loaded modules hold now, by module."""
        return {
            module: {name: self.look(module, name) for name in list(vars(loaded)) if _counts(name)}
            for module, loaded in self.project().items()
        }

    def has_state(self, module: str, name: str) -> bool:
        """Return whether `name` of somebody else's `module` is a method of an object there.

        So are the functions of `random`, of which each call changes what the next one returns.
        """
        owner = getattr(vars(sys.modules[module]).get(name), "__self__", None)
        return owner is not None and not is_a(owner, (ModuleType, type))

    def fingerprint(self, name: str) -> str:
        """Return the fingerprint of the binding `name`, written `module:name`."""
        module, _, binding = name.partition(":")
        return self.look(module, binding).fingerprint if module in sys.modules else NOT_LOADED

    def loaded(self, name: str) -> str:
        """Return whether the module `name` is loaded, as a fingerprint."""
        return "loaded" if name in sys.modules else NOT_LOADED

    def unbound(self, name: str) -> str:
        """Return whether the name in `name`, written `module:name`, still means a builtin."""
        module, _, wanted = name.partition(":")
        if module not in sys.modules:
            return NOT_LOADED
        if wanted in vars(sys.modules[module]):
            return "bound"
        # Somebody may have put something of his own in the place of a builtin.
        is_changed = isinstance(getattr(builtins, wanted, None), FunctionType)
        return self.look("builtins", wanted).fingerprint if is_changed else UNBOUND

    def used(self, code: CodeType, module: str) -> Iterator[tuple[str, str]]:
        """Iterate over the names, with their modules, that `code` of `module` could have used.

        Those that its module doesn't bind are among them.
        """
        names = self._names_in(code)
        own = vars(sys.modules[module])
        for name in names.globals:
            yield module, name
        owner = code.co_qualname.partition(".")[0]
        if is_a(own.get(owner), type):
            yield module, owner
        reached = self._reached(names, own, module)
        everything = not _COMPUTES.isdisjoint(names.globals | names.attributes)
        if everything:
            reached.add(module)
        for other in reached:
            bound = vars(sys.modules[other])
            if not self.is_project_module(other):
                for name in names.attributes:
                    if _is_replaceable(other, name, bound.get(name)):
                        yield other, name
                continue
            wanted = filter(_counts, list(bound)) if everything else names.attributes
            for name in wanted:
                if name in bound:
                    yield other, name
            if "__getattr__" in bound:
                yield other, "__getattr__"

    def _reached(self, names: Names, own: dict[str, object], module: str) -> set[str]:
        """Return the modules whose attributes code with these `names` could ask for."""
        reached: set[str] = set()
        wanted = [own.get(name) for name in names.globals]
        if names.imports:
            for name, loaded in self.project().items():
                if any(name == each or name.endswith(f".{each}") for each in names.imports):
                    wanted.append(loaded)
                # `from . import x` names no module at all.
                if "" in names.imports and module.startswith(f"{name}."):
                    wanted.append(loaded)
        while wanted:
            value = wanted.pop()
            if not is_a(value, ModuleType) or value.__name__ in reached:
                continue
            if sys.modules.get(value.__name__) is value and value.__name__ != "builtins":
                reached.add(value.__name__)
                wanted += [vars(value).get(name) for name in names.attributes]
        return reached

    def _names_in(self, code: CodeType) -> Names:
        names = self._names.get(code)
        if names is None:
            names = self._names[code] = _find_names(code)
        return names

    def _is_project(self, name: str, module: ModuleType | None) -> bool:
        if name.partition(".")[0] == _OWN:
            return False
        if module is None or name == "__main__":
            return name not in sys.stdlib_module_names
        file = getattr(module, "__file__", None)
        if isinstance(file, str):
            return self._layout.is_loaded_code(os.path.abspath(file))
        return getattr(module, "__spec__", None) is None and name not in sys.builtin_module_names


def state_of(values: Iterable[object], modules: LiveModules) -> tuple[str, frozenset[str]]:
    """Return the digest of `values`, and the installed distributions that they come from.

    Raises:
        OpaqueError: one of them holds what can't be looked at.
    """
    modules._rested = set()
    return digest_text(*(describe(value, modules) for value in values)), frozenset(modules._rested)


def _is_replaceable(module: str, name: str, value: object) -> bool:
    """Return whether an attribute of somebody else's module may be another in another run."""
    return (module, name) in (("sys", "argv"), ("sys", "stdin")) or isinstance(
        value, (FunctionType, BuiltinFunctionType, MethodType, type, str, int, float, bytes)
    )


def _counts(name: str) -> bool:
    """Return whether a name of a module is more than what the import system keeps there."""
    return not (name.startswith("__") and name.endswith("__")) or name in ("__getattr__", "__all__")


def _find_names(code: CodeType) -> Names:
    found: dict[str, set[str]] = {"LOAD_GLOBAL": set(), "LOAD_ATTR": set(), "IMPORT_NAME": set()}
    codes = [code]
    while codes:
        current = codes.pop()
        codes += [inner for _, inner in nested(current)]
        for instruction in dis.get_instructions(current):
            kind = _KINDS.get(instruction.opname)
            if kind is not None:
                found[kind].add(str(instruction.argval))
    return Names(*(frozenset(each) for each in found.values()))


_KINDS = {
    "LOAD_GLOBAL": "LOAD_GLOBAL",
    "LOAD_NAME": "LOAD_GLOBAL",
    "LOAD_FROM_DICT_OR_GLOBALS": "LOAD_GLOBAL",
    "LOAD_ATTR": "LOAD_ATTR",
    "LOAD_METHOD": "LOAD_ATTR",
    "IMPORT_FROM": "LOAD_ATTR",
    "IMPORT_NAME": "IMPORT_NAME",
}
