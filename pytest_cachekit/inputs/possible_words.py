"""Which words a piece of source can have, told from its text: all that `words` finds, and more.

Walking a syntax tree takes many times as long, and most code names nothing that is looked for.
"""

from __future__ import annotations

import re
import unicodedata

from .joined_classes import may_join_classes
from .reflection import AT_IMPORT, LISTERS, REFLECTION
from .words import WORD

# Two literals that are one string, in which the end of one and the start of the other are one word.
_JOINED = re.compile(r"""\w["'](?:\s|\#[^\n]*\n|[rRbBuUfFtT]*["'])*[rRbBuUfFtT]*["']\w""")
_ESCAPE = re.compile(r"\\.", re.DOTALL)
# Escapes that stand for letters.
_SPELT = re.compile(r"\\[xuUN0-7]")
_COMPUTING = REFLECTION | AT_IMPORT | LISTERS | {
    "spec", "spec_set", "autospec", "getfixturevalue", "patch",
}  # fmt: skip


def possible_words(text: str) -> frozenset[str] | None:
    """Return the words that code can have, and others; None where that can't be told quickly.

    Args:
        text: whole lines of source, with the line feed that ends each.
    """
    if not text.isascii():
        # As Python reads identifiers.
        text += unicodedata.normalize("NFKC", text)
    continued = text.replace("\\\n", "")
    if _JOINED.search(continued.replace('"""', '"').replace("'''", "'")):
        return None
    found = set(WORD.findall(text))
    if "\\" in text:
        if _SPELT.search(text):
            return None
        found.update(WORD.findall(_ESCAPE.sub(" ", continued)))
    # What computes names has words that don't stand there.
    if may_join_classes(text):
        return None
    if not _COMPUTING.isdisjoint(found) or any(word.endswith("Mock") for word in found):
        return None
    return frozenset(found)
