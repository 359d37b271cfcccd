"""The page about messages has all that the source can say, and nothing that it can't."""

from __future__ import annotations

from .messages import can_be_said, messages, untold
from .pages import DOCS, spans

PAGE = DOCS / "messages.md"


def test_every_message_is_explained() -> None:
    assert untold(spans(PAGE)) == {}


def test_what_is_explained_can_be_said() -> None:
    told = {each for each in spans(PAGE) if each.count(" ") >= 3}

    assert len(told) > 100
    assert [each for each in told if not can_be_said(each)] == []


def test_a_message_in_any_place_is_found() -> None:
    found = set(messages())

    assert {
        "no result stored yet",
        "a debugger is on (--pdb)",
        "starts a process (sh)",
        "its marker says so",
        "what it printed isn't shared",
        "it was run again",
    } <= found
