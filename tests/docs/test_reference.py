"""The reference is complete: options, variables, the marker, all that can be imported."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
import tomllib

import pytest

import pytest_cachekit.errors
from pytest_cachekit.plugin import entry
from pytest_cachekit.settings import OPTIONS, Option

from .messages import PACKAGE
from .pages import DOCS, PAGES, ROOT, name_of, spans


def read(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.name)
def test_each_option_has_its_row(option: Option) -> None:
    (row,) = re.findall(rf"^\| `{option.flag}[`=].*$", read("options.md"), re.MULTILINE)
    _, flag, ini, variable, default, meaning, _ = re.split(r" ?\| ?", row)

    assert ini == f"`{option.ini}`"
    assert variable == f"`{option.variable}`"
    told = "none" if option.default in ("", None) else f"`{option.default}`"
    assert default == ("off" if option.is_switch else told)
    assert option.is_switch or f"={option.metavar}`" in flag
    assert all(f"`{choice}`" in meaning for choice in option.choices)


def variables() -> set[str]:
    """Return the variables of the environment that the package knows by name."""
    texts = (
        node.value
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    )
    return {text for text in texts if re.fullmatch(r"CACHEKIT_[A-Z_]+", text)}


def test_variables_without_an_option_have_theirs() -> None:
    # Set by us, for the children of tests.
    for_users = variables() - {"CACHEKIT_CHILD"}

    assert len(for_users) >= 3
    assert [name for name in for_users if f"| `{name}` |" not in read("options.md")] == []


def test_what_pages_call_an_option_is_one() -> None:
    flags = {option.flag for option in OPTIONS}
    flags |= {f"--no-{option.name}" for option in OPTIONS if option.is_switch}
    known = {option.variable for option in OPTIONS} | variables() | {"CACHEKIT_"}
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        # A page about the command has flags of its own, none of which begins like these.
        assert set(re.findall(r"--(?:no-)?cachekit[a-z-]*", text)) <= flags, name_of(page)
        assert set(re.findall(r"CACHEKIT_[A-Z_]*", text)) <= known, name_of(page)


def test_ini_values_on_pages_are_options() -> None:
    known = {option.ini for option in OPTIONS}
    for page in PAGES:
        named = re.findall(r"^(cachekit\w*) = ", page.read_text("utf-8"), re.MULTILINE)
        assert set(named) <= known, name_of(page)


def test_extras_on_pages_can_be_installed() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    named = {
        extra
        for page in PAGES
        for extra in re.findall(r"pytest-cachekit\[(\w+)\]", page.read_text(encoding="utf-8"))
    }

    assert named == set(project["optional-dependencies"])


def test_each_argument_of_the_marker_has_its_row() -> None:
    arguments = re.findall(r"(\w+)=", entry._MARKER.partition(":")[0])

    assert len(arguments) == 4
    assert [each for each in arguments if f"| `{each}` |" not in read("marker.md")] == []


@pytest.mark.parametrize("module", ["", ".caching", ".resources", ".cli"])
def test_each_public_name_is_in_the_api(module: str) -> None:
    name = f"pytest_cachekit{module}"
    found = set(
        re.findall(rf"auto[cf]\w+:: {re.escape(name)}\.(\w+)$", read("api.md"), re.MULTILINE)
    )

    assert found == {each for each in importlib.import_module(name).__all__ if each[0] != "_"}


def test_each_error_of_caches_is_explained_by_class() -> None:
    page = set(spans(DOCS / "caching.md"))
    errors = {
        name
        for name, each in inspect.getmembers(pytest_cachekit.errors, inspect.isclass)
        if issubclass(each, pytest_cachekit.errors.CacheError)
    }

    assert errors <= page
