"""What changed between two versions of a Python file, as a test could notice it.

A file is cut into *functions*, each with all that is nested in it, and its
*import-time code*: everything else, with the bodies of functions cut out.
Positions, comments and blank lines are in neither. What can be read of a
function without running it (its name, signature, decorators, docstring and
whether it is a generator) belongs to the import-time code as well.

Nothing is parsed while a run is recorded: a manifest holds a file's digest and
the first lines of the functions that ran, and the file's text is kept in the
cache. Both versions are parsed when, and only when, they differ.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from .import_time import FUNCTIONS, blocks, has_pure_decorators, names_at_import


@dataclass(frozen=True)
class SourceChange:
    """How the version of a file that was recorded differs from the one that is there now."""

    import_time: str | None = None
    """The first import-time statement that differs, in words; None where none does."""
    order: bool = False
    """Whether definitions or statements stand in another order, which reflection could notice."""
    lines: frozenset[int] = field(default=frozenset(), compare=False)
    """The first lines of all functions of the recorded version."""
    functions: dict[int, str] = field(default_factory=dict)
    """The functions that changed or went: first line in the recorded version, to dotted name."""


@dataclass
class SourceTable:
    """One version of a file, cut into functions and import-time code."""

    functions: dict[int, str] = field(default_factory=dict)
    """First line (of the decorators, if any) to unique dotted name."""
    bodies: dict[str, str] = field(default_factory=dict)
    """Unique dotted name to the function's text, normalized."""
    statements: list[tuple[str, str]] = field(default_factory=list)
    """Import-time code in order: normalized text, and what to call it."""
    order: list[str] = field(default_factory=list)
    """Names of definitions and texts of other statements, as they stand."""


def read_table(source: bytes) -> SourceTable | None:
    """Cut `source` into a table; return None where it isn't valid Python."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError):
        return None
    table = SourceTable()
    _Cutter(table).cut(tree.body, "")
    return table


def compare(old: bytes, new: bytes) -> SourceChange:
    """Return how `new` differs from `old`."""
    before, after = read_table(old), read_table(new)
    if before is None or after is None:
        functions = {} if before is None else dict(before.functions)
        return SourceChange("it isn't valid Python", True, frozenset(functions), functions)
    changed = {
        line: name
        for line, name in before.functions.items()
        if before.bodies[name] != after.bodies.get(name)
    }
    return SourceChange(
        _first_difference(before.statements, after.statements),
        before.order != after.order,
        frozenset(before.functions),
        changed,
    )


def _first_difference(old: list[tuple[str, str]], new: list[tuple[str, str]]) -> str | None:
    if [text for text, _ in old] == [text for text, _ in new]:
        return None
    missing = Counter(text for text, _ in old)
    missing.subtract(text for text, _ in new)
    for text, label in new:
        if missing[text] < 0:
            return label
    for text, label in old:
        if missing[text] > 0:
            return label
    return "the order of its statements"


class _Cutter:
    """Fills a `SourceTable` from a syntax tree."""

    def __init__(self, table: SourceTable) -> None:
        self._table = table
        self._names: Counter[str] = Counter()

    def cut(self, body: list[ast.stmt], prefix: str) -> None:
        """Add the statements of a module or class `body` whose names begin with `prefix`."""
        free: list[tuple[str, str]] = []
        sensitive = names_at_import(body)
        rebound = _bound_more_than_once(body)
        # How many statements that could look a name up have run before this one.
        position = 0
        for statement in body:
            if isinstance(statement, FUNCTIONS) and _is_pure(statement, rebound):
                text, label = self._function(statement, prefix)
                self._table.order.append(statement.name)
                anchored = statement.name in sensitive | rebound or "*" in rebound
                free.append((f"{position if anchored else '-'} {text}", label))
                continue
            if not _is_constant(statement) or not rebound.isdisjoint(_bound_by(statement)):
                position += 1
            self._statement(statement, prefix)
        # The order of plain definitions among themselves can't be noticed.
        self._table.statements.extend(sorted(free))

    def _statement(self, statement: ast.stmt, prefix: str) -> None:
        def add(part: tuple[str, str]) -> None:
            self._table.statements.append(part)
            self._table.order.append(part[0])

        if isinstance(statement, FUNCTIONS):
            add(self._function(statement, prefix))
        elif isinstance(statement, ast.ClassDef):
            name = self._unique(prefix + statement.name)
            body, statement.body = statement.body, []
            add((f"begin {ast.dump(statement)}", f"class {name}"))
            statement.body = body
            self.cut(body, f"{name}.")
            add(("end", f"class {name}"))
        elif _holds_definitions(statement):
            # if, try, with, for, match: what they hold is import-time code in its own right.
            for field_name, block in blocks(statement):
                held, block[:] = list(block), []
                add((f"block {field_name}", "a conditional statement"))
                for inner in held:
                    self._statement(inner, prefix)
            add((ast.dump(statement), _label(statement)))
        else:
            add((ast.dump(statement), _label(statement)))

    def _function(
        self, function: ast.FunctionDef | ast.AsyncFunctionDef, prefix: str
    ) -> tuple[str, str]:
        name = self._unique(prefix + function.name)
        first = min([function.lineno, *(node.lineno for node in function.decorator_list)])
        self._table.functions[first] = name
        self._table.bodies[name] = ast.dump(function)
        kind = "generator" if any(_own_yields(function)) else "plain"
        docstring = ast.get_docstring(function, clean=False)
        body, function.body = function.body, []
        signature = ast.dump(function)
        function.body = body
        return f"{kind} {docstring!r} {signature}", f"the signature of {name}"

    def _unique(self, name: str) -> str:
        self._names[name] += 1
        count = self._names[name]
        return name if count == 1 else f"{name}#{count}"


def _is_pure(function: ast.FunctionDef | ast.AsyncFunctionDef, rebound: frozenset[str]) -> bool:
    """Return whether making `function` runs no code that anything could notice."""
    arguments = function.args
    defaults = [*arguments.defaults, *(node for node in arguments.kw_defaults if node)]
    every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    every += [argument for argument in (arguments.vararg, arguments.kwarg) if argument]
    annotations = [node.annotation for node in every if node.annotation]
    annotations += [function.returns] if function.returns else []
    return (
        has_pure_decorators(function)
        and all(isinstance(node, ast.Constant) for node in defaults)
        and not any(
            isinstance(node, ast.Call) or (isinstance(node, ast.Name) and node.id in rebound)
            for annotation in annotations
            for node in ast.walk(annotation)
        )
    )


def _bound_more_than_once(body: list[ast.stmt]) -> frozenset[str]:
    bound: Counter[str] = Counter()
    for statement in body:
        bound.update(_bound_by(statement))
    # What a star binds isn't known.
    return frozenset(name for name, count in bound.items() if count > 1 or name == "*")


def _bound_by(statement: ast.stmt) -> Iterator[str]:
    if isinstance(statement, (*FUNCTIONS, ast.ClassDef)):
        yield statement.name
        return
    for node in ast.walk(statement):
        if isinstance(node, ast.Name) and isinstance(node.ctx, (ast.Store, ast.Del)):
            yield node.id
        elif isinstance(node, ast.alias):
            yield (node.asname or node.name).partition(".")[0]
        elif isinstance(node, ast.ExceptHandler) and node.name:
            yield node.name


def _is_constant(statement: ast.stmt) -> bool:
    """Return whether `statement` can't look up a name of this module."""
    if isinstance(statement, ast.Expr):
        return isinstance(statement.value, ast.Constant)
    if isinstance(statement, ast.Assign):
        return isinstance(statement.value, ast.Constant)
    return isinstance(statement, ast.Pass)


def _own_yields(function: ast.AST) -> Iterator[ast.AST]:
    for child in ast.iter_child_nodes(function):
        if isinstance(child, (ast.Yield, ast.YieldFrom)):
            yield child
        elif not isinstance(child, (*FUNCTIONS, ast.ClassDef, ast.Lambda)):
            yield from _own_yields(child)


def _holds_definitions(statement: ast.stmt) -> bool:
    return any(isinstance(node, (*FUNCTIONS, ast.ClassDef)) for node in ast.walk(statement))


def _label(statement: ast.stmt) -> str:
    try:
        text = ast.unparse(statement).partition("\n")[0]
    except (ValueError, RecursionError):
        return "a statement"
    return f"`{text[:57]}...`" if len(text) > 60 else f"`{text}`"
