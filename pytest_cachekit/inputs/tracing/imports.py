"""Imports: which modules ran, on whose behalf, and which names were looked for in vain.

The loaders of the import system are asked to hand each project module's code
over before it runs. Nothing is added to `sys.meta_path`, and our frames carry
importlib's file name, so that tracebacks and the stack levels of warnings stay
what they are.
"""

from __future__ import annotations

import builtins
import functools
import importlib
import os
import sys
from collections.abc import Callable
from importlib.machinery import ExtensionFileLoader, PathFinder, SourceFileLoader
from inspect import getattr_static
from types import CodeType, FrameType, FunctionType, ModuleType
from typing import Any

from .callers import frame_above, frame_of
from .old_bytecode import is_old, refuse_old
from .patching import Patches, Prepare
from .recorder import Recorder

_IMPORTLIB = "<frozen importlib._bootstrap_external>"
# Python itself looks for these when it starts.
_AT_START = ("sitecustomize", "usercustomize")


def as_importlib(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return `function` with frames that Python takes for the import system's own."""
    assert isinstance(function, FunctionType)
    code = function.__code__.replace(co_filename=_IMPORTLIB)
    twin = FunctionType(
        code, function.__globals__, function.__name__, function.__defaults__, function.__closure__
    )
    return functools.update_wrapper(twin, function)


def watch_imports(recorder: Recorder, patches: Patches) -> None:
    """Begin to trace the modules that are imported from now on."""
    layout = recorder.layout
    # SourceFileLoader inherits exec_module; replacing it there would miss other subclasses.
    source_loader: Any = SourceFileLoader.__mro__[2]
    file_loader: Any = SourceFileLoader.__mro__[1]
    original_exec = source_loader.exec_module
    original_get_code = source_loader.get_code
    original_extension = ExtensionFileLoader.exec_module
    original_find = PathFinder.find_spec
    original_import = builtins.__import__
    # Python cuts tracebacks of failing imports at frames of this function.
    call_with_frames_removed = importlib._bootstrap._call_with_frames_removed  # type: ignore[attr-defined]

    def exec_module(self: Any, module: ModuleType) -> None:
        path = os.path.abspath(getattr(self, "path", None) or self.get_filename(module.__name__))
        # What our own code loads when it needs it is nobody's input.
        if recorder.is_observing or not layout.is_project(path):
            original_exec(self, module)
            return
        if recorder.writes.creator(path) is not None:
            # Who imports it next doesn't open the file any more.
            recorder.modules.made[module.__name__] = recorder.current
            original_exec(self, module)
            return
        own = type(self).get_code
        code = (original_get_code if own is patched_get_code else own)(self, module.__name__)
        if code is None:
            raise ImportError(f"cannot load module {module.__name__!r}")
        action = recorder.modules.action(module.__name__, path)
        cached = getattr(module.__spec__, "cached", None)
        with recorder.unobserved():
            if is_old(code, path, cached, lambda: _compiled(self, path)):
                refuse_old(action, layout.name(path))
        ready = recorder.module_code(path, code)
        note_importer(recorder, action)
        recorder.enter(action)
        try:
            call_with_frames_removed(exec, ready, module.__dict__)
        finally:
            recorder.leave(action)
        recorder.remember(module)

    def get_code(self: Any, fullname: str) -> CodeType | None:
        # Called by others than exec_module: runpy, and whoever wants the code for itself.
        code: CodeType | None = original_get_code(self, fullname)
        path = os.path.abspath(self.get_filename(fullname))
        if layout.is_project(path):
            recorder.observe(recorder.read_file, path)
        return code

    def reads(original: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(original)
        def read(self: Any, name: str) -> Any:
            # pkgutil.get_data() and its like; the import system asks for code in the same way.
            if not frame_of(1).f_code.co_filename.startswith("<frozen importlib"):
                path = name if original.__name__ == "get_data" else self.get_filename(name)
                recorder.observe(recorder.read_file, os.path.abspath(path))
            return original(self, name)

        return read

    def exec_extension(self: ExtensionFileLoader, module: ModuleType) -> None:
        path = os.path.abspath(self.path)
        if not layout.is_project(path):
            return original_extension(self, module)
        action = recorder.modules.actions.setdefault(
            path, type(recorder.session)(f"import of {path}")
        )
        recorder.modules.names.setdefault(module.__name__, set()).add(path)
        note_importer(recorder, action)
        recorder.enter(action)
        try:
            recorder.observe(recorder.read_file, path)
            return original_extension(self, module)
        finally:
            recorder.leave(action)

    def find_spec(cls: type, fullname: str, path: Any = None, target: Any = None) -> Any:
        spec = original_find(fullname, path, target)
        if spec is None:
            recorder.modules.note_missing(fullname, path)
        return spec

    def import_(
        name: str,
        globals: Any = None,  # noqa: A002  as the builtin has it
        locals: Any = None,  # noqa: A002
        fromlist: Any = (),
        level: int = 0,
    ) -> ModuleType:
        module = original_import(name, globals, locals, fromlist, level)
        if fromlist:
            # It returned the module that `name` means, relative or not.
            base = getattr(module, "__dict__", {}).get("__name__", name)
            statement = (base, tuple(fromlist))
        elif level == 0:
            statement = (name, ())
        else:
            return module
        done = recorder.current.statements
        on_demand = (
            globals is not None
            and "__getattr__" in globals
            and globals.get("__name__") in recorder.modules.names
        )
        if (statement not in done or on_demand) and not recorder.is_observing:
            # A test's inner loops import the same names over and over.
            done.add(statement)
            note_statement(recorder, module, statement, frame_above(1))
        return module

    recorder.remember(builtins)
    patches.set(source_loader, "exec_module", as_importlib(exec_module))
    patched_get_code = as_importlib(get_code)
    patches.set(source_loader, "get_code", patched_get_code)
    patches.set(source_loader, "get_source", reads(source_loader.get_source))
    patches.set(file_loader, "get_data", reads(file_loader.get_data))
    patches.set(ExtensionFileLoader, "exec_module", as_importlib(exec_extension))
    hooked_find: Any = functools.wraps(original_find)(as_importlib(find_spec))
    patches.set(PathFinder, "find_spec", classmethod(hooked_find))
    patches.set(builtins, "__import__", functools.wraps(original_import)(as_importlib(import_)))


def _compiled(loader: Any, path: str) -> CodeType | None:
    with open(path, "rb") as stream:
        code: CodeType | None = loader.source_to_code(stream.read(), path)
    return code


def import_functions(recorder: Recorder, patches: Patches) -> dict[str, Prepare]:
    """Return, by name of a module, what makes its functions that import tell `recorder`."""

    def prepare_import_module(module: ModuleType) -> None:
        original = module.import_module

        def import_module(name: str, package: str | None = None) -> ModuleType:
            imported: ModuleType = original(name, package)
            note_import(recorder, imported.__name__, frame_above(1))
            return imported

        hooked = functools.wraps(original)(as_importlib(import_module))
        patches.set(module, "import_module", hooked)

    def prepare_find_spec(module: ModuleType) -> None:
        original = module.find_spec

        def find_spec(name: str, package: str | None = None) -> Any:
            full = module.resolve_name(name, package) if name.startswith(".") else name
            # A test may look along a path of its own; what counts is settled at the end.
            recorder.modules.missing.setdefault(full, None)
            spec = original(name, package)
            if (
                spec is not None
                and spec.has_location
                and recorder.layout.is_project(str(spec.origin))
            ):
                recorder.observe(recorder.read_existence, os.path.abspath(str(spec.origin)))
            return spec

        patches.set(module, "find_spec", functools.wraps(original)(find_spec))

    return {
        "importlib": prepare_import_module,
        "importlib.metadata": prepare_import_module,
        "importlib.util": prepare_find_spec,
    }


def note_loaded_modules(recorder: Recorder) -> None:
    """Make project modules that were imported too early to be traced everybody's inputs."""
    recorder.modules.missing.update(dict.fromkeys(_AT_START))
    own = __name__.partition(".")[0]
    for name, module in list(sys.modules.items()):
        # One that is to be loaded when it is first asked for stays as it is.
        path = getattr_static(module, "__file__", None)
        if not isinstance(path, str) or name.partition(".")[0] in (own, "__main__"):
            continue
        path = os.path.abspath(path)
        if recorder.layout.is_project(path):
            with recorder.running(recorder.session):
                recorder.observe(recorder.read_file, path)


def note_importer(recorder: Recorder, action: Any) -> None:
    """Note that who runs rests on the import of a module."""
    importer = recorder.current
    if importer is not action:
        importer.parents.add(action)


def note_import(recorder: Recorder, name: str, importer: FrameType | None) -> None:
    """Note that the code of the frame `importer` imports `name`, loaded already or not."""
    recorder.current.imports.add(name)
    if importer is not None and importer.f_code.co_name == "__getattr__":
        # PEP 562: a module that imports on demand has, from then on, what it imported.
        for path in recorder.modules.names.get(str(importer.f_globals.get("__name__")), ()):
            recorder.modules.actions[path].imports.add(name)


def note_statement(
    recorder: Recorder,
    module: ModuleType,
    statement: tuple[str, tuple[str, ...]],
    by: FrameType | None,
) -> None:
    """Note what an import statement of the frame `by` imports, which found `module`."""
    base, parts = statement
    note_import(recorder, base, by)
    for part in parts:
        if part == "*":
            note_star(recorder, module, by)
        elif f"{base}.{part}" in sys.modules:
            note_import(recorder, f"{base}.{part}", by)


def note_star(recorder: Recorder, module: ModuleType, importer: FrameType | None) -> None:
    """Note what `from module import *` imports: the submodules among its names."""
    for part in getattr(module, "__all__", ()):
        if f"{module.__name__}.{part}" in sys.modules:
            note_import(recorder, f"{module.__name__}.{part}", importer)
