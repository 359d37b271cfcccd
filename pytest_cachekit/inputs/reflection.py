"""Code that looks up names which it does not spell: it lists them, or computes them."""

from __future__ import annotations

import ast
from typing import TypeGuard

REFLECTION = frozenset(
    {
        "dir", "vars", "globals", "f_globals", "__globals__", "__dict__", "__subclasses__",
        "__annotations__", "getmembers", "getmembers_static", "classify_class_attrs",
        "get_type_hints", "get_annotations", "create_autospec", "help", "pydoc",
        "testmod", "DocTestSuite", "DocTestFinder", "loadTestsFromModule",
        "run_docstring_examples", "loadTestsFromTestCase", "register_instance", "getattr",
        "hasattr", "delattr", "setattr",
        "getattr_static", "attrgetter", "methodcaller", "eval", "exec", "resolve_name", "locate",
        "__getattribute__", "made like",
    }
)  # fmt: skip
"""What code names that may look up any name, of any object."""

ANNOTATED = frozenset({"Signature", "from_callable", "getfullargspec", "register", "signature"})
"""What code names that reads the annotations of something callable which it has."""

AT_IMPORT = frozenset({"locals"}) | ANNOTATED
"""What, besides, may look up any name in the body of a module or a class."""

GETTERS = frozenset({"getattr", "hasattr", "delattr", "setattr"})
"""Functions that look an attribute up by a name; what is set may be a property."""

LISTERS = frozenset({"dataclass"})
"""Functions that list what the class holds that they are called with."""

CALLABLE_GETTERS = frozenset({"attrgetter", "methodcaller"})
"""Functions that are given names, and return what gets them."""

COMPUTING = GETTERS | CALLABLE_GETTERS | {
    "dir", "vars", "globals", "locals", "__dict__", "getmembers",
}  # fmt: skip
"""Words of code that may look up by a name that it computes."""

BUILTINS = GETTERS | {"dir", "vars", "globals", "locals", "help", "eval", "exec"}
_BUILTIN_TYPES = frozenset(
    {"str", "bytes", "int", "float", "list", "dict", "tuple", "set", "object"}
)
_SPECIFICATIONS = ("spec", "spec_set", "autospec")


def is_dict(node: ast.AST) -> TypeGuard[ast.Attribute]:
    """Return whether `node` asks for the namespace of something."""
    return isinstance(node, ast.Attribute) and node.attr == "__dict__"


def namespace_of(node: ast.AST) -> ast.AST | None:
    """Return what `node` is the namespace of: `x` of `x.__dict__`, a call of `globals` itself."""
    if is_dict(node):
        return node.value
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        if node.func.id == "globals" and not node.args:
            return node
        if node.func.id == "vars" and len(node.args) == 1:
            return node.args[0]
    return None


def inside(subject: ast.AST) -> list[ast.AST]:
    """Return what is evaluated in order to get at the namespace of `subject`."""
    is_call = isinstance(subject, ast.Call) and isinstance(subject.func, ast.Name)
    return [] if is_call and ast.unparse(subject) == "globals()" else [subject]


def is_builtins(node: ast.Attribute) -> bool:
    """Return whether `node` is an attribute of the module `builtins`."""
    return isinstance(node.value, ast.Name) and node.value.id in ("builtins", "__builtins__")


def is_builtin_type(node: ast.AST) -> bool:
    """Return whether `node` names a type whose attributes no project changes."""
    return isinstance(node, ast.Name) and node.id in _BUILTIN_TYPES


def replaced_path(call: ast.Call) -> ast.expr | None:
    """Return what makes the dotted path of an attribute that `call` replaces; None for others."""
    function = call.func
    if isinstance(function, ast.Name):
        return call.args[0] if function.id == "patch" else None
    if not isinstance(function, ast.Attribute):
        return None
    owner = ast.unparse(function.value).rpartition(".")[2]
    if function.attr == "multiple" and owner == "patch":
        return next((item.value for item in call.keywords if item.arg is None), None)
    by_path = {"setattr": 3, "delattr": 2}.get(function.attr, 0) > len(call.args)
    return call.args[0] if by_path or (function.attr == "patch" and "mock" in owner) else None


def is_patch_of_object(function: ast.expr) -> bool:
    """Return whether `function` replaces the attribute whose name it is given beside an object."""
    return ast.unparse(function).endswith("patch.object")


def imitates(call: ast.Call) -> bool:
    """Return whether `call` may make a mock that has the attributes of something else."""
    function = call.func
    name = function.id if isinstance(function, ast.Name) else getattr(function, "attr", "")
    return (bool(call.args) and name.endswith("Mock")) or any(
        keyword.arg in _SPECIFICATIONS for keyword in call.keywords
    )


def constant_start(node: ast.expr) -> str:
    """Return what each string that `node` makes begins with, as far as that stands there."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr) and node.values:
        return constant_start(node.values[0])
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return constant_start(node.left)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod):
        return constant_start(node.left).partition("%")[0]
    return ""
