"""What runs while functions run that may fill a memo, so that who reads it rests on just that.

A call is watched from its first instruction until its frame goes, for as many
calls as that is cheap. What such functions do later counts if the state that
their module leads to is then another one.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from types import CodeType
from typing import Any

from .action import Action
from .callers import frame_of
from .fillers import Place, may_fill, place, remembered
from .keeping import changes_of
from .stamps import Stamp, is_same, stamp
from .states import Snapshot

_CALLS = 300
_CALLS_OF_EACH = 2
# A function is watched for so many calls, and while no more on average are made by each action.
_UNKNOWN = 3
# What can't be told so many times in a row is asked for no longer.


_NOBODY = Action("what comes after the last action")


class Watched:
    """A function whose calls are watched, and what ran while it did.

    It is called when one begins; what it returns goes when the call's frame does.
    """

    __slots__ = (
        "_before",
        "_changes",
        "_extents",
        "_filling",
        "_globals",
        "_last",
        "_unknown",
        "calling",
        "calls",
        "code",
        "is_missed",
        "is_over",
        "left",
        "ran",
        "unit",
    )  # fmt: skip

    def __init__(self, extents: Extents, code: CodeType, unit: int) -> None:
        self._extents = extents
        self.code = code
        self.unit = unit
        self.calls = 0
        self.ran: set[int] = {unit}
        self._changes = changes_of(code)
        self._globals: dict[str, Any] = {}
        self._last: Action | None = None
        self._before: Stamp | None = None
        self._unknown = 0
        self._filling: set[Action] = set()
        self.calling: set[Action] = set()
        """The actions that called it."""
        self.is_over = False
        """Whether it is watched no longer."""
        self.is_missed = False
        """Whether a call was missed of which nobody can tell any more what it left."""
        self.left: Snapshot | None = None
        """What its module led to when it was no longer watched."""

    def __call__(self) -> _Extent | None:
        """Note that a call begins."""
        if self.is_over and self._last is self._extents.acting:
            return None
        return self._extents.begin(self)

    def note(self, action: Action, names: dict[str, Any]) -> None:
        """Note that `action` is the next to call it, in whose code's globals are `names`."""
        if action is self._last:
            return
        self.close()
        self._globals = names
        self._last = action
        self._before = self._stamp()
        self._unknown = 0 if self._before else self._unknown + 1

    def _stamp(self) -> Stamp | None:
        if self._changes is None or self._unknown >= _UNKNOWN:
            return None
        return stamp(self._globals, self._changes)

    def close_for(self, action: Action) -> None:
        """Note that `action` has ended."""
        if action is self._last:
            self.close()

    def close(self) -> None:
        """Note whether the last action that called it left things as it found them."""
        if self._last is None:
            return
        now = None if self._before is None else self._stamp()
        if not is_same(self._before, now):
            self._filling.add(self._last)
        self._last = self._before = None

    def filling(self, names: Iterable[str]) -> set[Action]:
        """Return the actions that called it, and may have left another value under `names`."""
        changed = {name for name, _ in self._changes or ()}
        if changed.isdisjoint(names):
            # What else it does to them isn't known.
            return self.calling
        self.close()
        return self._filling

    def __reduce__(self) -> tuple[Any, ...]:
        """Watch nothing where a function that was pickled by value is unpickled."""
        return _find_unwatched, ()

    def is_told(self, name: str, home: str) -> bool:
        """Return whether all is known that its calls did to what `name` leads to.

        Args:
            name: a global or an attribute of a class.
            home: the file of the only module that leads there; "" if it isn't the only one.
        """
        if self.is_missed:
            return False
        if not self.is_over:
            return True
        left = self.left
        return left is not None and left.path == home and left.is_as_it_was(name)


def _unwatched() -> None:
    """Begin a call that nobody watches."""


def _find_unwatched() -> Callable[[], None]:
    return _unwatched


class _Extent:
    """What the frame of a call holds; it goes when the frame does.

    A traceback may hold the frame for longer.
    """

    __slots__ = ("_call", "_extents")

    def __init__(self, extents: Extents, call: _Call) -> None:
        self._extents = extents
        self._call = call

    def __del__(self) -> None:
        self._extents.end(self._call)


@dataclass(slots=True, eq=False)
class _Call:
    """One call of a watched function."""

    watched: Watched
    action: Action


class Extents:
    """The watched functions, and which of them run now."""

    def __init__(
        self,
        drain: Callable[[], None],
        snapshot: Callable[[int], Snapshot | None],
        begins: Callable[[], None],
    ) -> None:
        """Watch nothing yet.

        Args:
            drain: takes in what ran until now, and calls `credit` with it.
            snapshot: returns what the module of a unit leads to now.
            begins: is called when a watched call has begun.
        """
        self._drain = drain
        self._snapshot = snapshot
        self._begins = begins
        self._thread = threading.get_ident()
        self.acting = _NOBODY
        """The action that runs in the main thread."""
        self._open: list[_Call] = []
        self._called: dict[Action, set[Watched]] = {}
        """Functions that actions called which haven't ended."""
        self._remembered: dict[str, frozenset[Place]] = {}
        self.of_unit: dict[int, list[Watched]] = {}
        """By unit, those of its functions that are watched."""
        self.outside: set[int] = set()
        """Units that ran while no watched call did."""

    def in_module(self, code: CodeType) -> None:
        """Take in a module's `code`, whose functions will be asked for."""
        self._remembered[code.co_filename] = frozenset(remembered(code))

    def watch(self, code: CodeType, unit: int) -> Callable[[], object] | None:
        """Return what to call when a function with `code` begins; None if it isn't watched."""
        if not may_fill(code) and place(code) not in self._remembered[code.co_filename]:
            return None
        watched = Watched(self, code, unit)
        self.of_unit.setdefault(unit, []).append(watched)
        return watched

    def credit(self, ran: Iterable[int]) -> None:
        """Note that `ran` did so since this was called last."""
        if self._open:
            for call in self._open:
                call.watched.ran.update(ran)
        else:
            self.outside.update(ran)

    def containing(self, unit: int) -> list[Watched]:
        """Return the watched functions while which `unit` ran."""
        return [each for own in self.of_unit.values() for each in own if unit in each.ran]

    def begin(self, watched: Watched) -> _Extent | None:
        """Note that a call begins; return what is to go when it ends."""
        if threading.get_ident() != self._thread:
            watched.is_missed = True
            return None
        try:
            return self._begin(watched, frame_of(2).f_globals)
        except Exception:  # noqa: BLE001  the project's function must not fail by this
            watched.is_missed = True
            return None

    def _begin(self, watched: Watched, names: dict[str, Any]) -> _Extent | None:
        action = self.acting
        watched.note(action, names)
        self._called.setdefault(action, set()).add(watched)
        watched.calling.add(action)
        if watched.is_over:
            return None
        if watched.calls >= _CALLS + _CALLS_OF_EACH * len(watched.calling):
            watched.is_over = True
            watched.left = self._snapshot(watched.unit)
            return None
        self._drain()
        watched.calls += 1
        call = _Call(watched, action)
        self._open.append(call)
        self._begins()
        return _Extent(self, call)

    def end(self, call: _Call) -> None:
        """Note that a call has ended."""
        if threading.get_ident() == self._thread:
            self._drain()
        self._open = [each for each in self._open if each is not call]

    def leave(self, left: Action, action: Action) -> None:
        """Note that `left` has ended, with all calls that it made, and `action` runs now."""
        self.acting = action
        for watched in self._called.pop(left, ()):
            # Others may put it back before this is asked for.
            watched.close_for(left)
        if self._open:
            self._open = [each for each in self._open if each.action is not left]
