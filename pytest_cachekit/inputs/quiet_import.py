"""Test files whose import nobody could notice, told without importing them.

They do nothing but bind names of their own, and import what is loaded already, or belongs to the
standard library and is imported instead of them.
"""

from __future__ import annotations

import ast
import importlib
import re
import sys
from collections import Counter
from collections.abc import Iterator
from types import ModuleType

from .bindings import cut
from .plain import MISSING, PlainCode, is_standard
from .version import parse
from .words import FUNCTIONS

# pytest calls some of these while it collects, or asks for plugins because of them.
_ACTIVE = frozenset({"pytest_generate_tests", "pytest_plugins", "__getattr__", "load_tests"})
_INERT_DECORATORS = frozenset({"fixture", "staticmethod", "classmethod"})
# Most imports, as they look at the start of a line.
_IMPORTS = re.compile(
    rb"^(?:import[ \t]+([\w.]+)|from[ \t]+([\w.]+)[ \t]+import[ \t]+(\w+))", re.MULTILINE
)


def is_quiet_import(content: bytes) -> bool:
    """Return whether importing and collecting a test file changes nothing outside of it.

    Judged by what is loaded in this process: a module that it would be the first to import speaks
    against it, whatever that does.

    Args:
        content: the file's content.
    """
    # Parsing takes longer than most imports.
    if any(map(_lacks, _IMPORTS.findall(content))) or (tree := parse(content)) is None:
        return False
    parts = cut(tree)
    counts = Counter(name for part in parts if not part.scope for name in part.binds)
    inner = {name for part in parts if part.scope for name in part.binds}
    if not _ACTIVE.isdisjoint(counts.keys() | inner):
        return False
    namespace: dict[str, object] = {}
    for node in _at_import(tree):
        if isinstance(node, (ast.Import, ast.ImportFrom)) and not _bind(node, namespace):
            return False
    rebound = inner | {name for name, count in counts.items() if count > 1}
    plain = PlainCode(namespace, frozenset(rebound))
    local = {node.name for node in tree.body if isinstance(node, ast.ClassDef)} - rebound
    return all(
        _is_future(part.node)
        or (
            plain.is_plain(part)
            and all(
                plain.are_values_plain(node)
                and _is_inert(node, plain, local, in_class=bool(part.scope))
                for node in _with_blocks(part.node)
            )
        )
        for part in parts
    )


def _lacks(found: tuple[bytes, bytes, bytes]) -> bool:
    """Return whether what an import names, as far as `_IMPORTS` finds it, isn't loaded."""
    module, base, name = (part.decode("latin-1") for part in found)
    wanted = module or base
    if wanted.partition(".")[0] in sys.stdlib_module_names:
        return False
    loaded = sys.modules.get(wanted)
    return not isinstance(loaded, ModuleType) or bool(name and name not in vars(loaded))


def _at_import(node: ast.AST) -> Iterator[ast.AST]:
    for child in ast.iter_child_nodes(node):
        yield child
        if not isinstance(child, (*FUNCTIONS, ast.Lambda)):
            yield from _at_import(child)


def _with_blocks(node: ast.AST) -> Iterator[ast.AST]:
    yield node
    if isinstance(node, (ast.If, ast.Try)):
        yield from _at_import(node)


def _bind(node: ast.Import | ast.ImportFrom, namespace: dict[str, object]) -> bool:
    """Put what an import binds into `namespace`; return whether all of it is loaded."""
    if isinstance(node, ast.Import):
        for alias in node.names:
            top = alias.name if alias.asname else alias.name.partition(".")[0]
            if not _is_loaded(alias.name):
                return False
            namespace[alias.asname or top] = sys.modules[top]
        return True
    base = node.module or ""
    if node.level or not _is_loaded(base):
        return False
    for alias in node.names:
        found = vars(sys.modules[base]).get(alias.name, MISSING)
        if alias.name == "*" or found is MISSING:
            return False
        namespace[alias.asname or alias.name] = found
    return True


def _is_loaded(name: str) -> bool:
    if name not in sys.modules and name.partition(".")[0] in sys.stdlib_module_names:
        try:
            importlib.import_module(name)
        except Exception:  # noqa: BLE001  the file will tell, when it is imported
            return False
    module = sys.modules.get(name)
    spec = getattr(module, "__spec__", None)
    return isinstance(module, ModuleType) and not getattr(spec, "_initializing", False)


def _is_future(node: ast.AST) -> bool:
    return isinstance(node, ast.ImportFrom) and node.module == "__future__"


def _is_inert(node: ast.AST, plain: PlainCode, local: set[str], *, in_class: bool) -> bool:
    """Return whether neither the making of what `node` binds nor looking at it runs code."""
    if isinstance(node, ast.ClassDef):
        return not node.keywords and all(_is_inert_base(base, plain, local) for base in node.bases)
    for decorator in getattr(node, "decorator_list", ()):
        called = decorator.func if isinstance(decorator, ast.Call) else decorator
        if in_class and not (_is_mark(called) or _last_name(called) in _INERT_DECORATORS):
            # pytest looks at all attributes of an instance.
            return False
        keywords = decorator.keywords if isinstance(decorator, ast.Call) else []
        for keyword in keywords:
            # Functions that name parameters are called.
            if keyword.arg == "ids" and not isinstance(keyword.value, (ast.List, ast.Tuple)):
                return False
    return True


def _is_inert_base(base: ast.expr, plain: PlainCode, local: set[str]) -> bool:
    if isinstance(base, ast.Name) and base.id in local:
        # It is judged as well.
        return True
    found = plain.resolve(base)
    # Classes know their subclasses; of the project's, somebody may ask for them.
    return type(found) is type and is_standard(found)


def _is_mark(node: ast.expr) -> bool:
    return isinstance(node, ast.Attribute) and _last_name(node.value) == "mark"


def _last_name(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""
