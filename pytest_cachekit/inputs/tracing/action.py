"""What one action has read so far, while it runs."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..reading import Reading

UNCACHEABLE = "uncacheable"
UNSEEN = "unseen"
OWN = "own"
"""Among what is read: that it was made, or set, in this run."""
# A frame of code: its file, first line and name.
FrameKey = tuple[str, int, str]


@dataclass(eq=False, slots=True)
class Action:
    """The running list of inputs of a test, a fixture, a module's import, a collection."""

    label: str
    functions: frozenset[int] = frozenset()
    """Identifiers of functions that ran: indices into the tracer's units."""
    inputs: dict[tuple[str, str], str] = field(default_factory=dict)
    """Kind and name of what was read, to its fingerprint when it was read first."""
    reads_below: dict[FrameKey, set[tuple[str, str]]] = field(default_factory=dict)
    """Functions of the project to what was read while they ran; reasons for `refuse` included."""
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
    collects: bool = False
    """Whether it is the session, or the collection of a file, which imports what is collected."""
    began_early: bool = False
    """Whether it began before the first test did."""
    ended_early: bool = False
    """Whether it ended before the first test began."""
    uncacheable: str | None = None
    """Why its outcome must not be stored; the first reason found."""
    unseen: str | None = None
    """The same, for what a marker can make good by declaring inputs: children, connections."""

    refused: tuple[str, str] | None = None
    """The last reason, and its kind, until whoever observes takes it."""

    def with_fixtures(self) -> set[Action]:
        """Return this action, and all shared fixtures that it uses."""
        known, waiting = {self}, [self]
        while waiting:
            # All tests rest on the session, and none on modules by what these set.
            parents = {each for each in waiting.pop().parents if not (each.source or each.collects)}
            waiting.extend(parents - known)
            known |= parents
        return known

    def content(self) -> tuple[object, ...]:
        """Return all that was noted, so that actions which noted the same compare as equal."""
        return (
            self.functions,
            frozenset(self.inputs.items()),
            frozenset(self.imports),
            frozenset(self.parents),
            frozenset((key, frozenset(reads)) for key, reads in self.reads_below.items()),
            self.uncacheable,
            self.unseen,
            # What others read of what it wrote, and what children read, is found out later.
            self if self.writes or self.starts else None,
        )

    def refuse(self, reason: str) -> None:
        """Note that the outcome must not be stored, because of `reason`."""
        self.refused = (UNCACHEABLE, reason)
        if self.uncacheable is None:
            self.uncacheable = reason

    def refuse_unless_declared(self, reason: str) -> None:
        """Note that inputs can't be seen, because of `reason`; declared ones make up for it."""
        self.refused = (UNSEEN, reason)
        if self.unseen is None:
            self.unseen = reason
