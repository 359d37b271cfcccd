"""Notes beside an action's entries: that it failed, or ended otherwise, with the same inputs."""

from __future__ import annotations

from .kinds import NOTE
from .store import ActionStore
from .verdict import Hit

FAILED = NOTE + "failed"
UNSTEADY = NOTE + "not deterministic"


def why_unsteady(store: ActionStore, group: str, name: str) -> str | None:
    """Return why a test isn't trusted although its inputs are unchanged; None where it is."""
    if isinstance(store.lookup(group, name + UNSTEADY), Hit):
        return "it passed and failed with the same inputs: not deterministic"
    return None
