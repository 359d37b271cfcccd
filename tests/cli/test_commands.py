"""What each command tells and does with a cache in which all is well."""

from __future__ import annotations

import csv
import io
import json
import sys
from pathlib import Path

import pytest

from pytest_cachekit.cli import CacheUtils
from pytest_cachekit.storage.file import FileBackend

from .conftest import Command

_TEST = "tests/test_0.py::test_1[case-1]"


def names(command: Command, *words: str) -> list[str]:
    return [test["name"] for test in json.loads(command("list", "--json", *words).stdout)]


@pytest.mark.usefixtures("cache")
def test_list_shows_a_line_for_each_test(command: Command) -> None:
    done = command("list")

    assert done.exit_code == 0
    assert len(done.stdout.splitlines()) == 100
    assert done.stderr == "100 tests\n"
    assert _TEST in done.stdout


@pytest.mark.usefixtures("cache")
@pytest.mark.parametrize(
    ("words", "count"),
    [
        ((), 100),
        (("tests",), 100),
        (("--name", "tests/test_0.py"), 33),
        (("--name", "tests/test_0.py", "--name", "tests/test_3.py"), 34),
        (("--name", "*case-3*"), 14),
        (("--name", _TEST), 1),
        (("--name", "tests/test_0.py::test_1"), 1),
        (("--outcome", "skipped"), 2),
        (("--outcome", "passed", "--outcome", "skipped"), 100),
        (("--older-than", "1d"), 100),
        (("--newer-than", "1d"), 0),
        (("--since", "2023-11-01", "--until", "2023-12-01"), 100),
        (("--until", "2023-11-01"), 0),
        (("--min-size", "1K"), 0),
        (("--max-size", "1K"), 100),
        (("--limit", "7"), 7),
    ],
)
def test_list_shows_what_filters_select(
    command: Command, words: tuple[str, ...], count: int
) -> None:
    assert len(names(command, *words)) == count


@pytest.mark.usefixtures("cache")
def test_list_sorts(command: Command) -> None:
    by_age = names(command, "--sort", "age")

    assert by_age[0] == "tests/test_3.py::test_99[case-1]"
    assert names(command, "--sort", "age", "--reverse")[-1] == by_age[0]
    assert names(command) == sorted(by_age)
    assert "test_0[" in names(command, "--sort", "outcome", "--reverse", "--limit", "2")[1]


@pytest.mark.usefixtures("cache")
def test_list_as_csv_has_a_line_of_names(command: Command) -> None:
    rows = list(csv.DictReader(io.StringIO(command("list", "--csv").stdout)))

    assert len(rows) == 100
    assert {row["kind"] for row in rows} == {"tests"}
    assert float(rows[0]["seconds"]) > 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--older-than", "soon"), "'soon' is no age: write 90s, 30m, 12h, 7d or 2w."),
        (("--min-size", "big"), "'big' is no size: write 512, 10K, 5M or 1G."),
        (("--since", "spring"), "'spring' is no date: write 2025-03-01 or 2025-03-01T12:30."),
        (("--url", "file:x", "--cache-dir", "y"), "give either --cache-dir or --url."),
    ],
)
def test_wrong_usage_is_told(command: Command, words: tuple[str, ...], message: str) -> None:
    done = command("list", *words)

    assert done.exit_code == 2
    assert message in done.stderr


@pytest.mark.usefixtures("cache")
def test_stats_tell_what_runs_did(command: Command) -> None:
    shown = command("stats").stdout

    assert "tests    100 (98 passed, 2 skipped), 100 entries in 1 context" in shown
    assert "45,000  stale: function package/module1.py::function changed" in shown
    assert "50 min 0 s saved" in shown


@pytest.mark.usefixtures("cache")
def test_stats_say_the_same_in_all_formats(command: Command) -> None:
    data = json.loads(command("stats", "--json").stdout)
    table = dict(csv.reader(io.StringIO(command("stats", "--csv").stdout)))
    prometheus = command("stats", "--prometheus").stdout

    assert data["kinds"]["tests"]["outcomes"] == {"passed": 98, "skipped": 2}
    assert len(data["runs"]) == 50
    assert float(table["bytes"]) == data["bytes"]
    assert float(table["runs_saved_seconds"]) == data["saved"] == 3000
    assert f"# TYPE cachekit_bytes gauge\ncachekit_bytes {data['bytes']}\n" in prometheus
    assert "cachekit_tests_passed 98\n" in prometheus


@pytest.mark.usefixtures("cache")
def test_parts_of_the_size_make_the_whole(command: Command) -> None:
    parts = json.loads(command("size", "--breakdown", "--json").stdout)
    total = parts.pop("total")

    assert sum(part["bytes"] for part in parts.values()) == total["bytes"]
    assert parts["tests"]["keys"] == 4
    assert parts["source texts"]["keys"] == 200
    assert "total" in command("size").stdout


@pytest.mark.usefixtures("cache")
def test_show_tells_of_a_test_and_of_a_key(command: Command, cache: Path) -> None:
    shown = command("show", _TEST).stdout
    assert "entry 1 of 1, recorded 2023-11-1" in shown
    assert "└── function function" in shown

    (key,) = (key for key in FileBackend(cache).keys("tests:") if key.endswith("test_3.py"))
    assert "tests/test_3.py::test_99[case-1]" in command("show", key).stdout
    source = next(FileBackend(cache).keys("source:"))
    assert "def function():" in command("show", source).stdout


def test_show_of_what_is_not_there(command: Command) -> None:
    done = command("show", "nothing")

    assert done.exit_code == 4
    assert "Nothing is stored under 'nothing'" in done.stderr


@pytest.mark.usefixtures("cache")
def test_clear_asks_nobody_where_nobody_is(command: Command) -> None:
    done = command("clear")

    assert done.exit_code == 2
    assert "add --yes" in done.stderr
    assert len(names(command)) == 100


@pytest.mark.usefixtures("cache")
@pytest.mark.parametrize(("answer", "left"), [("n\n", 100), ("y\n", 0)])
def test_clear_asks_on_a_terminal(
    command: Command, monkeypatch: pytest.MonkeyPatch, answer: str, left: int
) -> None:
    monkeypatch.setattr("pytest_cachekit.cli.removal.is_terminal", lambda: True)
    done = command("clear", answer=answer)

    assert (
        "will go: 100 tests, 100 entries, 4 records, 200 source texts, 3 run notes" in done.stdout
    )
    assert "Remove them?" in done.stdout
    assert len(names(command)) == left


def test_clear_takes_all_and_says_what_that_freed(command: Command, cache: Path) -> None:
    before = FileBackend(cache).size().bytes
    dry = command("clear", "--dry-run").stdout
    assert len(names(command)) == 100
    done = command("clear", "--yes").stdout

    assert dry.replace("would go", "gone") == done
    assert CacheUtils(cache).clear(dry_run=True).bytes == 0
    assert FileBackend(cache).size() == (0, 0)
    assert before > 0
    assert command("clear", "--yes").stdout == "Nothing to remove.\n"


@pytest.mark.usefixtures("cache")
def test_clear_takes_what_filters_select_and_leaves_the_rest(command: Command) -> None:
    done = command("clear", "tests", "--name", "tests/test_0.py", "--outcome", "passed", "--yes")

    assert done.stdout.startswith("gone: 32 tests, 32 entries, ")
    assert names(command, "--name", "tests/test_0.py") == ["tests/test_0.py::test_0[case-0]"]
    assert len(names(command)) == 68
    assert command("verify").exit_code == 0


def test_clear_leaves_what_others_keep_in_the_same_place(command: Command, cache: Path) -> None:
    FileBackend(cache).set_many({"shop:tea": b"4.5"})
    command("clear", "--yes")

    assert FileBackend(cache).get_many(["shop:tea"]) == {"shop:tea": b"4.5"}


def test_texts_stay_where_records_of_another_version_may_name_them(
    command: Command, cache: Path
) -> None:
    FileBackend(cache).set_many({f"tests:9:{'0' * 32}:tests/test_it.py": b"of the future"})
    done = command("clear", "--yes").stdout

    assert "source texts" not in done
    assert len(list(FileBackend(cache).keys("source:"))) == 200


@pytest.mark.usefixtures("cache")
def test_gc_takes_texts_that_nothing_names(command: Command, cache: Path) -> None:
    # 40 of the 200 modules are named by no test.
    assert "source texts" in command("gc", "--dry-run").stdout
    command("gc")
    assert command("gc").stdout == "Nothing to remove.\n"
    assert len(names(command)) == 100
    left = {key.partition(":")[2] for key in FileBackend(cache).keys("source:")}

    with CacheUtils(cache) as utils:
        named = command("show", _TEST).stdout.count("package/module")
        assert 20 <= named <= len(left) < 200
        assert all(utils.text_of(digest) for digest in left)


@pytest.mark.usefixtures("cache")
def test_gc_takes_what_is_old(command: Command, cache: Path) -> None:
    with CacheUtils(cache) as utils:
        removed = utils.collect_garbage(before=1_700_000_002)
        assert (removed.actions, removed.records) == (66, 2)
    assert {name.partition("::")[0] for name in names(command)} == {
        "tests/test_2.py", "tests/test_3.py",
    }  # fmt: skip
    assert "34 tests" in command("gc", "--older-than", "1w").stdout
    assert names(command) == []


@pytest.mark.usefixtures("cache")
def test_gc_takes_the_oldest_of_what_is_too_much(command: Command, cache: Path) -> None:
    newest = sum(
        len(value)
        for key, value in FileBackend(cache).get_many(FileBackend(cache).keys()).items()
        if key.endswith(("test_2.py", "test_3.py"))
    )
    most = newest + 3000
    command("gc", "--max-size", str(most))
    left = CacheUtils(cache).get_size_breakdown()

    assert left["tests"].bytes + left["source texts"].bytes <= most
    assert "tests/test_3.py::test_99[case-1]" in names(command)
    assert _TEST not in names(command)


@pytest.mark.usefixtures("cache")
def test_config_tells_where_each_value_comes_from(
    command: Command, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (here / "pytest.ini").write_text(
        "[pytest]\naddopts = -q --cachekit-audit=5\ncachekit_mode = read-only\n"
    )
    monkeypatch.setenv("CACHEKIT_EXPLAIN", "yes")
    told = json.loads(command("config", "--json").stdout)

    assert told["cachekit_audit"] == {"value": 5.0, "from": "addopts (--cachekit-audit)"}
    assert told["cachekit_mode"] == {"value": "read-only", "from": "ini value cachekit_mode"}
    assert told["cachekit_explain"]["from"] == "environment variable CACHEKIT_EXPLAIN"
    assert told["cachekit_url"] == {"value": "file:.cachekit", "from": "default"}
    assert "cachekit-audit       5.0" in command("config").stdout


def test_a_broken_configuration_is_told(command: Command, here: Path) -> None:
    (here / "pytest.ini").write_text("[pytest]\ncachekit_mode = sideways\n")
    done = command("list")
    assert done.exit_code == 3
    assert "ini value cachekit_mode: 'sideways' is unknown" in done.stderr

    (here / "pytest.ini").write_text("[pytest\n")
    done = command("list")
    assert done.exit_code == 3
    assert "pytest's configuration can't be read" in done.stderr


@pytest.mark.parametrize("place", ["ini", "addopts", "environment", "option", "url", "below"])
def test_the_cache_is_found_as_pytest_would(
    command: Command, cache: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    moved = cache.rename(cache.parent / "results")
    words: tuple[str, ...] = ()
    if place == "ini":
        (cache.parent / "pytest.ini").write_text("[pytest]\ncachekit_url = file:results\n")
    elif place == "addopts":
        (cache.parent / "pytest.ini").write_text(
            "[pytest]\naddopts = --cachekit-url file:results\n"
        )
    elif place == "environment":
        monkeypatch.setenv("CACHEKIT_URL", "file:results")
    elif place == "option":
        words = ("--cache-dir", "results")
    elif place == "url":
        words = ("--url", "file:results")
    else:
        moved.rename(cache)
        (cache.parent / "tests").mkdir()
        monkeypatch.chdir(cache.parent / "tests")

    assert len(names(command, *words)) == 100


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_a_script(command: Command, shell: str) -> None:
    assert "_CACHEKIT_COMPLETE" in command("completion", shell).stdout


def test_the_doctor_finds_all_well(command: Command, cache: Path) -> None:
    done = command("doctor")

    assert done.exit_code == 0, done.stdout
    assert f"{sys.version_info[0]}.{sys.version_info[1]}" in done.stdout
    assert "rights       can be written" in done.stdout
    assert list(FileBackend(cache).keys("probe")) == []
