"""A remote tier of several servers: a cluster, and a master that Sentinels name."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from .caching.several_servers import Cluster, Sentinels, running
from .harness import Project
from .result import Run

FILES = {
    "code_.py": "def double(number):\n    return 2 * number\n",
    **{
        f"test_{n}.py": f"import code_\ndef test_{n}(): assert code_.double({n}) == {2 * n}\n"
        for n in range(12)
    },
}
ALL = {f"test_{n}.py::test_{n}" for n in range(12)}


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with running(Cluster(tmp_path_factory.mktemp("cluster"))) as started:
        yield started


@pytest.fixture
def sentinels(tmp_path: Path) -> Iterator[Sentinels]:
    with running(Sentinels(tmp_path / "servers")) as started:
        yield started


def runner(place: Path, name: str, url: str) -> Project:
    """Return the project in a directory of its own, with a cold cache, before these servers."""
    project = Project(place / name / f"checkout-{name}").write(FILES)
    return project.with_environment(CACHEKIT_REMOTE=url)


def warnings(run: Run) -> int:
    return run.stdout.count("CacheUnavailableWarning")


def test_a_cluster_serves_all_runners_in_one_batch_each(cluster: Cluster, tmp_path: Path) -> None:
    recorded = runner(tmp_path, "a", cluster.url).run("--cachekit")
    replayed = runner(tmp_path, "b", cluster.url).run("--cachekit")

    assert recorded.stats["remote"]["batches"] == 2
    assert replayed.verdicts == dict.fromkeys(ALL, "hit")
    assert replayed.stats["remote"]["batches"] == 1
    assert replayed.junit == recorded.junit
    # Each master has a share of it.
    assert all(server.client().dbsize() for server in cluster.masters)

    edited = runner(tmp_path, "c", cluster.url).write({"code_.py": FILES["code_.py"] + "x = 1\n"})
    assert edited.run("--cachekit").stats["remote"]["batches"] == 3


def test_a_master_without_a_replica_dies(cluster: Cluster, tmp_path: Path) -> None:
    project = runner(tmp_path, "d", cluster.url)
    project.run("--cachekit")
    cluster.masters[2].kill()
    run = runner(tmp_path, "e", cluster.url).run("--cachekit")

    assert run.counts == {"passed": 12, "warning": 1}
    assert warnings(run) == 1
    assert "see that it runs" in run.stdout
    # What the other runner has at hand needs no server.
    again = project.run("--cachekit")
    assert again.verdicts == dict.fromkeys(ALL, "hit")
    assert warnings(again) == 0


def test_what_was_recorded_before_a_failover_hits_after_it(
    sentinels: Sentinels, tmp_path: Path
) -> None:
    recorded = runner(tmp_path, "a", sentinels.url).run("--cachekit")
    assert warnings(recorded) == 0
    sentinels.fail_over()
    replayed = runner(tmp_path, "b", sentinels.url).run("--cachekit")

    assert replayed.verdicts == dict.fromkeys(ALL, "hit")
    assert warnings(replayed) == 0
    sentinels.kill()
    alone = runner(tmp_path, "c", sentinels.url).run("--cachekit")
    assert alone.counts == {"passed": 12, "warning": 1}
    assert warnings(alone) == 1
    assert "no Sentinel names a master" in alone.stdout
