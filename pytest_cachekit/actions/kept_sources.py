"""The texts of source files that records name, kept on the same shelves under their digests."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from ..inputs.digest import digest
from ..inputs.layout import Layout
from ..inputs.reading import Source
from ..storage import Shelf
from .changes import pack_source


class KeptSources:
    """Texts on a near shelf and, where there is one, a far shelf."""

    def __init__(self, near: Shelf, far: Shelf | None, layout: Layout) -> None:
        self._near = near
        self._far = far
        self._layout = layout
        self.asks_far = False
        """Whether records of the far shelf are known, so that it is asked for their texts."""

    def fetch(self, digests: list[str]) -> dict[str, bytes]:
        """Return packed texts by digest, those that are kept."""
        found = self._near.get_many(map(_key, digests))
        missing = [name for name in digests if _key(name) not in found]
        if self._far is not None and self.asks_far and missing:
            found.update(self._far.get_many(map(_key, missing)))
        return {name: found[_key(name)] for name in digests if _key(name) in found}

    def packed(
        self, sources: Iterable[Source], known: Callable[[str], bytes | None]
    ) -> dict[str, bytes]:
        """Return what is to be kept of `sources`, by key.

        Args:
            sources: names of files and the digests that they had.
            known: returns a packed text that was fetched, where the file is another now.
        """
        items: dict[str, bytes] = {}
        for name, recorded in sources:
            try:
                with open(self._layout.path(name), "rb") as stream:
                    content = stream.read()
            except OSError:
                content = b""
            packed = pack_source(content) if digest(content) == recorded else known(recorded)
            if packed is not None:
                items[_key(recorded)] = packed
        return items


def _key(recorded: str) -> str:
    return f"source:{recorded}"
