"""Imports of what pytest's assertion rewriting compiles."""

from __future__ import annotations

import builtins
import os
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

from .imports import as_importlib, note_importer
from .old_bytecode import is_old, refuse_old
from .patching import Patches
from .recorder import Recorder


def watch_rewritten_imports(recorder: Recorder, rewrite: ModuleType, patches: Patches) -> None:
    """Trace what pytest's assertion rewriting imports: test files, conftests, plugins.

    `rewrite` is the module `_pytest.assertion.rewrite`.
    """
    layout = recorder.layout
    hook: Any = rewrite.AssertionRewritingHook
    original = hook.exec_module

    def exec_rewritten(code: CodeType, namespace: dict[str, Any]) -> None:
        spec = namespace.get("__spec__")
        path = os.path.abspath(spec.origin) if spec is not None and spec.origin else ""
        action = recorder.modules.actions.get(path)
        if action is None:
            builtins.exec(code, namespace)  # noqa: S102  what pytest would do
            return
        file = Path(path)
        cached = rewrite.get_cache_dir(file) / (file.stem + rewrite.PYC_TAIL)
        with recorder.unobserved():
            if is_old(code, path, str(cached), lambda: rewritten(namespace, file)):
                refuse_old(action, layout.name(path))
        ready = recorder.module_code(path, code)
        recorder.enter(action)
        try:
            builtins.exec(ready, namespace)  # noqa: S102  what pytest would do
        finally:
            recorder.leave(action)

    def rewritten(namespace: dict[str, Any], file: Path) -> CodeType:
        code: CodeType = rewrite._rewrite_test(file, namespace["__spec__"].loader.config)[1]
        return code

    def exec_module(self: Any, module: ModuleType) -> None:
        spec = module.__spec__
        path = os.path.abspath(spec.origin) if spec is not None and spec.origin else ""
        if layout.is_project(path):
            if recorder.writes.creator(path) is None:
                note_importer(recorder, recorder.modules.action(module.__name__, path))
            else:
                recorder.modules.made[module.__name__] = recorder.current
        original(self, module)
        if path in recorder.modules.actions:
            recorder.remember(module)

    # The module's own `exec` comes before the builtin one.
    patches.set(rewrite, "exec", as_importlib(exec_rewritten))
    patches.set(hook, "exec_module", as_importlib(exec_module))
