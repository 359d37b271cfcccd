"""The import-time code of a module as parts: what each binds, and which names it can look up.

Two versions of a file that differ in their parts differ in *bindings*, as long as all that
came or went only binds names. Who can name none of them can't notice.
"""

from __future__ import annotations

import ast
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

from .import_time import has_pure_decorators, names_at_import
from .signatures import annotations_of, defaults, parameters, signature
from .words import FUNCTIONS, WhereNames, words_at_import

Form = Callable[[ast.stmt], str]

_Key = tuple[tuple[str, ...], str]
# What they run may use any name.
_RUN_TEXTS = frozenset({"eval", "exec"})


class Part:
    """One statement of a module or a class body; a class statement is its head.

    Args:
        node: the statement.
        scope: the classes around it, outermost first.
        body: the statements among which it stands.
        form: returns its normal form.
    """

    def __init__(self, node: ast.stmt, scope: tuple[str, ...], body: _Body, form: Form) -> None:
        self.node = node
        self.scope = scope
        self._body = body
        self._form = form

    @property
    def key(self) -> _Key:
        """What tells it from others of the same module."""
        return self.scope, self.text

    @cached_property
    def text(self) -> str:
        """Its normal form: equal where the import-time code is."""
        return self._form(self.node)

    @cached_property
    def binds(self) -> frozenset[str]:
        """The names that it binds; "*" for those of a star."""
        return frozenset(bound_by(self.node))

    @cached_property
    def names(self) -> frozenset[str]:
        """Words of what runs at import, and of all annotations."""
        return self.names_where(None, annotations=True)

    def names_where(self, where: WhereNames | None, *, annotations: bool) -> frozenset[str]:
        """Return the words of what runs at import, as far as it is known `where` it looks.

        Args:
            where: tells whose names there are; None where nothing is known.
            annotations: whether those of functions and variables count.
        """
        runs = self._runs(annotations=annotations)
        return frozenset(word for node in runs for word in words_at_import(node, where))

    def without_body(self) -> Part:
        """Return this part, an `if` statement, as it is where its condition is false."""
        node = self.node
        assert isinstance(node, ast.If)
        rest = ast.copy_location(ast.If(node.test, [ast.Pass()], node.orelse), node)
        return Part(rest, self.scope, self._body, lambda _: self.text)

    @property
    def lines(self) -> tuple[int, int]:
        """The first and the last line of what runs at import; a body's first line is in."""
        node = self.node
        last = node.end_lineno or node.lineno
        if isinstance(node, (*FUNCTIONS, ast.ClassDef)):
            first = min([node.lineno, *(item.lineno for item in node.decorator_list)])
            return first, node.body[0].lineno
        return node.lineno, last

    @property
    def floats(self) -> bool:
        """Whether its place among the others can't matter."""
        return isinstance(self.node, FUNCTIONS) and self._body.lets_float(self.node)

    @property
    def label(self) -> str:
        """What to call it in a sentence."""
        if isinstance(self.node, FUNCTIONS):
            return f"the signature of {'.'.join((*self.scope, self.node.name))}"
        if isinstance(self.node, ast.ClassDef):
            return f"class {'.'.join((*self.scope, self.node.name))}"
        try:
            text = ast.unparse(self.node).partition("\n")[0]
        except (ValueError, RecursionError):
            return "a statement"
        return f"`{text[:57]}...`" if len(text) > 60 else f"`{text}`"

    def _runs(self, *, annotations: bool) -> list[ast.AST]:
        node = self.node
        # What bounds a type parameter is asked for once, and kept.
        bounds: list[ast.AST] = getattr(node, "type_params", [])
        if isinstance(node, ast.ClassDef):
            return [*node.decorator_list, *node.bases, *node.keywords, *bounds]
        if isinstance(node, ast.AnnAssign) and not annotations:
            return [node.target, *([node.value] if node.value else [])]
        if not isinstance(node, FUNCTIONS):
            return [node]
        # Those of fixtures ask for others.
        asked = parameters(node) if node.decorator_list else []
        noted = annotations_of(node) if annotations else []
        return [*node.decorator_list, *bounds, *asked, *noted, *defaults(node)]


@dataclass(frozen=True)
class Difference:
    """The parts that went and came between two versions of a module."""

    gone: tuple[Part, ...] = ()
    came: tuple[Part, ...] = ()
    reordered: bool = False
    """Whether parts that both versions have stand in another order, and that can matter."""


def normal_form(statement: ast.stmt) -> str:
    """Return what is the same where the import-time code is: bodies of functions are out."""
    if isinstance(statement, FUNCTIONS):
        return _without_body(statement, _kind(statement))
    if isinstance(statement, ast.ClassDef):
        return _without_body(statement, "class")
    held = [node for node in ast.walk(statement) if isinstance(node, FUNCTIONS)]
    bodies = [node.body for node in held]
    kinds = [_kind(node) for node in held]
    for node in held:
        node.body = []
    try:
        return "\n".join([*kinds, ast.dump(statement)])
    finally:
        for node, body in zip(held, bodies, strict=True):
            node.body = body


def cut(tree: ast.Module, form: Form = normal_form) -> list[Part]:
    """Return the parts of a module, in the order in which they run."""
    parts: list[Part] = []
    _cut_body(tree.body, (), parts, form)
    return parts


def difference(old: list[Part], new: list[Part]) -> Difference:
    """Return how the parts of `new` differ from those of `old`."""
    before, after = Counter(part.key for part in old), Counter(part.key for part in new)
    common = before & after
    # Of a part that stands more often in one version, none is told apart from the others.
    uneven = {key for key in common if before[key] != after[key]}
    gone = tuple(part for part in old if part.key not in common)
    came = tuple(part for part in new if part.key not in common)
    return Difference(gone, came, bool(uneven) or _is_reordered(old, new, common))


def is_reordered(old: list[Part], new: list[Part]) -> bool:
    """Return whether definitions or statements of both versions stand in another order."""

    def order(parts: list[Part]) -> list[_Key]:
        return [
            (part.scope, part.node.name) if isinstance(part.node, FUNCTIONS) else part.key
            for part in parts
        ]

    before, after = order(old), order(new)
    common = Counter(before) & Counter(after)
    return [item for item in before if item in common] != [item for item in after if item in common]


def _is_reordered(old: list[Part], new: list[Part], common: Counter[_Key]) -> bool:
    both = [[part for part in parts if part.key in common] for parts in (old, new)]
    if [part.key for part in both[0]] == [part.key for part in both[1]]:
        return False
    fixed = [[part.key for part in parts if not part.floats] for parts in both]
    return fixed[0] != fixed[1] or _after_imports(both[0]) != _after_imports(both[1])


def _after_imports(parts: list[Part]) -> Counter[tuple[_Key, int]]:
    """Return what is defined after how many imports, which could come back here in a circle."""
    count = 0
    found: Counter[tuple[_Key, int]] = Counter()
    for part in parts:
        if isinstance(part.node, FUNCTIONS):
            found[part.key, count] += 1
        elif not isinstance(part.node, ast.ClassDef):
            count += sum(map(_may_come_back, ast.walk(part.node)))
    return found


def _may_come_back(node: ast.AST) -> bool:
    if isinstance(node, ast.Import):
        names = [alias.name for alias in node.names]
    elif isinstance(node, ast.ImportFrom):
        names = ["" if node.level else node.module or ""]
    else:
        return False
    return any(name.partition(".")[0] not in sys.stdlib_module_names for name in names)


def bound_by(statement: ast.AST) -> Iterator[str]:
    """Iterate over the names that `statement` binds where it stands; "*" for those of a star."""
    if isinstance(statement, (*FUNCTIONS, ast.ClassDef)):
        yield statement.name
        return
    if isinstance(statement, ast.Name) and isinstance(statement.ctx, (ast.Store, ast.Del)):
        yield statement.id
    elif isinstance(statement, ast.alias):
        yield (statement.asname or statement.name).partition(".")[0]
    elif isinstance(statement, (ast.ExceptHandler, ast.MatchAs, ast.MatchStar)):
        if statement.name is not None:
            yield statement.name
    elif isinstance(statement, ast.MatchMapping) and statement.rest is not None:
        yield statement.rest
    elif isinstance(statement, ast.Lambda):
        return
    for child in ast.iter_child_nodes(statement):
        yield from bound_by(child)


class _Body:
    """The statements of a module or a class."""

    def __init__(self, statements: list[ast.stmt]) -> None:
        self._statements = statements

    def lets_float(self, function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
        """Return whether it can't matter where `function` stands in it."""
        if "*" in self._rebound or function.name in self._rebound | self._sensitive:
            return False
        if not _RUN_TEXTS.isdisjoint(self._sensitive):
            return False
        return (
            has_pure_decorators(function)
            and all(isinstance(node, ast.Constant) for node in defaults(function))
            and not any(
                isinstance(node, ast.Call)
                or (isinstance(node, ast.Name) and node.id in self._rebound)
                for part in signature(function)
                for node in ast.walk(part)
            )
        )

    @cached_property
    def _rebound(self) -> frozenset[str]:
        counts = Counter(name for statement in self._statements for name in bound_by(statement))
        # What a star binds isn't known.
        return frozenset(name for name, count in counts.items() if count > 1 or name == "*")

    @cached_property
    def _sensitive(self) -> frozenset[str]:
        return names_at_import(self._statements)


def _cut_body(
    statements: list[ast.stmt], scope: tuple[str, ...], parts: list[Part], form: Form
) -> None:
    body = _Body(statements)
    for statement in statements:
        parts.append(Part(statement, scope, body, form))
        if isinstance(statement, ast.ClassDef):
            _cut_body(statement.body, (*scope, statement.name), parts, form)


def _without_body(
    statement: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef, kind: str
) -> str:
    body, statement.body = statement.body, []
    try:
        return f"{kind} {ast.dump(statement)}"
    finally:
        statement.body = body


def _kind(function: ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    generator = any(isinstance(node, (ast.Yield, ast.YieldFrom)) for node in _own_nodes(function))
    return f"{generator} {ast.get_docstring(function, clean=False)!r}"


def _own_nodes(function: ast.AST) -> Iterator[ast.AST]:
    for child in ast.iter_child_nodes(function):
        if not isinstance(child, (*FUNCTIONS, ast.ClassDef, ast.Lambda)):
            yield child
            yield from _own_nodes(child)
