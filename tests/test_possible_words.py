"""What is told quickly of a piece of source holds at least the words that its tree has."""

from __future__ import annotations

import ast
import sysconfig
from pathlib import Path

import pytest

from pytest_cachekit.actions.texts import Text
from pytest_cachekit.inputs.possible_words import possible_words
from pytest_cachekit.inputs.spelling import standing_for
from pytest_cachekit.inputs.version import Version
from pytest_cachekit.inputs.words import words_at_import

STANDARD = Path(sysconfig.get_path("stdlib"))


@pytest.mark.parametrize(
    ("source", "word"),
    [
        ("get('shape')", "shape"),
        (r"get('a\nshape')", "shape"),
        (r"get(r'a\nshape')", "nshape"),
        (r"get('sh\x61pe')", "shape"),
        (r"get('\N{LATIN SMALL LETTER S}hape')", "shape"),
        (r"get('sh\141pe')", "shape"),
        ("get('sh' 'ape')", "shape"),
        ("get('sh'  # half\n  'ape')", "shape"),
        ("get('sh' f'ape')", "shape"),
        ("get('sh' '' r'ape')", "shape"),
        ("get('''sh''' \"\"\"ape\"\"\")", "shape"),
        ("get('sh\\\nape')", "shape"),
        ("get('sh\\\n' 'ape')", "shape"),
        ("get('x', f'{1}sh' 'ape')", "shape"),
        ("ﬁle.shape", "file"),
        ("getattr(box, 'sh' + name)", "any attribute sh*"),
        ("vars(box)['sh' + name]", "any attribute sh*"),
        ("MagicMock(box)", "made like"),
        ("make(box, spec=Box)", "made like"),
    ],
)
def test_words_that_code_has_are_possible(source: str, word: str) -> None:
    assert word in set(words_at_import(ast.parse(source)))

    possible = possible_words(f"{source}\n")
    assert possible is None or word in possible


@pytest.mark.parametrize(
    ("source", "word"),
    [
        ("def test_it(shape): pass", "parameter shape"),
        ("def test_it(request): return request.getfixturevalue('sh' + part)", "any fixture sh*"),
        ("def test_it(box): return box.dir", "something called dir"),
        ("def test_it(box): return [*dir(box)]", "dir"),
    ],
)
def test_words_that_say_more_than_a_name_are_found(source: str, word: str) -> None:
    text = Text(Version(f"{source}\n".encode()))

    assert word in text.words_at(1)
    assert text.function_names(1, frozenset({word, "other"}))
    assert not text.function_names(1, frozenset({"parameter other", "other"}))


def test_code_that_lacks_a_word_is_told_from_code_that_has_it() -> None:
    text = possible_words("def area(box):\n    '''Return it.'''\n    return f(box.a, 'b\\n')\n")

    assert text is not None
    assert "area" in text
    assert "shape" not in text


@pytest.mark.parametrize("module", ["difflib", "json/decoder", "shlex", "smtplib"])
def test_all_words_of_real_code_are_possible(module: str) -> None:
    content = (STANDARD / f"{module}.py").read_bytes()
    tree = ast.parse(content)
    text, lines = Text(Version(content)), content.decode().split("\n")
    told = 0
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and not node.decorator_list:
            possible = possible_words("\n".join(lines[node.lineno - 1 : node.end_lineno]))
            words = text.words_at(node.lineno)
            told += possible is not None
            if possible is not None and words != text.words:
                assert {word for word in standing_for(words) if "." not in word} <= possible
    assert told > 5
