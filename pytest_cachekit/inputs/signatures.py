"""What runs when a function is made: its decorators, and what stands between the parentheses."""

from __future__ import annotations

import ast

_Function = ast.FunctionDef | ast.AsyncFunctionDef


def signature(function: _Function) -> list[ast.AST]:
    """Return what runs when `function` is made."""
    returns = [] if function.returns is None else [function.returns]
    return [*function.decorator_list, function.args, *returns]


def defaults(function: _Function) -> list[ast.expr]:
    """Return the defaults of the parameters of `function`."""
    return [*function.args.defaults, *(node for node in function.args.kw_defaults if node)]


def parameters(function: _Function) -> list[ast.arg]:
    """Return the parameters of `function`, without their annotations."""
    return [ast.arg(node.arg) for node in _parameters(function.args)]


def annotations_of(function: _Function) -> list[ast.expr]:
    """Return the annotations of the parameters of `function`, and of what it returns."""
    every = [node.annotation for node in _parameters(function.args)]
    return [node for node in (*every, function.returns) if node]


def _parameters(arguments: ast.arguments) -> list[ast.arg]:
    every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    return [*every, *(node for node in (arguments.vararg, arguments.kwarg) if node)]
