"""What an object is by its own type.

`isinstance` also asks the object for its class: proxies and lazy objects run code of a project
then, or fail where there is nothing yet, or nothing any more, that they stand for.
"""

from __future__ import annotations

from typing import Any, TypeGuard, TypeVar, overload

_T = TypeVar("_T")
_U = TypeVar("_U")


@overload
def is_a(value: object, kind: type[_T]) -> TypeGuard[_T]: ...
@overload
def is_a(value: object, kind: tuple[type[_T], type[_U]]) -> TypeGuard[_T | _U]: ...
@overload
def is_a(value: object, kind: tuple[type[Any], ...]) -> bool: ...
def is_a(value: object, kind: type[Any] | tuple[type[Any], ...]) -> bool:
    """Return whether `value` is an instance of `kind`, or of one of several; nothing else runs."""
    return issubclass(type(value), kind)
