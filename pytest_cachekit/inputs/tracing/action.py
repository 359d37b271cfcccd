"""What one action has read so far, while it runs."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..reading import Reading


@dataclass(eq=False, slots=True)
class Action:
    """The running list of inputs of a test, a fixture, a module's import, a collection."""

    label: str
    functions: frozenset[int] = frozenset()
    """Identifiers of functions that ran: indices into the tracer's units."""
    inputs: dict[tuple[str, str], str] = field(default_factory=dict)
    """Kind and name of what was read, to its fingerprint when it was read first."""
    imports: set[str] = field(default_factory=set)
    """Dotted names that were imported while it ran, whether or not they were loaded already."""
    statements: set[tuple[str, tuple[str, ...]]] = field(default_factory=set)
    """Import statements that ran while it did: the module, and the names imported from it."""
    parents: set[Action] = field(default_factory=set)
    """Actions whose inputs are this one's too."""
    writes: set[str] = field(default_factory=set)
    """Paths, other than temporary ones, that it made or changed."""
    readings: list[Reading] = field(default_factory=list)
    """What children read that it started."""
    starts: bool = False
    """Whether it started children that are to tell what they read."""
    source: tuple[str, str] | None = None
    """For a module's import: the name and digest of its file."""
    uncacheable: str | None = None
    """Why its outcome must not be stored; the first reason found."""
    unseen: str | None = None
    """The same, for what a marker can make good by declaring inputs: children, connections."""

    def content(self) -> tuple[object, ...]:
        """Return all that was noted, so that actions which noted the same compare as equal."""
        return (
            self.functions,
            frozenset(self.inputs.items()),
            frozenset(self.imports),
            frozenset(self.parents),
            self.uncacheable,
            self.unseen,
            # What others read of what it wrote, and what children read, is found out later.
            self if self.writes or self.starts else None,
        )

    def refuse(self, reason: str) -> None:
        """Note that the outcome must not be stored, because of `reason`."""
        if self.uncacheable is None:
            self.uncacheable = reason

    def refuse_unless_declared(self, reason: str) -> None:
        """Note that inputs can't be seen, because of `reason`; declared ones make up for it."""
        if self.unseen is None:
            self.unseen = reason
