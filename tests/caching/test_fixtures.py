"""The fixtures as others meet them: in projects of their own, alone and side by side."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.harness import Project

from .servers import Server

SHOP = Path(__file__).parents[2] / "examples" / "shop"
ISOLATED = """
    import pytest

    @pytest.mark.parametrize("turn", range(3))
    def test_it(cachekit, turn):
        assert cachekit.keys() == []
        cachekit.set_many({"key": turn, "brief": 1}, ttl=60)
        assert cachekit.get("key") == turn

    def test_two_caches_are_apart(cachekit_factory):
        for kind in ("memory", "file", "redis", "tiered"):
            one, other = cachekit_factory(kind), cachekit_factory(kind)
            one.set("key", 1)
            assert other.keys() == []
    """


@pytest.fixture
def shop(project: Project) -> Project:
    """The example, as a project of its own."""
    files = {
        path.relative_to(SHOP).as_posix(): path.read_bytes()
        for path in SHOP.rglob("*")
        if path.suffix in (".py", ".ini")
    }
    return project.write(files)


def test_the_example_passes_on_fakeredis(shop: Project) -> None:
    run = shop.run("-W", "error")

    assert run.counts == {"passed": 12}, run.stdout
    assert "cachekit: redis fixtures use fakeredis" in run.stdout


def test_the_example_passes_on_a_real_server(shop: Project, server: Server) -> None:
    server.client().set("of somebody else", "kept")
    before = set(server.client().keys())
    run = shop.run("-W", "error", f"--cachekit-redis-url={server.url}")

    assert run.counts == {"passed": 12}, run.stdout
    assert f"redis fixtures use the server at {server.url}" in run.stdout
    assert set(server.client().keys()) == before


def test_the_example_is_replayed_like_other_tests(shop: Project) -> None:
    shop.run("--cachekit")
    again = shop.run("--cachekit")

    assert again.counts == {"passed": 12}
    assert again.exit_status == 0


def test_each_test_sees_empty_caches_side_by_side(project: Project, server: Server) -> None:
    project = project.write({"test_it.py": ISOLATED}).with_plugins("xdist")
    for options in ((), (f"--cachekit-redis-url={server.url}",)):
        run = project.run("-n2", *options)
        assert run.counts == {"passed": 3 * 4 + 1}, run.stdout


@pytest.mark.parametrize(
    ("ini", "arguments", "expected"),
    [
        ((), (), ["memory", "file", "redis", "tiered"]),
        (("cachekit_backends = memory, file",), (), ["memory", "file"]),
        (("cachekit_backends = memory",), ("--cachekit-backends=file,redis",), ["file", "redis"]),
    ],
)
def test_backends_are_narrowed_for_all(
    project: Project, ini: tuple[str, ...], arguments: tuple[str, ...], expected: list[str]
) -> None:
    test = "def test_it(cachekit): pass\ndef test_soon(cachekit_async): pass\n"
    run = project.ini(*ini).write({"test_it.py": test}).run(*arguments)

    names = [
        f"test_it.py::{test}[{kind}]" for test in ("test_it", "test_soon") for kind in expected
    ]
    assert list(run.junit) == names


def test_backends_are_narrowed_by_a_marker(project: Project) -> None:
    test = """
        import pytest

        @pytest.mark.cachekit_backends("memory", "file")
        class TestShop:
            def test_it(self, cachekit): pass

            @pytest.mark.cachekit_backends("file")
            def test_nearer(self, cachekit): pass
        """
    run = project.ini("addopts = --strict-markers").write({"test_it.py": test}).run()

    assert [name.partition("TestShop::")[2] for name in run.junit] == [
        "test_it[memory]", "test_it[file]", "test_nearer[file]",
    ]  # fmt: skip


def test_unknown_backends_are_told(project: Project) -> None:
    test = {"test_it.py": "def test_it(cachekit): pass\n"}
    run = project.write(test).run("--cachekit-backends=memory,cassandra")

    assert run.exit_status != 0
    assert "write some of memory, file, redis, tiered" in run.stdout + run.stderr


@pytest.mark.parametrize("hang", [False, True], ids=["refused", "hung"])
@pytest.mark.parametrize("real", [False, True], ids=["fakeredis", "real server"])
def test_an_outage_and_its_end(
    project: Project, request: pytest.FixtureRequest, hang: bool, real: bool
) -> None:
    test = f"""
        import asyncio, time
        import pytest
        from pytest_cachekit.errors import StorageError

        def test_it(cachekit_redis, cachekit_outage):
            cachekit_redis.set("key", 1)
            start = time.monotonic()
            with cachekit_outage.begin(hang={hang}):
                for _ in range(3):
                    with pytest.raises(StorageError):
                        cachekit_redis.get("key")
            assert time.monotonic() - start < 1
            assert cachekit_redis.get("key") == 1

        def test_soon(cachekit_async_redis, cachekit_outage):
            async def story():
                async with cachekit_async_redis as cache:
                    await cache.set("key", 1)
                    cachekit_outage.begin(hang={hang})
                    with pytest.raises(StorageError):
                        await cache.get("key")
                    cachekit_outage.end()
                    assert await cache.get("key") == 1
            asyncio.run(story())

        def test_it_ends_with_the_test(cachekit_redis):
            assert cachekit_redis.problem() is None
        """
    url: tuple[str, ...] = ()
    if real:
        server: Server = request.getfixturevalue("server")
        url = (f"--cachekit-redis-url={server.url}",)
    run = project.write({"test_it.py": test}).run(*url)

    assert run.counts == {"passed": 3}, run.stdout


def test_the_clock_moves_all_caches(project: Project) -> None:
    test = """
        def test_it(cachekit, cachekit_clock):
            cachekit.set("brief", 1, ttl=10)
            cachekit.set("long", 2, ttl=100)
            cachekit_clock.advance(9)
            assert sorted(cachekit.keys()) == ["brief", "long"]
            cachekit_clock.advance(2)
            assert cachekit.keys() == ["long"]
        """
    assert project.write({"test_it.py": test}).run().counts == {"passed": 4}


def test_without_fakeredis_it_says_what_to_install(project: Project) -> None:
    files = {
        "conftest.py": "import sys\nsys.modules['fakeredis'] = None\n",
        "test_it.py": "def test_it(cachekit_redis): pass\ndef test_other(cachekit_memory): pass\n",
    }
    run = project.write(files).run()

    assert run.counts == {"passed": 1, "error": 1}
    assert "pytest-cachekit[testing]" in run.stdout


def test_a_run_that_uses_none_imports_nothing_for_them() -> None:
    program = (
        "import sys, pytest\n"
        "pytest.main(['-q', '-p', 'cachekit', '--collect-only', sys.argv[1]])\n"
        "print(*(name for name in sys.modules if 'redis' in name or 'cachekit.' in name))"
    )
    environment = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    command = [sys.executable, "-c", program, str(SHOP.parent / "orbits")]
    told = subprocess.check_output(command, text=True, env=environment).splitlines()[-1]

    assert set(told.split()) == {
        "pytest_cachekit.plugin", "pytest_cachekit.plugin.entry", "pytest_cachekit.plugin.fixtures",
        "pytest_cachekit.plugin.hookspecs",
        "pytest_cachekit.settings", "pytest_cachekit.errors",
    }  # fmt: skip


def test_a_fixture_of_the_same_name_is_left_alone(project: Project) -> None:
    own = """
        import pytest

        @pytest.fixture
        def cachekit():
            return "own"

        def test_it(cachekit):
            assert cachekit == "own"
        """

    assert project.write({"test_it.py": own}).run().counts == {"passed": 1}
