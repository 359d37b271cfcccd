"""Run Django's `BaseCacheTests` in a process of its own, which it wants to set up as a whole.

    python -m tests.conformance.django_run DIRECTORY KIND...

Prints, as JSON, for each kind of cache how many tests ran, and those that failed or were skipped.
"""

from __future__ import annotations

import json
import sys
import unittest
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import django
from django.conf import settings

from pytest_cachekit.plugin.caches import CacheFactory, SteppedClock

from . import django_backend

BACKEND = "tests.conformance.django_backend.KitCache"


def main(directory: Path, kinds: list[str]) -> None:
    """Run the suite over each kind of cache."""
    settings.configure(
        INSTALLED_APPS=["cache"],
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
        CACHES={"default": {"BACKEND": BACKEND, "LOCATION": "here"}},
        SECRET_KEY="for these tests",
        USE_TZ=False,
    )
    django.setup()
    from django.test.utils import setup_databases, setup_test_environment

    setup_test_environment()
    setup_databases(verbosity=0, interactive=False)
    print(json.dumps({kind: results(kind, directory / kind) for kind in kinds}))


def results(kind: str, directory: Path) -> dict[str, Any]:
    """Return what the tests over one kind of cache said."""
    clock = SteppedClock()
    factory = CacheFactory(directory, clock, "")
    django_backend.caches["here"] = factory(
        kind, codec="pickle", signing_key="a key for these tests"
    )
    result = unittest.TestResult()
    unittest.defaultTestLoader.loadTestsFromTestCase(cases(clock)).run(result)
    factory.close()
    return {
        "ran": result.testsRun,
        "failed": {str(test): told for test, told in (*result.errors, *result.failures)},
        "skipped": [str(test).split()[0] for test, _ in result.skipped],
    }


def cases(clock: SteppedClock) -> type[unittest.TestCase]:
    """Return the suite's class over our backend, on a clock that its pauses move."""
    from cache import tests
    from django.test import TestCase, override_settings

    tests.time = SimpleNamespace(sleep=clock.advance, time=clock)
    # Backends that evict otherwise than Django's do leave these two out, as its own Redis does.
    given: Any = tests.caches_setting_for_tests(
        exclude={"cull", "zero_cull"}, BACKEND=BACKEND, LOCATION="here"
    )

    @override_settings(CACHES=given)
    class KitCacheTests(tests.BaseCacheTests, TestCase):  # type: ignore[misc]
        pass

    return KitCacheTests


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
