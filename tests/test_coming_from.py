"""What is done with caches of other kinds, done with ours; docs/coming-from.md has the names."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from pytest_cachekit import AnalysisCache, CacheManager, ExecutionCache, ResourceManager
from pytest_cachekit.caching import CacheManager as NamedCaches
from pytest_cachekit.caching import CacheStats, get_cache, open_async_cache
from pytest_cachekit.caching.manager import default_manager
from pytest_cachekit.cli import CacheUtils
from pytest_cachekit.cli.command import cli
from pytest_cachekit.errors import CacheError
from pytest_cachekit.plugin.caches import CacheFactory, SteppedClock
from pytest_cachekit.resources import CleanupTask, ResourceLimits


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("CACHEKIT_URL", "CACHEKIT_NAMESPACE", "CACHEKIT_EPOCH", "CACHEKIT_SIGNING_KEY"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.usefixtures("one_thread")
class TestResultsOfASandbox:
    """Code runs, what it did is remembered, and the cache tells and forgets."""

    def test_statistics(self) -> None:
        with ExecutionCache(max_size=100, ttl=3600) as cache:
            cache.run_code("print('Hello')")
            cache.run_code("print('Hello')")
            stats = cache.stats().as_dict()

        data = stats["cache"]
        assert (data["total_hits"], data["size"], data["max_size"], data["ttl"]) == (
            1,
            1,
            100,
            3600,
        )
        assert dt.datetime.fromisoformat(stats["timestamp"]).tzinfo is not None

    def test_clearing(self) -> None:
        with ExecutionCache() as cache:
            assert not cache.run_code("print('Hello')").cached
            assert cache.stats().size == 1
            assert cache.clear().entries == 1
            assert cache.stats().size == 0
            assert not cache.run_code("print('Hello')").cached

    def test_watching_its_use(self) -> None:
        with ExecutionCache() as cache:
            before = cache.stats()
            for number in range(3):
                done = cache.run_code(f"print('Execution {number}')")
                assert done.stdout == f"Execution {number}\n"
            after = cache.stats()

        assert (before.size, after.size, after.total_hits) == (0, 3, 0)


class TestNamedCaches:
    """One cache for each use, in memory, in files or on a server."""

    def test_quick_start(self) -> None:
        try:
            cache = get_cache(name="llm_responses", backend="in_memory")
            cache.set("prompt_hash_123", {"response": "Hello world"}, ttl=3600)

            assert cache.get("prompt_hash_123") == {"response": "Hello world"}
            assert cache.has("prompt_hash_123")
            assert cache.delete("prompt_hash_123")
            assert cache.get("prompt_hash_123") is None
            stats = cache.stats()
            assert isinstance(stats, CacheStats)
            assert f"{stats.hit_rate:.2%}" == "50.00%"
        finally:
            default_manager().close()

    def test_a_manager_of_many(self, here: Path) -> None:
        with NamedCaches() as manager:
            code = manager.get_cache("code_analysis", backend="file_based", directory=here / "c")
            build = manager.get_cache("build_artifacts", backend="in_memory")
            code.set("key", 1)
            assert build.get("key") is None
            with pytest.raises(CacheError):
                manager.get_cache("code_analysis", backend="in_memory")


def analyse(content: bytes) -> dict[str, int]:
    return {"lines": content.count(b"\n")}


class TestCachesAndTheMachine:
    """Analyses, plans and executions under one limit, and what looks after them."""

    @pytest.mark.usefixtures("one_thread")
    def test_an_analysis_of_a_workspace(self, here: Path) -> None:
        (here / "app.py").write_text("x = 1\n")
        with CacheManager(here / "sandbox_cache", root=here, max_bytes=512 << 20) as caches:
            key = caches.analyses.workspace_key()
            found = caches.analyses.analyse(analyse)
            whole = caches.get_cache("workspaces")
            assert whole.get(key) is None
            whole.set(key, found.results)

            assert whole.get(caches.analyses.workspace_key()) == {"app.py": {"lines": 1}}
            assert caches.analyses.analyse(analyse).reused == ("app.py",)
            (here / "app.py").write_text("x = 1\ny = 2\n")
            assert whole.get(caches.analyses.workspace_key()) is None

    def test_settings_of_each(self, here: Path) -> None:
        with AnalysisCache(f"file:{here}/analyses", max_entries=1000, ttl=3600) as cache:
            limits = cache.counted()
        assert (limits.max_size, limits.ttl) == (1000, 3600)

    def test_a_plan_for_a_task_like_it(self) -> None:
        with CacheManager() as caches:
            caches.plans.put("Write tests for {module}", ["read {module}", "write the tests"])
            match = caches.plans.match("write the tests for billing")
            assert match is not None
            assert match.plan[0] == "read billing"

    def test_the_machine_is_watched(self, here: Path) -> None:
        limits = ResourceLimits(
            memory=1 << 30, disk=5120 << 20, cpu_percent=8000.0, open_files=1000, processes=500
        )
        with CacheManager() as caches:
            resources = ResourceManager(caches, limits, interval=60)
            resources.start()
            assert resources.check() == []
            usage = resources.readings()[-1]
            assert f"{usage.memory / 2**20:.1f} MB, {usage.cpu_percent:.1f}%"
            assert resources.summary()["memory"].average > 0
            assert resources.summary()["cpu_percent"].maximum >= 0
            assert all(result.error is None for result in resources.cleaner.run(force=True))
            resources.stop()
            assert not resources.is_running

    def test_a_cleanup_task_of_ones_own(self, here: Path) -> None:
        (here / "old.log").touch()

        def clean() -> int:
            (here / "old.log").unlink()
            return 1

        task = CleanupTask("custom_cleanup", clean, "files of the application", 2, 6 * 3600)
        with CacheManager() as caches:
            resources = ResourceManager(caches, tasks=[task])
            assert resources.cleaner.run("custom_cleanup")[0].removed == 1
            status = {each.name: each for each in resources.cleaner.status()}
        assert status["custom_cleanup"].runs == 1
        assert not (here / "old.log").exists()

    def test_statistics_and_health(self) -> None:
        with CacheManager() as caches:
            caches.plans.match("nothing")
            stats, health = caches.stats(), caches.health()

        assert f"{stats.hit_rate:.2%}" == "0.00%"
        assert (stats.entries, stats.bytes) == (0, 0)
        assert (health.status, health.issues) == ("ok", ())


@pytest.fixture
def trained() -> None:
    with CacheManager() as caches:
        keep = caches.artifacts.put
        keep("dataset", {"hash": "hash1"}, {"data": b"[1, 2]"})
        keep("model", {"id": "ft-abc123", "dataset": "hash1"}, {"weights": b"w" * 100})
        for task in ("task_1", "task_2"):
            keep("eval", {"model_id": "ft-abc123", "task_id": task}, {"log": b"fine"})
        keep("eval", {"model_id": "ft-other", "task_id": "task_1"}, {"log": b"bad"})


@pytest.mark.usefixtures("trained")
class TestDatasetsModelsAndEvaluations:
    """What experiments made: listed, counted, and removed with their files."""

    def command(self, *words: str) -> str:
        done = CliRunner().invoke(cli, list(words), catch_exceptions=False)
        assert done.exit_code == 0, done.output
        return done.stdout

    def listed(self, *words: str) -> list[dict[str, str]]:
        rows = json.loads(self.command("list", "artifacts", "--json", *words))
        return [row["fields"] for row in rows]

    def test_listing(self) -> None:
        assert self.listed("--name", "dataset") == [{"hash": "hash1"}]
        assert self.listed("--name", "model") == [{"id": "ft-abc123", "dataset": "hash1"}]
        assert len(self.listed("--name", "eval")) == 3
        assert len(self.listed("--name", "eval", "--field", "model_id=ft-abc123")) == 2
        assert len(self.listed("--name", "eval", "--field", "task_id=task_1")) == 2
        assert self.listed("--cache-dir", ".custom_cache") == []

    def test_numbers(self) -> None:
        assert "artifacts 5" in self.command("stats")
        assert "artifacts" in self.command("size", "--breakdown")
        sizes = json.loads(self.command("size", "--breakdown", "--json"))
        assert sizes["artifacts"]["bytes"] > 100

    def test_clearing(self) -> None:
        self.command("clear", "artifacts", "--name", "eval", "--field", "task_id=task_2", "--yes")
        assert len(self.listed("--name", "eval")) == 2
        self.command("clear", "artifacts", "--name", "eval", "--yes")
        assert len(self.listed()) == 2
        self.command("clear", "--yes")
        with CacheManager() as caches:
            assert list(caches.backend.keys()) == []

    def test_from_python(self) -> None:
        with CacheManager() as caches:
            artifacts = caches.artifacts
            assert [each.metadata["hash"] for each in artifacts.find("dataset")] == ["hash1"]
            assert artifacts.find("model")[0].metadata["dataset"] == "hash1"
            assert len(artifacts.find("eval", model_id="ft-abc123")) == 2
            now = dt.datetime.now(dt.UTC)
            assert artifacts.find("eval", since=now + dt.timedelta(days=1)) == []
            assert artifacts.sizes()["eval"] == (3, 11)
            assert artifacts.remove("eval", model_id="ft-abc123", task_id="task_1").entries == 1
            assert artifacts.remove("dataset", hash="hash1").entries == 1
            assert artifacts.remove("model").entries == 1
            assert caches.clear_all()["artifacts"] == 2
        with CacheUtils() as utils:
            assert utils.get_stats().kinds["artifacts"].actions == 0
            assert utils.get_size_breakdown()["artifacts"].bytes == 0


class TestLevelsToAwait:
    """A near cache over a far one, from coroutines."""

    def run(self, story: Callable[[], object]) -> None:
        asyncio.run(story())  # type: ignore[arg-type]

    def test_in_memory(self) -> None:
        async def story() -> None:
            cache = open_async_cache("memory", "in_memory", max_size=1000)
            await cache.set("key1", "value1", ttl=300)
            assert await cache.get("key1") == "value1"
            await cache.set_many({"key2": "value2", "key3": "value3"}, ttl=600)
            assert len(await cache.get_many(["key1", "key2", "key3"])) == 3
            assert (await cache.stats()).hit_rate == 1

        self.run(story)

    def test_on_a_server(self, cachekit_factory: CacheFactory) -> None:
        async def story() -> None:
            cache = cachekit_factory.awaited("redis")
            await cache.connect()
            await cache.set("session:123", {"user": 1}, ttl=3600)
            assert await cache.get("session:123") == {"user": 1}
            await cache.disconnect()

        self.run(story)

    def test_in_levels(self, cachekit_factory: CacheFactory) -> None:
        async def story() -> None:
            cache = cachekit_factory.awaited("tiered")
            await cache.set("key", "value", ttl=300)
            assert await cache.get("key") == "value"
            near, far = await cache.stats_by_tier()
            assert (near.hits, far.hits) == (1, 0)
            await cache.disconnect()

        self.run(story)

    def test_messages_of_a_conversation(self) -> None:
        asked: list[str] = []

        async def retrieve() -> list[str]:
            asked.append("messages")
            return ["hello"]

        async def story() -> None:
            cache = open_async_cache("conversations", "in_memory", max_size=500)
            for _ in range(2):
                assert await cache.get_or_set("messages:1", retrieve, ttl=300) == ["hello"]

        self.run(story)
        assert asked == ["messages"]

    def test_what_is_used_least_goes(self) -> None:
        async def story() -> None:
            cache = open_async_cache("lru", "in_memory", max_size=100)
            for number in range(150):
                await cache.set(f"key{number}", f"value{number}")
            assert sorted(await cache.keys(), key=lambda key: int(key[3:])) == [
                f"key{number}" for number in range(50, 150)
            ]

        self.run(story)

    def test_what_expires_is_cleaned_up(self, cachekit_clock: SteppedClock) -> None:
        async def story() -> None:
            cache = open_async_cache(
                "ttl", "in_memory", max_size=1000, cleanup_interval=60, clock=cachekit_clock
            )
            await cache.set("temp", 1, ttl=10)
            cachekit_clock.advance(10)
            assert await cache.get("temp") is None
            await cache.disconnect()

        self.run(story)

    def test_connections_are_pooled(self) -> None:
        async def story() -> None:
            cache = open_async_cache("pool", "redis", url="redis://localhost:6379", pool_size=10)
            await cache.disconnect()

        self.run(story)
