"""Functions whose results are remembered across runs, by what they read."""

from __future__ import annotations

import builtins
import functools
import inspect
from collections.abc import Callable, Iterable
from types import FunctionType
from typing import Any, Generic, ParamSpec, TypeVar, cast

from ..caching.codec import Codec, UndecodableError
from ..errors import CacheUsageError, CodecError, NotStorableError
from ..inputs.digest import digest_text
from ..inputs.live import state_of
from ..inputs.reading import Input
from ..inputs.values import OpaqueError, describe
from .entries import Outcome, Removed
from .performing import Performer, Task, with_tags
from .verdict import Uncacheable, Verdict

P = ParamSpec("P")
R = TypeVar("R")
_VALUE, _ERROR = "value", "error"


class _Raised:
    def __init__(self, error: Exception) -> None:
        self.error = error


class MemoizedFunction(Generic[P, R]):
    """A function that is run only if something that it read has changed.

    Attributes:
        bypass: the function itself, which asks no cache and stores nothing.
    """

    def __init__(
        self,
        function: Callable[P, R],
        performer: Performer,
        codec: Codec,
        tags: Iterable[str] = (),
        failures: bool = False,
    ) -> None:
        self.bypass = function
        if (
            not isinstance(function, FunctionType)
            or inspect.iscoroutinefunction(function)
            or inspect.isgeneratorfunction(function)
            or inspect.isasyncgenfunction(function)
        ):
            raise CacheUsageError(
                f"{function!r} can't be remembered: give a function that returns its result."
            )
        functools.update_wrapper(self, function)
        self._performer = performer
        self._codec = codec
        self._tags = with_tags(tags)
        self._failures = failures

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Return what the function returns for these arguments, running it if need be."""
        try:
            task = self._task(args, kwargs)
        except OpaqueError as error:
            self._performer.note_uncacheable(self._group(), str(error))
            return self.bypass(*args, **kwargs)
        result: Any = self._performer.perform(task)
        if isinstance(result, _Raised):
            raise result.error
        return cast("R", result)

    def __get__(self, instance: object, owner: type | None = None) -> Any:
        call: Callable[..., R] = self.__call__
        return self if instance is None else functools.partial(call, instance)

    def explain(self, *args: P.args, **kwargs: P.kwargs) -> Verdict:
        """Return what a call would do, and why: the verdict that decides it."""
        try:
            task = self._task(args, kwargs)
        except OpaqueError as error:
            return Uncacheable(str(error))
        return self._performer.explain(task)

    def forget(self) -> Removed:
        """Remove all that is stored for this function; say how much that was."""
        group = self._group()
        return self._performer.store.remove(lambda stored: stored.group == group)

    def _group(self) -> str:
        place = self._performer.observer.modules.place(self.bypass.__module__)
        return f"{place or self.bypass.__module__}::{self.bypass.__qualname__}"

    def _task(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Task[Any]:
        group = self._group()
        function: Any = self.bypass
        modules = self._performer.observer.modules
        if not modules.is_project_module(function.__module__):
            raise OpaqueError("it is no function of the project")
        own = (function.__defaults__, function.__kwdefaults__, function.__closure__)
        name, distributions = state_of((args, sorted(kwargs.items()), own), modules)
        name = digest_text(name, self._codec.name, str(self._codec.type), str(self._failures))
        return Task(
            group=group,
            name=name,
            label=group,
            run=functools.partial(self._run, args, kwargs),
            encode=functools.partial(self._encode, f"{group}:{name}"),
            decode=functools.partial(self._decode, f"{group}:{name}"),
            tags=self._tags,
            inputs=self._inputs(distributions),
        )

    def _inputs(self, distributions: frozenset[str]) -> frozenset[Input]:
        if not distributions:
            return frozenset()
        return self._performer.observer.inputs_of(distributions)

    def _run(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if not self._failures:
            return self.bypass(*args, **kwargs)
        try:
            return self.bypass(*args, **kwargs)
        except Exception as error:  # noqa: BLE001  what it raises is its outcome
            return _Raised(error)

    def _encode(self, key: str, result: Any) -> tuple[str, bytes]:
        kind, value = _VALUE, result
        if isinstance(result, _Raised):
            error = result.error
            if getattr(builtins, type(error).__name__, None) is not type(error):
                raise NotStorableError(f"it raised a {type(error).__name__}, of its own kind")
            kind, value = _ERROR, [type(error).__name__, list(error.args)]
        try:
            content = self._codec.encode(key, value)
            if self._codec.name != "pickle" and not self._is_same(key, content, value):
                raise NotStorableError(
                    f"its result, a {type(value).__name__}, would come back as something else: "
                    "give type=, or the codec pickle"
                )
        except CodecError as error:
            raise NotStorableError(str(error)) from error
        return kind, content

    def _is_same(self, key: str, content: bytes, value: Any) -> bool:
        modules = self._performer.observer.modules
        try:
            return describe(self._codec.decode(key, content), modules) == describe(value, modules)
        except (OpaqueError, UndecodableError):
            return False

    def _decode(self, key: str, outcome: Outcome) -> Any:
        value = self._codec.decode(key, outcome.content)
        if outcome.kind == _VALUE:
            return value
        if not self._failures:
            raise ValueError("a failure")
        kind = getattr(builtins, str(value[0]), None)
        if not (isinstance(kind, type) and issubclass(kind, Exception)):
            raise ValueError("no exception")
        return _Raised(kind(*value[1]))
