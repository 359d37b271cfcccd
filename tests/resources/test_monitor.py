"""Readings are judged, told and remembered; watching ends when it should."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from pytest_cachekit.errors import CacheUsageError
from pytest_cachekit.resources import (
    ContainerLimits,
    ResourceLimits,
    ResourceMonitor,
    ResourceReader,
    Violation,
    container_limits,
)
from pytest_cachekit.resources.reading import peak_memory
from tests.resources.conftest import Clock, Readings


def watchers() -> int:
    return sum(thread.name == "cachekit-resources" for thread in threading.enumerate())


def test_a_limit_is_told_when_it_begins_to_be_exceeded(readings: Readings) -> None:
    monitor = ResourceMonitor(readings, ResourceLimits(memory=200, least_disk_free=500))
    told: list[Violation] = []
    monitor.on_violation(told.append)
    for memory in (100, 300, 400, 100, 500):
        readings.memory = memory
        monitor.check()

    assert told == [("memory", 300, 200), ("memory", 500, 200)]
    assert str(told[0]) == "memory is 300, above the limit of 200"
    readings.memory = 600
    assert monitor.check() == [("memory", 600, 200)]


def test_history_averages_and_peaks(readings: Readings) -> None:
    monitor = ResourceMonitor(readings, history=2)
    assert monitor.summary() == {}
    for memory in (900, 100, 300):
        readings.memory = memory
        monitor.check()

    assert [reading.memory for reading in monitor.readings()] == [100, 300]
    assert monitor.summary()["memory"] == (300, 200, 300, 900)
    assert monitor.summary()["cpu_percent"].average == 50


def test_who_listens_and_fails_ends_nothing(readings: Readings) -> None:
    monitor = ResourceMonitor(readings, ResourceLimits(processes=1))
    told: list[Violation] = []
    monitor.on_violation(lambda violation: 1 / 0)
    monitor.on_violation(told.append)
    monitor.tick()

    assert [violation.resource for violation in told] == ["processes"]
    assert "division by zero" in monitor.errors[0]


def test_watching_starts_and_stops_and_leaves_no_thread(readings: Readings) -> None:
    before = watchers()
    read = threading.Event()
    monitor = ResourceMonitor(readings, ResourceLimits(memory=1), interval=0.001)
    monitor.on_violation(lambda _: read.set())
    with monitor:
        monitor.start()
        assert read.wait(10)
        assert watchers() == before + 1
        assert monitor.is_running
    assert watchers() == before
    monitor.stop()
    monitor.start()
    assert watchers() == before + 1
    # Nobody has it any more, and it wasn't stopped.
    thread = monitor._thread
    assert thread is not None
    del monitor
    gc.collect()
    thread.join(10)
    assert watchers() == before


def test_this_process_and_its_children_are_read(tmp_path: Path, clock: Clock) -> None:
    (tmp_path / "file").write_bytes(bytes(1000))
    reader = ResourceReader(tmp_path, clock=clock)
    alone = reader.read()
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        together = reader.read()
        child.communicate(b"\n")

    (tmp_path / "file").write_bytes(bytes(3000))
    assert reader.read().disk == 1000
    clock.now += 10
    assert reader.read().disk == 3000
    assert alone.memory > 1_000_000
    assert alone.cpu_percent == 0
    assert (alone.disk, alone.at) == (1000, clock.now - 10)
    assert (alone.disk_free or 0) > 0
    assert together.processes == alone.processes + 1
    assert together.open_files > 3
    own, children = peak_memory()
    assert own > 1_000_000
    assert children > 1_000_000


def test_computing_shows(clock: Clock) -> None:
    reader = ResourceReader(clock=clock)
    reader.read()
    start = time.process_time()
    while time.process_time() - start < 0.05:
        sum(range(1000))
    clock.now += 0.2
    found = reader.read()
    assert found.cpu_percent >= 20

    # Too soon to tell: the kernel's ticks would count for thousands of percent.
    sum(range(1_000_000))
    clock.now += 0.001
    assert reader.read().cpu_percent == found.cpu_percent


def test_readings_need_psutil(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psutil", None)
    with pytest.raises(CacheUsageError, match=r"install pytest-cachekit\[resources\]"):
        ResourceReader()


def test_a_process_that_is_none() -> None:
    with pytest.raises(CacheUsageError, match="name one that runs"):
        ResourceReader(process=2**22 + 7)


def write(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def test_limits_of_containers_version_2(tmp_path: Path) -> None:
    mount = write(
        tmp_path / "mount",
        {
            "memory.max": "max\n", "a/memory.max": "1000000\n", "a/b/memory.max": "2000000\n",
            "a/b/cpu.max": "150000 100000\n", "a/cpu.max": "max 100000\n", "a/b/pids.max": "64\n",
        },
    )  # fmt: skip
    groups = write(tmp_path, {"groups": "0::/a/b\n"}) / "groups"

    assert container_limits(groups, mount) == (1_000_000, 1.5, 64)
    limits = ResourceLimits.of_container(0.5, container_limits(groups, mount))
    assert (limits.memory, limits.cpu_percent, limits.processes) == (500_000, 75.0, 32)


def test_limits_of_containers_version_1(tmp_path: Path) -> None:
    mount = write(
        tmp_path / "mount",
        {
            "memory/memory.limit_in_bytes": "3000000\n",
            "memory/docker/x/memory.limit_in_bytes": "9223372036854771712\n",
            "cpu/cpu.cfs_quota_us": "50000\n", "cpu/cpu.cfs_period_us": "100000\n",
            "cpu/docker/x/cpu.cfs_quota_us": "-1\n", "cpu/docker/x/cpu.cfs_period_us": "100000\n",
            "pids/pids.max": "max\n",
        },
    )  # fmt: skip
    text = "5:memory:/docker/x\n4:cpu,cpuacct:/docker/x\n3:pids:/docker/x\n1:name=systemd:/\n"
    groups = write(tmp_path, {"groups": text}) / "groups"

    assert container_limits(groups, mount) == (3_000_000, 0.5, None)


def test_no_container_limits_nothing(tmp_path: Path) -> None:
    assert container_limits(tmp_path / "none", tmp_path) == ContainerLimits()
    strange = write(tmp_path, {"groups": "0::/../../etc\nx\n0::/a\n", "a/cpu.max": "x y"})
    assert container_limits(strange / "groups", strange) == ContainerLimits()
    assert ResourceLimits.of_container(limits=ContainerLimits()) == ResourceLimits()
    assert container_limits().memory != 0


@pytest.mark.parametrize("limit", ["memory", "open_files", "least_disk_free"])
def test_limits_that_allow_nothing(limit: str) -> None:
    with pytest.raises(CacheUsageError, match="allows nothing"):
        ResourceLimits(**{limit: 0})
    with pytest.raises(CacheUsageError, match="share"):
        ResourceLimits.of_container(1.5)
    with pytest.raises(CacheUsageError, match="positive"):
        ResourceMonitor(Readings(), interval=0)


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_forked_child_watches_nothing(readings: Readings) -> None:
    with ResourceMonitor(readings, interval=60) as monitor:
        child = os.fork()
        if not child:
            os._exit(0 if not monitor.is_running else 1)
        assert os.waitpid(child, 0)[1] == 0
