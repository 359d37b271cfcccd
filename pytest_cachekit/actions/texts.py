"""Versions of source files: which words are in them, and in the code of each function."""

from __future__ import annotations

import ast
import os
import sys
from collections.abc import Callable, Iterator
from functools import cached_property
from inspect import getattr_static
from types import ModuleType

from ..inputs.bindings import Part
from ..inputs.fingerprint import Fingerprints
from ..inputs.loaded import LoadedModule
from ..inputs.packed_data import unpack_data
from ..inputs.possible_words import possible_words
from ..inputs.reading import Source
from ..inputs.spelling import standing_for
from ..inputs.type_checking import FLAG, false_conditions
from ..inputs.version import Version
from ..inputs.words import WORD, words_of_function

_LARGE = 1 << 20
_CONFIGURATION = ("pytest.ini", ".pytest.ini", "pyproject.toml", "tox.ini", "setup.cfg")


class Text:
    """The words of one version of a source file."""

    def __init__(self, version: Version) -> None:
        self._version = version
        self._functions = {line: (name, node) for name, (line, node) in version.functions.items()}
        self._code: dict[int, frozenset[str]] = {}
        self._possible: dict[tuple[int, int], frozenset[str] | None] = {}
        self._touched: dict[frozenset[str], list[Part]] = {}

    @cached_property
    def words(self) -> frozenset[str]:
        """All words in it, those in comments and strings too."""
        return frozenset(WORD.findall(self._version.text))

    @property
    def parts(self) -> list[Part]:
        """Its import-time code."""
        return self._version.parts

    def touched_by(self, names: frozenset[str]) -> list[Part]:
        """Return the parts that name one of `names`, and those that bind one of them in a class.

        Annotations count.
        """
        if names not in self._touched:
            self._touched[names] = [*self._find_touched(names)]
        return self._touched[names]

    def skips(self, part: Part) -> bool:
        """Return whether a block for type checkers, as `part` is one, doesn't run in this version.

        One that doesn't know what they take for true has none.
        """
        if FLAG not in self.words and self._version.text.isascii():
            return True
        return isinstance(part.node, ast.If) and ast.unparse(part.node.test) in self._false

    def function_names(self, line: int, names: frozenset[str]) -> bool:
        """Return whether the code of the function that begins on `line` names one of `names`."""
        count = len(self._version.lines)
        if line not in self._functions:
            return self._may_name(names, 1, count)
        end = self._functions[line][1].end_lineno or count
        return self._may_name(names, line, end) and not names.isdisjoint(self.words_at(line))

    def words_at(self, line: int) -> frozenset[str]:
        """Return the words in the code of the function that begins on `line`."""
        if line not in self._functions:
            return self.words
        if line not in self._code:
            name, node = self._functions[line]
            owner = name.rpartition(".")[0].rpartition(".")[2] or None
            self._code[line] = frozenset(words_of_function(node, owner))
        return self._code[line]

    @cached_property
    def _false(self) -> frozenset[str]:
        return false_conditions(self.parts)

    def _find_touched(self, names: frozenset[str]) -> Iterator[Part]:
        if not self._may_name(names, 1, len(self._version.lines)):
            return
        for part in self.parts:
            if part.binds == {"__all__"} and _is_spelled(part.node):
                continue
            names_one = self._may_name(names, *part.lines) and not names.isdisjoint(part.names)
            if names_one or (part.scope and not names.isdisjoint(part.binds)):
                yield part

    def _may_name(self, names: frozenset[str], first: int, last: int) -> bool:
        key = (first, last)
        if key not in self._possible:
            self._possible[key] = possible_words(
                "\n".join([*self._version.lines[first - 1 : last], ""])
            )
        possible = self._possible[key]
        return possible is None or not standing_for(names).isdisjoint(possible)


class Texts:
    """The source files and other texts of one look-up, each read once."""

    def __init__(
        self, fingerprints: Fingerprints, version: Callable[[Source], Version | None]
    ) -> None:
        """Read files of the project that `fingerprints` are taken of.

        Args:
            fingerprints: what files are now.
            version: returns the version of a file that a row names; None where it isn't known.
        """
        self._fingerprints = fingerprints
        self._layout = fingerprints.layout
        self._version = version
        self._texts: dict[Source, Text | None] = {}
        self._loaded: dict[str, LoadedModule | None] = {}
        self._inputs: dict[tuple[str, str], frozenset[str] | bytes | None] = {}

    def look_again(self) -> None:
        """Forget which modules are loaded, and what inputs are."""
        self._loaded.clear()
        self._inputs.clear()
        for name in ("_modules", "_configuration"):
            vars(self).pop(name, None)

    def of(self, row: Source) -> Text | None:
        """Return the version of a file that a row names; None where it isn't known."""
        if row not in self._texts:
            self._texts[row] = self._read(row)
        return self._texts[row]

    def now(self, name: str) -> Text | None:
        """Return the file `name` as it is now."""
        return self.of((name, self._fingerprints.now("file", name)))

    def loaded(self, name: str) -> LoadedModule | None:
        """Return the module of the project's file `name`; None where it isn't loaded here."""
        if name not in self._loaded:
            module = self._modules.get(self._layout.path(name))
            text = None if module is None else self.now(name)
            self._loaded[name] = (
                None
                if module is None or text is None
                else LoadedModule(module, text.parts, self._layout)
            )
        return self._loaded[name]

    def is_named_by_configuration(self, names: frozenset[str]) -> bool:
        """Return whether configuration, the command line or an entry point names one of `names`."""
        return not names.isdisjoint(self._configuration)

    def is_named_by_input(self, kind: str, name: str, names: frozenset[str]) -> bool:
        """Return whether an input that is no source names one of `names`."""
        key = (kind, name)
        if key not in self._inputs:
            self._inputs[key] = self._words_of_input(kind, name)
        found = self._inputs[key]
        if found is None:
            return True
        if isinstance(found, bytes):
            return any(word.encode() in found for word in names)
        return not names.isdisjoint(found)

    @cached_property
    def _modules(self) -> dict[str, ModuleType]:
        found: dict[str, ModuleType] = {}
        for module in list(sys.modules.values()):
            # One that is to be loaded when it is first asked for stays as it is.
            path = getattr_static(module, "__file__", None)
            # One that is being imported still is not loaded.
            spec = getattr_static(module, "__spec__", None)
            if isinstance(path, str) and not getattr(spec, "_initializing", False):
                found[os.path.abspath(path)] = module
        return found

    @cached_property
    def _configuration(self) -> frozenset[str]:
        # Names of files say nothing about the names of what is in them.
        texts = [
            word
            for word in sys.argv
            if os.sep not in word and not word.startswith(("--cachekit", "--junit"))
        ]
        texts.append(os.environ.get("PYTEST_ADDOPTS", ""))
        texts.append(self._fingerprints.distributions.entry_points)
        for name in _CONFIGURATION:
            texts.append(_content(os.path.join(self._layout.root, name)).decode("utf-8", "replace"))
        return frozenset(word for text in texts for word in WORD.findall(text))

    def _read(self, row: Source) -> Text | None:
        version = self._version(row)
        return None if version is None or version.tree is None else Text(version)

    def _words_of_input(self, kind: str, name: str) -> frozenset[str] | bytes | None:
        """Return the words in an input, or its bytes; None where it could hold any word."""
        if kind == "environment":
            return frozenset(WORD.findall(os.environ.get(name, "")))
        if kind == "declared":
            files = map(_content, self._fingerprints.declared_files(name))
            contents = [unpack_data(content) for content in files]
            return None if None in contents else b"\n".join(filter(None, contents))
        if kind not in ("file", "output"):
            return frozenset()
        content = unpack_data(_content(self._layout.path(name)))
        if content is None:
            return None
        if len(content) > _LARGE or b"\0" in content:
            return content
        return frozenset(WORD.findall(content.decode("utf-8", "replace")))


def _is_spelled(statement: ast.stmt) -> bool:
    """Return whether what `statement` binds something to stands there, and is not computed."""
    bound = (ast.Name, ast.Attribute)
    return not any(
        isinstance(node, bound) and isinstance(node.ctx, ast.Load) for node in ast.walk(statement)
    )


def _content(path: str) -> bytes:
    try:
        with open(path, "rb") as stream:
            return stream.read()
    except OSError:
        return b""
