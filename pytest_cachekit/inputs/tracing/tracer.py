"""All watchers together: begin, and end."""

from __future__ import annotations

from ..fingerprint import Fingerprints
from .audit import ignore_audit_events, watch_audit_events
from .children import watch_spawns
from .environment import watch_environment
from .functions import choose_tracer
from .imports import note_loaded_modules, watch_imports
from .loaders import watch_loaders
from .metadata import watch_metadata
from .native import native_readers
from .patching import Patches
from .recorder import Recorder


class Tracer:
    """Watches what this process reads, from construction to `stop`."""

    def __init__(self, fingerprints: Fingerprints) -> None:
        """Begin to watch.

        Raises:
            CachekitError: this interpreter can't be traced.
        """
        self._functions, self.choice = choose_tracer()
        self.recorder = Recorder(fingerprints, self._functions)
        self.patches = Patches()
        watch_imports(self.recorder, self.patches)
        watch_loaders(self.recorder, self.patches, native_readers(self.recorder, self.patches))
        watch_environment(self.recorder, self.patches)
        watch_metadata(self.recorder, self.patches)
        watch_spawns(self.recorder, self.patches)
        watch_audit_events(self.recorder)
        note_loaded_modules(self.recorder)

    def stop(self) -> None:
        """Put everything back as it was."""
        ignore_audit_events()
        self.patches.undo()
        self._functions.close()
