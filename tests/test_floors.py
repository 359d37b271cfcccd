"""The house has floors: each imports only from those below, and every room has a sign."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import pytest_cachekit

PACKAGE = Path(pytest_cachekit.__file__).parent
MODULES = sorted(PACKAGE.rglob("*.py"))
# From the ground up.
FLOORS = ["storage", "caching", "inputs", "actions", "resources", "plugin", "cli"]
GROUND = ["errors", "settings"]
MOST_LINES = 300


def dotted(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


@cache
def imports(path: Path) -> frozenset[str]:
    """Return the absolute names of what a module imports, wherever in it the statement stands."""
    return frozenset(_imports(path))


def _imports(path: Path) -> Iterator[str]:
    package = ".".join(path.relative_to(PACKAGE.parent).parent.parts)
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package.rsplit(".", node.level - 1)[0] if node.level else ""
            source = ".".join(filter(None, (base, node.module)))
            yield source
            yield from (f"{source}.{alias.name}" for alias in node.names)


def floor(name: str) -> int | None:
    """Return how high a module lies; None for one that isn't ours, or the package itself."""
    parts = name.split(".")
    if parts[0] != PACKAGE.name or len(parts) == 1:
        return None
    if parts[1] == "__main__":
        return len(FLOORS) + len(GROUND)
    if parts[1] in FLOORS:
        return FLOORS.index(parts[1]) + len(GROUND)
    return GROUND.index(parts[1]) if parts[1] in GROUND else None


def reach(path: Path) -> int:
    """Return the highest floor from which a module may import."""
    if path == PACKAGE / "__init__.py":
        # It names what others ask for, and imports that when they do.
        return len(GROUND) + len(FLOORS)
    return floor(dotted(path)) or 0


def test_a_module_imports_only_from_its_own_floor_or_below() -> None:
    above = {
        (dotted(path), name)
        for path in MODULES
        for name in imports(path)
        if (floor(name) or 0) > reach(path)
    }

    assert above == set()


def test_every_folder_is_a_floor() -> None:
    folders = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    files = {path.stem for path in PACKAGE.glob("*.py")} - {"__init__", "__main__"}

    assert folders <= set(FLOORS)
    assert files <= set(GROUND)


def test_clients_of_actions_do_not_import_each_other() -> None:
    clients = {"outcomes", "results", "execution", "analysis", "artifacts", "plans"}
    for path in (PACKAGE / "actions").glob("*.py"):
        if path.stem in clients:
            named = {name.rpartition(".")[2] for name in imports(path) if ".actions." in name}
            assert not named & clients - {path.stem}


@pytest.mark.parametrize("library", ["_pytest", "pytest", "pluggy", "xdist"])
def test_only_the_plugin_knows_pytest(library: str) -> None:
    users = {
        path.relative_to(PACKAGE).parts[0]
        for path in MODULES
        for name in imports(path)
        if name.partition(".")[0] == library
    }

    assert users <= {"plugin"}


def test_no_file_is_too_long() -> None:
    lines = {dotted(path): len(path.read_text().splitlines()) for path in MODULES}

    assert {name: number for name, number in lines.items() if number > MOST_LINES} == {}


def undocumented(node: ast.AST, prefix: str) -> Iterator[str]:
    if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
        decorators = [] if isinstance(node, ast.Module) else node.decorator_list
        if any(isinstance(each, ast.Name) and each.id == "overload" for each in decorators):
            return
        if ast.get_docstring(node) is None:
            yield prefix
        if isinstance(node, (ast.Module, ast.ClassDef)):
            for child in node.body:
                name = getattr(child, "name", "")
                if not name.startswith("_"):
                    yield from undocumented(child, f"{prefix}.{name}")


def test_every_public_thing_has_a_docstring() -> None:
    assert [name for path in MODULES for name in undocumented(tree(path), dotted(path))] == []


def loaded_by(statement: str) -> set[str]:
    program = f"{statement}\nimport sys\nprint(*sys.modules)"
    return set(subprocess.check_output([sys.executable, "-c", program], text=True).split())


def test_an_installed_plugin_that_is_not_switched_on_imports_nothing_costly() -> None:
    loaded = loaded_by("import pytest_cachekit.plugin.entry")
    costly = {"msgspec", "diskcache", "sqlite3", "redis", "pytest_cachekit.plugin.session"}

    assert not loaded & costly
    ours = {name for name in loaded if name.startswith("pytest_cachekit")}
    assert ours <= {
        "pytest_cachekit",
        "pytest_cachekit.errors",
        "pytest_cachekit.settings",
        "pytest_cachekit.plugin",
        "pytest_cachekit.plugin.entry",
    }


def test_the_package_itself_imports_next_to_nothing() -> None:
    before = loaded_by("")

    assert loaded_by("import pytest_cachekit") - before == {"pytest_cachekit"}
