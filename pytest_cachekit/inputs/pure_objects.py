"""Functions and decorators that have no effect but what they return."""

from __future__ import annotations

import sys
from functools import cache

# Calls of these have no effect but their value; arguments are looked at as well.
_PURE_CALLS = {
    "builtins": (
        "abs", "all", "any", "bool", "bytes", "complex", "dict", "divmod", "enumerate", "float",
        "frozenset", "int", "isinstance", "issubclass", "len", "list", "max", "min", "object",
        "ord", "chr", "pow", "property", "range", "repr", "reversed", "round", "set", "slice",
        "sorted", "staticmethod", "classmethod", "str", "sum", "tuple", "zip",
    ),
    "re": ("compile", "escape"),
    "typing": ("TypeVar", "ParamSpec", "TypeVarTuple", "NewType", "cast"),
    "collections": ("namedtuple", "OrderedDict", "defaultdict", "deque", "Counter", "ChainMap"),
    "decimal": ("Decimal",),
    "fractions": ("Fraction",),
    "datetime": ("date", "datetime", "time", "timedelta", "timezone"),
    "pathlib": ("Path", "PurePath", "PosixPath", "PurePosixPath"),
    "functools": ("partial",),
    "operator": ("itemgetter",),
    "types": ("MappingProxyType", "SimpleNamespace"),
    "logging": ("getLogger",),
    "contextvars": ("ContextVar",),
    "threading": ("Lock", "RLock", "local"),
    "dataclasses": ("field",),
    "itertools": ("count", "chain"),
    "pytest": ("param",),
}  # fmt: skip
_PURE_DECORATORS = {
    "builtins": ("property", "staticmethod", "classmethod"),
    "functools": ("lru_cache", "cache", "cached_property"),
    "contextlib": ("contextmanager", "asynccontextmanager"),
    "abc": ("abstractmethod",),
    "typing": ("final", "overload", "no_type_check", "override"),
    "pytest": ("fixture",),
}
_PURE_CLASS_DECORATORS = {
    "dataclasses": ("dataclass",),
    "functools": ("total_ordering",),
    "typing": ("final", "runtime_checkable"),
    "enum": ("unique",),
}


@cache
def known_objects(table: str) -> tuple[object, ...]:
    """Return the objects in a table: "calls", "decorators" or "classes", those of classes."""
    tables = {
        "calls": _PURE_CALLS, "decorators": _PURE_DECORATORS, "classes": _PURE_CLASS_DECORATORS,
    }  # fmt: skip
    # A module that nobody has loaded can't have been named.
    return tuple(
        vars(sys.modules[module])[name]
        for module, names in tables[table].items()
        if module in sys.modules
        for name in names
        if name in vars(sys.modules[module])
    )
