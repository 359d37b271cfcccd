"""The tests that cachelib runs over each of its caches, over ours."""

from __future__ import annotations

import importlib.util
import sys
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pytest_cachekit.caching import Cache
from pytest_cachekit.plugin.caches import CacheFactory, SteppedClock

from .suites import suite

# Of its parts, `serializer.py` is about its own serializers, and `delete_many_with_prefix.py` about
# an option of its own, `key_prefix`.
PARTS = {"common": "CommonTests", "has": "HasTests", "clear": "ClearTests"}


def adapter(base: Any) -> Any:
    """Return our cache in the clothes of cachelib's `BaseCache`."""

    class KitCache(base):  # type: ignore[misc]
        def __init__(self, cache: Cache, **options: Any) -> None:
            super().__init__(**options)
            self.cache = cache

        def _life(self, timeout: Any) -> float:
            # There zero means for ever, here infinity does.
            return self._normalize_timeout(timeout) or float("inf")

        def get(self, key: str) -> Any:
            return self.cache.get(key)

        def set(self, key: str, value: Any, timeout: Any = None) -> bool:
            self.cache.set(key, value, self._life(timeout))
            return True

        def add(self, key: str, value: Any, timeout: Any = None) -> bool:
            return self.cache.add(key, value, self._life(timeout))

        def set_many(self, mapping: dict[str, Any], timeout: Any = None) -> list[str]:
            self.cache.set_many(mapping, self._life(timeout))
            return list(mapping)

        def get_many(self, *keys: str) -> list[Any]:
            return list(map(self.cache.get_many(keys).get, keys))

        def delete(self, key: str) -> bool:
            return self.cache.delete(key)

        def has(self, key: str) -> bool:
            return self.cache.has(key)

        def clear(self) -> bool:
            self.cache.clear()
            return True

        def inc(self, key: str, delta: int = 1) -> int:
            return self.cache.incr(key, delta)

        def dec(self, key: str, delta: int = 1) -> int:
            return self.cache.incr(key, -delta)

    return KitCache


def module(path: Path) -> types.ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


@pytest.fixture
def parts(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, types.ModuleType]]:
    """The parts of its suite, and the module `cachelib`."""
    source = suite("cachelib")
    monkeypatch.syspath_prepend(source / "src")
    # Its conftest.py starts servers by a plugin that isn't needed for these parts.
    servers = types.ModuleType("xprocess")
    servers.ProcessStarter = object  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "xprocess", servers)
    monkeypatch.setitem(sys.modules, "conftest", module(source / "tests" / "conftest.py"))
    import cachelib

    loaded = {name: module(source / "tests" / f"{name}.py") for name in PARTS}
    yield {**loaded, "cachelib": cachelib}
    for name in [name for name in sys.modules if name.partition(".")[0] == "cachelib"]:
        del sys.modules[name]


def names() -> list[str]:
    """Return the tests by name, as the sources say: nothing is imported to collect them."""
    try:
        source = suite("cachelib") / "tests"
    except pytest.skip.Exception:
        return ["missing"]
    return [
        f"{part}.{line.split('(')[0].removeprefix('    def ')}"
        for part in PARTS
        for line in (source / f"{part}.py").read_text().splitlines()
        if line.startswith("    def test_")
    ]


@pytest.mark.parametrize("name", names())
def test_cachelib(
    parts: dict[str, Any],
    kind: str,
    name: str,
    cachekit_factory: CacheFactory,
    cachekit_clock: SteppedClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    part, _, test = name.partition(".")
    monkeypatch.setattr(parts["common"], "sleep", cachekit_clock.advance)
    make: Callable[..., Any] = adapter(parts["cachelib"].BaseCache)
    case = getattr(parts[part], PARTS[part])()
    case.cache_factory = lambda **options: make(cachekit_factory(kind), **options)
    getattr(case, test)()
