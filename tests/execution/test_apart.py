"""Namespaces and epochs keep results apart, a key keeps forged ones out, nothing is lost."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pytest_cachekit import AnalysisCache, ArtifactCache, CacheManager, PlanCache
from pytest_cachekit.actions.entries import Stored
from pytest_cachekit.actions.removal import collect_garbage
from pytest_cachekit.errors import StorageError
from pytest_cachekit.inputs.manifest import VERSION
from pytest_cachekit.storage import open_backend
from tests.harness import Project

KEY = "a key of sixteen bytes or more"


def count_lines(content: bytes) -> int:
    return content.count(b"\n")


@pytest.mark.usefixtures("one_thread")
def test_namespaces_and_epochs_are_apart(tmp_path: Path) -> None:
    url = f"file:{tmp_path}/cache"
    (tmp_path / "a.py").write_text("x = 1\n")
    places: list[dict[str, Any]] = [
        {},
        {"namespace": "one"},
        {"namespace": "one", "epoch": "2"},
        {"epoch": "2"},
    ]
    for names in places:
        with PlanCache(url, **names) as plans, ArtifactCache(url, **names) as artifacts:
            assert plans.match("do it", threshold=1) is None
            plans.put("Do {what}", [])
            assert plans.match("do it") is not None
            assert artifacts.find() == []
            artifacts.put("model", {"n": 1}, {"weights": b"1"})
        with AnalysisCache(url, root=tmp_path, **names) as analyses:
            assert analyses.analyse(count_lines, ["a.py"]).analysed == ("a.py",)
            assert analyses.analyse(count_lines, ["a.py"]).reused == ("a.py",)
    with ArtifactCache(url, namespace="one") as artifacts:
        assert artifacts.remove().entries == 1
    for names in places:
        with ArtifactCache(url, **names) as artifacts:
            assert len(artifacts.find()) == (names != {"namespace": "one"})


@pytest.mark.usefixtures("one_thread")
def test_with_a_key_nothing_is_believed_that_it_did_not_sign(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def use() -> tuple[bool, bool, bool]:
        with CacheManager(tmp_path / "cache", root=tmp_path) as caches:
            (tmp_path / "a.py").write_text("x = 1\n")
            artifact = caches.artifacts.get("model", {"n": 1})
            is_known = artifact is not None and caches.artifacts.read(artifact, "w") == b"1"
            match = caches.plans.match("do it", threshold=1)
            reused = bool(caches.analyses.analyse(count_lines, ["a.py"]).reused)
            caches.artifacts.put("model", {"n": 1}, {"w": b"1"})
            caches.plans.put("Do {what}", [])
            caches.plans.record_success("Do {what}")
            return is_known, match is not None, reused

    monkeypatch.delenv("CACHEKIT_SIGNING_KEY", raising=False)
    assert use() == (False, False, False)
    assert use() == (True, True, True)
    monkeypatch.setenv("CACHEKIT_SIGNING_KEY", KEY)
    assert use() == (False, False, False)
    assert use() == (True, True, True)
    with CacheManager(tmp_path / "cache", root=tmp_path) as caches:
        assert caches.plans.usage("Do {what}") == (1, 2, 0)
        assert caches.health().status == "ok"
        assert caches.stats().by_part["plans"].keys >= 3

    # Without the key, or with another one, what is signed is left alone.
    for other in (None, KEY[::-1]):
        if other is None:
            monkeypatch.delenv("CACHEKIT_SIGNING_KEY")
        else:
            monkeypatch.setenv("CACHEKIT_SIGNING_KEY", other)
        with CacheManager(tmp_path / "cache", root=tmp_path) as caches:
            assert caches.artifacts.get("model", {"n": 1}) is None
            assert caches.artifacts.find() == []
            assert caches.health().status == "error"
            with pytest.raises(StorageError, match="CACHEKIT_SIGNING_KEY"):
                collect_garbage(caches.backend)
    monkeypatch.setenv("CACHEKIT_SIGNING_KEY", KEY)
    assert use() == (True, True, True)


@pytest.mark.parametrize("is_last", [True, False])
def test_removing_loses_nothing_that_another_stores_meanwhile(
    tmp_path: Path, is_last: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"file:{tmp_path}/cache"
    with ArtifactCache(url) as cache, ArtifactCache(url) as other:
        cache.put("model", {"n": 1}, {})
        if not is_last:
            cache.put("model", {"n": 2}, {})
        store = cache._store
        without = store._without

        def slowly(
            key: str, content: bytes, chosen: Callable[[Stored], bool]
        ) -> tuple[bytes | None, int, int]:
            found = without(key, content, chosen)
            monkeypatch.undo()
            other.put("model", {"n": 3}, {})
            return found

        monkeypatch.setattr(store, "_without", slowly)
        assert cache.remove("model", n=1).entries == 1
        left = sorted(each.metadata["n"] for each in cache.find())

    assert left == ([3] if is_last else [2, 3])


def test_fixtures_keep_to_the_settings_of_the_run(project: Project) -> None:
    project = project.write(
        {
            "test_it.py": """
            import pathlib
            import pytest_cachekit

            @pytest_cachekit.fixture(scope="session")
            def value():
                with open("/dev/null"):
                    pass
                path = pathlib.Path(__file__).with_name("count")
                return len(path.read_text()) if path.exists() else 0

            def test_it(value, record_property):
                record_property("value", value)
            """
        }
    )

    def kept() -> int:
        backend = open_backend(f"file:{project.cache}")
        return sum(f"executions:{VERSION}:" in key for key in list(backend.keys()))

    assert project.run().exit_status == 0
    assert kept() == 1
    assert project.run().exit_status == 0
    assert kept() == 1
    assert project.run("--cachekit-namespace=other").exit_status == 0
    assert kept() == 2
    assert project.run("--cachekit-epoch=2").exit_status == 0
    assert kept() == 3
