"""What actions of this run wrote, and who read it afterwards."""

from __future__ import annotations

import os

from ..fingerprint import ABSENT, Fingerprints
from ..layout import Region
from .action import Action


class Writes:
    """Files and directories that were made or changed in this run, by whom."""

    def __init__(self, fingerprints: Fingerprints) -> None:
        self._fingerprints = fingerprints
        self._layout = fingerprints.layout
        self.created: dict[str, Action] = {}
        """Absolute paths that something made, to the last action that did."""
        self.history: list[tuple[str, Action | None]] = []
        """Absolute paths in the order in which they were made, by whom, or removed again."""
        self._modified: dict[str, dict[Action, str]] = {}
        """Paths that were there and were changed, to who did, and what they were before."""
        self._appended: set[str] = set()
        """Created paths that would have been added to."""
        self._filled: dict[str, set[Action]] = {}
        """Directories to who made or removed something in them."""
        self._handed_on: dict[str, Action] = {}
        """Created paths that an action read which had not made them."""

    def create(self, path: str, action: Action, *, appends: bool = False) -> None:
        """Note that `action` makes what will be at `path`.

        Args:
            path: what was not there, or is written anew.
            action: who makes it.
            appends: whether it would have added to what had been there.
        """
        self.created[path] = action
        self.history.append((path, action))
        if appends:
            self._appended.add(path)
        if not self._layout.is_temporary(path) and self._layout.region(path) is not Region.IGNORED:
            action.writes.add(path)
            self._filled.setdefault(os.path.dirname(path), set()).add(action)

    def remove(self, path: str, action: Action) -> None:
        """Note that `action` removes what is at `path`."""
        if self.created.get(path) is action:
            # As before it was made.
            del self.created[path]
            self.history.append((path, None))
        elif not self._layout.is_temporary(path):
            self.modify(path, action)
            self._filled.setdefault(os.path.dirname(path), set()).add(action)

    def modify(self, path: str, action: Action) -> None:
        """Note that `action` changes the file at `path`, which was there before."""
        if self.creator(path) is not None or self._layout.is_temporary(path):
            return
        if self._layout.region(path) in (Region.PROJECT, Region.SYSTEM):
            action.writes.add(path)
            before = self._fingerprints.file(self._layout.name(path))
            self._modified.setdefault(path, {}).setdefault(action, before)

    def touched(self) -> list[str]:
        """Return the absolute paths that were made, changed or removed."""
        return list(dict.fromkeys((*self.created, *self._modified)))

    def creator(self, path: str) -> Action | None:
        """Return the action that made `path`, or a directory above it, in this run."""
        created = self.created
        while len(path) > 1:
            creator = created.get(path)
            if creator is not None:
                return creator
            path = path.rpartition("/")[0]
        return None

    def hand_on(self, path: str, creator: Action, reader: Action) -> None:
        """Let `reader` rest on the creator of `path`, which it reads."""
        reader.parents.add(creator)
        if not self._layout.is_temporary(path):
            self._handed_on[path] = creator

    def rest_on_changes(self, path: str, reader: Action) -> None:
        """Let `reader` rest on whoever changed what is at `path`, which it reads."""
        if path in self._filled:
            reader.parents.update(self._filled[path] - {reader})
        for writer, before in self._modified.get(path, {}).items():
            if writer is not reader:
                reader.parents.add(writer)
                writer.inputs.setdefault(("file", self._layout.name(path)), before)

    def settle(self) -> None:
        """Make inputs of what was written by one action for another.

        A writer that is replayed writes nothing. So it is a hit only as long as what it handed
        on is there as it was at the end of this run.
        """
        for path, action in self._handed_on.items():
            name = self._layout.name(path)
            action.inputs["output", name] = self._fingerprints.now("output", name)
            if path in self._appended:
                action.inputs["file", name] = ABSENT
