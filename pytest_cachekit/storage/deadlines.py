"""When entries expire, soonest first."""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Iterator


class Deadlines:
    """A heap with, for each key that expires, its deadline or an earlier time to look again.

    So whoever gives a key more time has nothing to do here. What goes before its time stays in
    the heap until then, unless it outweighs what is still there.
    """

    def __init__(self, deadline_of: Callable[[str], float | None]) -> None:
        """Start empty; `deadline_of` tells when a key expires now, None for never or no such."""
        self._deadline_of = deadline_of
        self._heap: list[tuple[float, str]] = []
        self._most = 100
        self.first = math.inf
        """Before this, nothing expires."""

    def __len__(self) -> int:
        return len(self._heap)

    def add(self, key: str, deadline: float) -> None:
        """Note that `key` will expire, earlier than is known or for the first time."""
        if len(self._heap) > self._most:
            live = {name: self._deadline_of(name) for _, name in self._heap}
            self._heap = [(end, name) for name, end in live.items() if end is not None]
            heapq.heapify(self._heap)
            self._most = 2 * len(self._heap) + 100
        heapq.heappush(self._heap, (deadline, key))
        self.first = self._heap[0][0]

    def passed(self, now: float) -> Iterator[str]:
        """Yield the keys whose deadlines have passed, each once, and forget them."""
        heap = self._heap
        while heap and heap[0][0] <= now:
            key = heap[0][1]
            deadline = self._deadline_of(key)
            if deadline is not None and deadline > now:
                heapq.heapreplace(heap, (deadline, key))
                continue
            heapq.heappop(heap)
            if deadline is not None:
                yield key
        self.first = heap[0][0] if heap else math.inf

    def clear(self) -> None:
        """Forget all."""
        self._heap.clear()
        self.first = math.inf
