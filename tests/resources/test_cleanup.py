"""Tasks run when they are due, the important ones first, and none breaks another."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pytest_cachekit.errors import CacheUsageError
from pytest_cachekit.resources import Cleaner, CleanupTask, ResourceLimits, ResourceManager
from pytest_cachekit.resources.caches import CacheManager
from pytest_cachekit.resources.cleanup import Cleaned
from pytest_cachekit.resources.tasks import is_cache, old_caches, orphaned_values, temporary_files
from tests.resources.conftest import Clock, Readings


def test_tasks_run_by_priority_and_when_they_are_due(clock: Clock) -> None:
    ran: list[str] = []

    def task(name: str, priority: int, every: float) -> CleanupTask:
        return CleanupTask(name, lambda: ran.append(name), "", priority, every)

    cleaner = Cleaner(
        [task("daily", 2, 86_400), task("hourly", 2, 3600), task("first", 1, 0)], clock=clock
    )
    assert cleaner.due() == ["first", "daily", "hourly"]
    cleaner.run()
    assert ran == ["first", "daily", "hourly"]

    clock.now += 3600
    assert cleaner.due() == ["first", "hourly"]
    clock.now += 90_000
    assert cleaner.due() == ["first", "hourly", "daily"]
    ran.clear()
    cleaner.run("daily")
    assert ran == ["daily"]
    assert cleaner.due() == ["first", "hourly"]
    ran.clear()
    cleaner.run(force=True)
    assert ran == ["first", "daily", "hourly"]


def test_results_and_status_say_what_was_removed(clock: Clock) -> None:
    def fail() -> int:
        raise OSError("the disk is gone")

    cleaner = Cleaner(clock=clock)
    cleaner.add(CleanupTask("broken", fail, "never works", priority=1))
    cleaner.add(CleanupTask("files", lambda: Cleaned(3, 300)))
    cleaner.add(CleanupTask("count", lambda: 2))
    results = cleaner.run()

    assert [(each.name, each.removed, each.bytes, each.error) for each in results] == [
        ("broken", 0, 0, "the disk is gone"), ("files", 3, 300, None), ("count", 2, 0, None),
    ]  # fmt: skip
    clock.now += 3600
    cleaner.run()
    broken, _, files = cleaner.status()
    assert (broken.runs, broken.failures, broken.last_error) == (2, 2, "the disk is gone")
    assert (files.removed, files.bytes, files.last_run) == (6, 600, clock.now)
    assert files.next_run == clock.now + 3600
    cleaner.remove("broken")
    assert len(cleaner.status()) == 2
    with pytest.raises(CacheUsageError, match="another name"):
        cleaner.add(CleanupTask("files", lambda: 0))
    with pytest.raises(KeyError):
        cleaner.run("broken")


def test_processes_share_a_schedule(caches: CacheManager, clock: Clock) -> None:
    tasks = [CleanupTask("files", lambda: 1)]
    Cleaner(tasks, schedule=caches.backend, clock=clock).run()
    other = Cleaner(tasks, schedule=caches.backend, clock=clock)

    assert other.run() == []
    clock.now += 3600
    assert len(other.run()) == 1
    # Somebody's clock was wrong.
    caches.backend.set_many({"cleaned:files": b"9e99"})
    assert other.due() == []
    clock.now += 3600
    caches.backend.set_many({"cleaned:files": b"no number"})
    assert other.due() == ["files"]


def test_what_killed_processes_left_is_removed(tmp_path: Path, clock: Clock) -> None:
    for name, age in (("cachekit-code-old", 90_000), ("cachekit-code-new", 10), ("other", 90_000)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_bytes(bytes(100))
        for path in (tmp_path / name / "file", tmp_path / name):
            os.utime(path, (clock.now - age, clock.now - age))
    (tmp_path / "cachekit-code-link").symlink_to(tmp_path / "other")
    task = temporary_files(directory=tmp_path, clock=clock)

    assert Cleaner([task], clock=clock).run()[0][:3] == ("temporary files", 1, 100)
    assert {path.name for path in tmp_path.iterdir()} == {
        "cachekit-code-new", "cachekit-code-link", "other",
    }  # fmt: skip


def test_old_caches_go_and_nothing_else(tmp_path: Path, clock: Clock) -> None:
    for name in ("old", "new"):
        with CacheManager(tmp_path / name) as manager:
            manager.get_cache("a").set("key", 1)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "cache.db").write_text("not of this package")
    for path in (tmp_path / "old", *(tmp_path / "old").iterdir(), tmp_path / "mine"):
        os.utime(path, (1000, 1000))
    clock.now = os.stat(tmp_path / "new" / "cache.db").st_mtime
    task = old_caches(sorted(tmp_path.iterdir()), max_age=86_400, clock=clock)

    assert Cleaner([task], clock=clock).run()[0].removed == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine", "new"]
    assert is_cache(tmp_path / "new")
    assert not is_cache(tmp_path / "mine")


def test_space_that_is_short_is_made(caches: CacheManager, clock: Clock) -> None:
    caches.plans.put("Do {it}", [])
    caches.backend.set_many({"blob:nobody": b"x" * 1000})
    readings = Readings()
    ran: list[int] = []
    manager = ResourceManager(
        caches,
        ResourceLimits(memory=1000),
        reader=readings,
        tasks=[CleanupTask("custom", lambda: ran.append(1), every=86_400)],
        clock=clock,
    )
    manager.tick()
    assert ran == [1]
    assert "blob:nobody" not in set(caches.backend.keys())

    clock.now += 3700
    manager.tick()
    assert caches.plans.templates() == []
    assert ran == [1]
    readings.memory = 2000
    manager.tick()
    assert ran == [1, 1]
    assert list(manager.errors) == []


def test_files_of_writes_that_were_killed_go(tmp_path: Path, clock: Clock) -> None:
    with CacheManager(tmp_path / "cache", clock=clock) as caches:
        caches.get_cache("a").set("large", b"x" * 100_000)
        (kept,) = (tmp_path / "cache").rglob("*.val")
        for name, age in (("old", 7200), ("new", 60)):
            left = tmp_path / "cache" / "aa" / "bb" / f"{name}.val"
            left.parent.mkdir(parents=True, exist_ok=True)
            left.write_bytes(bytes(50))
            os.utime(left, (clock.now - age, clock.now - age))
        os.utime(kept, (0, 0))
        task = orphaned_values(tmp_path / "cache", clock=clock)

        assert Cleaner([task], clock=clock).run()[0][1:3] == (1, 50)
        assert {path.name for path in (tmp_path / "cache").rglob("*.val")} == {kept.name, "new.val"}
        assert caches.get_cache("a").get("large") == b"x" * 100_000
    assert Cleaner([orphaned_values(tmp_path, clock=clock)], clock=clock).run()[0].removed == 0
