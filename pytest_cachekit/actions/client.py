"""What all caches of actions do: open a backend, and close what they opened."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import cast

from ..errors import CacheUsageError
from ..inputs.fingerprint import Fingerprints
from ..inputs.layout import Layout
from ..storage import Backend, open_backend
from ..storage.closing import Closing
from ..storage.scoped import ScopedBackend
from ..storage.seal import Seal, key_from_environment
from .outcome_store import OutcomeStore


def scoped(
    backend: Backend, namespace: str = "", epoch: str = "", *, is_strict: bool = False
) -> Backend:
    """Return the part of a backend that a namespace and an epoch name, signed where there is a key.

    Nothing is believed there but what the key of the environment signed. If `is_strict`, all else
    is an error rather than nothing: so must see it who removes what can't be read.

    Raises:
        CacheUsageError: the key is too short, or its file can't be read.
    """
    key = key_from_environment()
    place = f"{namespace}/{epoch}:"
    if key is None and place == "/:" and not is_strict:
        return backend
    scope = "" if place == "/:" else place
    seal = None if key is None else Seal(key, "records")
    # Leases and times to live, which it lacks, are nothing that caches of actions use.
    return cast("Backend", ScopedBackend(backend, scope, seal, is_strict=is_strict))


def unwatched(
    backend: Backend,
    kind: str,
    *,
    ttl: float | None,
    max_entries: int | None,
    clock: Callable[[], float],
) -> tuple[OutcomeStore, Fingerprints]:
    """Return a store of what rests on nothing but what it is stored with, wherever that is.

    With it comes what takes the fingerprints that its entries don't have.
    """
    store = OutcomeStore(
        backend,
        kind,
        Path.cwd(),
        ttl=ttl,
        max_entries=max_entries,
        clock=clock,
        context="everywhere",
    )
    return store, Fingerprints(Layout(Path.cwd()), umask="")


class Client(Closing):
    """A cache over a backend, which it closes if it opened it."""

    def __init__(
        self,
        backend: str | Backend,
        *,
        relative_to: Path | None = None,
        namespace: str = "",
        epoch: str = "",
        **limits: float | None,
    ) -> None:
        """Open `backend`.

        Args:
            backend: a URL, or a backend that is open.
            relative_to: what a path in a URL starts from; the working directory by default.
            namespace: keeps what is stored apart from other namespaces.
            epoch: another word disowns what was stored before.
            limits: what is None, or positive.

        Raises:
            StorageError: the backend can't be used.
            CacheUsageError: a limit keeps nothing, or the signing key is none.
        """
        for name, limit in limits.items():
            if limit is not None and limit <= 0:
                raise CacheUsageError(f"{name}={limit!r} keeps nothing: give more, or None.")
        self._owns = isinstance(backend, str)
        opened = (
            open_backend(backend, relative_to=relative_to) if isinstance(backend, str) else backend
        )
        self._backend = scoped(opened, namespace, epoch)

    def close(self) -> None:
        """Release the backend, if it was opened here."""
        if self._owns:
            self._backend.close()
