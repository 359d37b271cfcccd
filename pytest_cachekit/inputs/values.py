"""A text for a live value, so that another value has another text: state as an input.

Data is told by what it holds, objects of the project by their class and attributes, functions
and classes by name, place and what they carry, everything else by how it pickles. What holds state
that nobody can look at, as a connection does, has no text.
"""

from __future__ import annotations

import copyreg
import datetime as dt
import decimal
import functools
import sys
import threading
import types
import weakref
from collections.abc import Callable, Iterable
from types import CodeType, FunctionType, ModuleType
from typing import Any, Protocol

from .digest import digest
from .own_kind import is_a

WOVEN = "__cachekit_ran_"
"""What names begin with that are woven into functions, by where these stand in their module."""

_PLAIN = frozenset(
    (
        *(type(None), bool, int, float, complex, str, bytes, bytearray, range, slice),
        *(type(Ellipsis), type(NotImplemented), dt.date, dt.timedelta, decimal.Decimal),
    )
)
_BY_NAME = (
    types.BuiltinFunctionType,
    types.GetSetDescriptorType,
    types.MemberDescriptorType,
    types.MethodDescriptorType,
    types.ClassMethodDescriptorType,
    types.WrapperDescriptorType,
    types.MethodWrapperType,
)
# What serves to wait for each other holds nothing that an outcome could depend on.
_WITHOUT_VALUE = (type(threading.Lock()), type(threading.RLock()), threading.Condition)
_WEAK = (weakref.WeakKeyDictionary, weakref.WeakValueDictionary, weakref.WeakSet)
_MEMO = type(functools.lru_cache(lambda: None))
# They say nothing of what a class does, or differ from run to run.
_VOLATILE = frozenset(
    {
        "__dict__", "__weakref__", "__module__", "__qualname__", "_abc_impl", "__doc__",
        "__firstlineno__", "__static_attributes__", "__annotate__", "__annotate_func__",
        "__annotations_cache__",
    }
)  # fmt: skip
_CONTAINERS = (dict, list, tuple, set, frozenset, int, float, str, bytes, bytearray)
_MOST = 2_000_000
_OWN = __name__.partition(".")[0]


class OpaqueError(TypeError):
    """A value holds what can't be looked at, or too much; the message is what it is."""


class Origins(Protocol):
    """Knows which code is the project's."""

    def is_project_module(self, name: str) -> bool:
        """Return whether the loaded module `name` is the project's own."""
        ...

    def is_named(self, function: FunctionType) -> bool:
        """Return whether the name of a project's function tells it from all in its file."""
        ...

    def place(self, module: str) -> str:
        """Return where the project's loaded module `module` lies; "" for others.

        What is part of a value and is no source of the project, is noted.
        """
        ...


def describe(value: Any, origins: Origins, warm: Callable[[str], None] = lambda _: None) -> str:
    """Return the digest of what `value` is now.

    Args:
        value: anything.
        origins: tells the project's code from others'.
        warm: told of memos that hold something already, by name; their contents don't count.

    Raises:
        OpaqueError: there is state in it that can't be seen.
    """
    description = _Description(origins, warm)
    try:
        description.add(value)
    except RecursionError:
        raise OpaqueError("a value that is nested too deeply") from None
    return digest("".join(description.parts).encode(errors="surrogatepass"))


class _Description:
    def __init__(self, origins: Origins, warm: Callable[[str], None]) -> None:
        self.parts: list[str] = []
        self._origins = origins
        self._warm = warm
        # Kept alive, so that no identity is given twice.
        self._seen: dict[int, tuple[int, Any]] = {}

    def add(self, value: Any) -> None:
        kind = type(value)
        if kind in _PLAIN:
            self.parts.append(f"{kind.__name__} {value!r},")
            return
        known = self._seen.get(id(value))
        if known is not None:
            self.parts.append(f"again {known[0]},")
            return
        if len(self._seen) > _MOST:
            raise OpaqueError("a value of too many parts")
        self._seen[id(value)] = (len(self._seen), value)
        self._open(kind, value)

    def _open(self, kind: type, value: Any) -> None:
        if kind in (list, tuple):
            self._all(kind.__name__, value)
        elif kind is dict or kind is types.MappingProxyType:
            self._all("dict", (part for item in value.items() for part in item))
        elif kind in (set, frozenset):
            self._unordered(kind.__name__, value)
        elif is_a(value, FunctionType):
            self._function(value)
        elif is_a(value, type):
            self._class(value)
        elif kind is types.MethodType:
            self._all("method", (value.__func__, value.__self__))
        elif kind in (staticmethod, classmethod):
            self._all(kind.__name__, (value.__func__,))
        elif kind is property:
            self._all("property", (value.fget, value.fset, value.fdel))
        elif kind is functools.cached_property:
            self._all("cached_property", (value.func, value.attrname))
        elif kind is _MEMO:
            self._memo(value)
        elif kind is types.CellType:
            self._cell(value)
        elif is_a(value, ModuleType):
            self._named("module", value.__name__, "")
        elif is_a(value, CodeType):
            self._code(value)
        elif is_a(value, _BY_NAME):
            self._builtin(value)
        elif is_a(value, _WITHOUT_VALUE):
            self.parts.append(f"{kind.__name__},")
        elif is_a(value, _WEAK):
            if len(value):
                self._warm(f"a {kind.__name__}")
            self.parts.append(f"{kind.__name__},")
        elif kind.__module__.partition(".")[0] == _OWN:
            self._all(kind.__qualname__, (getattr(value, "__wrapped__", None),))
        elif self._is_project(kind):
            self._object(kind, value)
        else:
            self._foreign(kind, value)

    def _all(self, word: str, values: Iterable[Any]) -> None:
        self.parts.append(f"{word}[")
        for value in values:
            self.add(value)
        self.parts.append("]")

    def _unordered(self, word: str, values: Iterable[Any]) -> None:
        digests = sorted(describe(value, self._origins, self._warm) for value in values)
        self.parts.append(f"{word}[{','.join(digests)}]")

    def _named(self, word: str, module: str, name: str) -> None:
        self.parts.append(f"{word} {module}:{name} {self._origins.place(module)},")

    def _is_project(self, kind: type) -> bool:
        return self._origins.is_project_module(kind.__module__)

    def _function(self, value: FunctionType) -> None:
        module = value.__module__ or ""
        self._named("function", module, value.__qualname__)
        if not self._origins.is_project_module(module):
            return
        if not self._origins.is_named(value):
            self._code(value.__code__)
        self._all(
            "with", (value.__defaults__, value.__kwdefaults__, value.__closure__, vars(value))
        )

    def _class(self, value: type) -> None:
        self._named("class", value.__module__, value.__qualname__)
        if not self._is_project(value):
            return
        self._all("of", (type(value), *value.__bases__))
        for name, item in vars(value).items():
            if name not in _VOLATILE:
                self.parts.append(f".{name}=")
                self.add(item)

    def _memo(self, value: Any) -> None:
        if value.cache_info().currsize:
            self._warm(f"the memo of {value.__qualname__}")
        self._all("memo", (value.__wrapped__, *value.cache_parameters().values()))

    def _cell(self, value: types.CellType) -> None:
        try:
            content = value.cell_contents
        except ValueError:
            self.parts.append("empty,")
            return
        self.add(content)

    def _code(self, value: CodeType) -> None:
        self.parts.append(f"code {value.co_name} {value.co_flags} {digest(value.co_code)}")
        names = [name for name in value.co_names if not name.startswith(WOVEN)]
        variables = (value.co_varnames, value.co_freevars, value.co_cellvars)
        self._all("", (names, *variables, value.co_consts, value.co_exceptiontable))

    def _builtin(self, value: Any) -> None:
        owner = getattr(value, "__self__", None)
        home = getattr(value, "__objclass__", owner)
        self._named("builtin", getattr(value, "__module__", None) or "", value.__name__)
        if home is not None and not is_a(home, ModuleType):
            self.add(home)

    def _object(self, kind: type, value: Any) -> None:
        self.parts.append("object ")
        self.add(kind)
        for base in _CONTAINERS:
            if is_a(value, base):
                self._contents(base, value)
                break
        if is_a(value, BaseException):
            self.add(value.args)
        self.add(getattr(value, "__dict__", None))
        for parent in kind.__mro__:
            slots = parent.__dict__.get("__slots__", ())
            for slot in (slots,) if isinstance(slots, str) else slots:
                name = f"_{parent.__name__.lstrip('_')}{slot}" if slot.startswith("__") else slot
                if name not in ("__dict__", "__weakref__") and hasattr(value, name):
                    self.parts.append(f".{name}=")
                    self.add(getattr(value, name))
        # What the project's class inherits from elsewhere may hold more than attributes.
        for parent in kind.__mro__:
            if not (
                parent in (object, *_CONTAINERS)
                or self._is_project(parent)
                or _is_transparent(parent)
            ):
                self._reduced(kind, value)
                break

    def _contents(self, base: Any, value: Any) -> None:
        if base is dict:
            self._all("dict", (part for item in dict.items(value) for part in item))
        elif base in (set, frozenset):
            self._unordered("set", value)
        elif base in (list, tuple):
            self._all("list", base.__iter__(value))
        else:
            self.parts.append(f"{base.__name__} {base.__repr__(value)},")

    def _foreign(self, kind: type, value: Any) -> None:
        self._named("instance", kind.__module__, kind.__qualname__)
        self._reduced(kind, value)

    def _reduced(self, kind: type, value: Any) -> None:
        reduce = copyreg.dispatch_table.get(kind)
        try:
            reduced = value.__reduce_ex__(4) if reduce is None else reduce(value)
        except Exception:  # noqa: BLE001  whatever it says, it can't be looked at
            raise OpaqueError(f"a {kind.__module__}.{kind.__qualname__}") from None
        if isinstance(reduced, str):
            self.parts.append(f"global {reduced},")
            return
        constructor, arguments, *more = reduced
        self._all("reduced", (constructor, *(part for part in arguments if part is not value)))
        for part in more[:1]:
            self.add(part)
        for items in more[1:3]:
            self._all("items", () if items is None else items)


def _is_transparent(parent: type) -> bool:
    """Return whether a class keeps all that it holds in attributes: it is written in Python."""
    if parent.__module__ in ("abc", "typing", "enum", "dataclasses", "collections.abc"):
        return True
    file = getattr(sys.modules.get(parent.__module__), "__file__", None)
    return isinstance(file, str) and file.endswith(".py")
