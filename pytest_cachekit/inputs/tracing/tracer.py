"""All watchers together: begin, and end."""

from __future__ import annotations

import sys

from ..fingerprint import Fingerprints
from .audit import BEGINNING, ignore_audit_events, watch_audit_events
from .children import spawning_functions, watch_commands
from .environment import watch_environment
from .forks import ignore_forks, watch_forks
from .functions import FunctionTracer, choose_tracer
from .imports import import_functions, note_loaded_modules, watch_imports
from .loaders import watch_loaders
from .metadata import line_readers, watch_metadata
from .native import native_readers
from .patching import Patches, Prepare
from .recorder import Recorder


class Tracer:
    """Watches what this process reads, from construction to `stop`."""

    def __init__(self, fingerprints: Fingerprints, functions: FunctionTracer | None = None) -> None:
        """Begin to watch.

        Args:
            fingerprints: what inputs are now.
            functions: what notices functions that run, of modules that are loaded already too; by
                default the choice for this interpreter, and such modules are inputs of everything.

        Raises:
            CachekitError: this interpreter can't be traced.
        """
        # Whoever watches this process already can't see what is replayed in it.
        sys.audit(BEGINNING)
        if functions is None:
            self._functions, self.choice = choose_tracer()
        else:
            self._functions, self.choice = functions, "asked for"
        self.recorder = Recorder(fingerprints, self._functions)
        self.patches = Patches()
        watch_imports(self.recorder, self.patches)
        watch_environment(self.recorder, self.patches)
        watch_metadata(self.recorder, self.patches)
        watch_forks(self.recorder)
        watch_commands(self.recorder, self.patches)
        ready: dict[str, Prepare] = {}
        for prepare in (import_functions, native_readers, line_readers, spawning_functions):
            ready.update(prepare(self.recorder, self.patches))
        watch_loaders(self.recorder, self.patches, ready)
        watch_audit_events(self.recorder)
        if functions is None:
            note_loaded_modules(self.recorder)

    def stop(self) -> None:
        """Put everything back as it was."""
        ignore_audit_events()
        ignore_forks()
        self.patches.undo()
        self.recorder.opens.close()
        self._functions.close()
