"""What a test is called in the cache: by its file, and by its name there."""

from __future__ import annotations

import pytest

_plain_nodeid_key: pytest.StashKey[str] = pytest.StashKey()


def remember_nodeid(item: pytest.Item) -> None:
    """Remember the node id that `item` has now, before a plugin adds something to it."""
    item.stash.setdefault(_plain_nodeid_key, item.nodeid)


def group_and_name(item: pytest.Item) -> tuple[str, str]:
    """Return the record that `item` belongs to, which is its file's, and its name in it."""
    group, _, name = item.stash.get(_plain_nodeid_key, item.nodeid).partition("::")
    return group, name
