"""`cachekit why` says what pytest will say, without running anything."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.harness import After, Project

FILES = {
    "shop.py": """
        import json
        import os
        from pathlib import Path

        RATE = 2

        def price(base):
            return base * 2

        def stock():
            return json.loads(Path("stock.json").read_text())

        def currency():
            return os.environ.get("CURRENCY", "EUR")

        def has_offer():
            return Path("offer.txt").exists()
        """,
    "stock.json": '{"tea": 1}',
    "test_shop.py": """
        import pytest
        import shop

        @pytest.mark.parametrize("base", [1, 2])
        def test_price(base):
            assert shop.price(base) in (2, 4)
        def test_stock():
            assert shop.stock()["tea"] == 1
        def test_currency():
            assert shop.currency() == "EUR"
        def test_offer():
            assert not shop.has_offer()
        def test_fails():
            assert 0
        @pytest.mark.cachekit(enabled=False, reason="asks the stars")
        def test_marked():
            pass
        def test_verbose(request):
            assert request.config.getoption("verbose") >= 0
        """,
    "test_apart.py": "def test_apart(): pass",
}
PRICE = "test_shop.py::test_price[1]"


def record(project: Project) -> Project:
    project = project.write(FILES)
    project.run("--cachekit")
    # The second run knows of each test what its outcome was before.
    project.run("--cachekit")
    return project


@pytest.fixture
def recorded(after: After) -> Project:
    return after(record)


def why(project: Project, nodeid: str, status: int = 1) -> list[dict[str, Any]]:
    done = project.command("why", "--json", nodeid)
    assert done.returncode == status, done.stdout + done.stderr
    assert done.stderr == ""
    return list(json.loads(done.stdout))


def agree(project: Project) -> dict[str, str]:
    """Check that the command and a run say the same of each test; return the verdicts."""
    told = {one["nodeid"]: one for one in why(project, "test_shop.py")}
    run = project.run("--cachekit")
    for nodeid, verdict in run.verdicts.items():
        if nodeid in told:
            assert told[nodeid]["verdict"] == verdict, nodeid
            if verdict in ("hit", "stale", "uncacheable"):
                assert told[nodeid]["reason"] == run.reasons[nodeid]
    assert told.keys() >= {nodeid for nodeid in run.verdicts if "apart" not in nodeid}
    return {nodeid.partition("::")[2]: one["verdict"] for nodeid, one in told.items()}


@pytest.mark.parametrize(
    ("change", "noticed"),
    [
        pytest.param(lambda project: project, set(), id="nothing"),
        pytest.param(
            lambda project: project.replace("shop.py", "base * 2", "base + base"),
            {"test_price[1]", "test_price[2]"},
            id="a function",
        ),
        pytest.param(
            lambda project: project.write({"stock.json": '{"tea": 1, "milk": 2}'}),
            {"test_stock"},
            id="a file",
        ),
        pytest.param(
            lambda project: project.write({"offer.txt": "half price"}),
            {"test_offer"},
            id="a file that was absent",
        ),
        pytest.param(
            lambda project: project.with_environment(CURRENCY="USD"),
            {"test_currency"},
            id="a variable",
        ),
        pytest.param(lambda project: project.touch(), set(), id="time stamps"),
        pytest.param(
            lambda project: project.write({"json.py": "def loads(text): return {'tea': 1}"}),
            {"test_price[1]", "test_price[2]", "test_stock", "test_currency", "test_offer"}
            | {"test_verbose"},
            id="a nearer module",
        ),
    ],
)
def test_it_agrees_with_the_next_run(
    recorded: Project, change: Callable[[Project], Project], noticed: set[str]
) -> None:
    verdicts = agree(change(recorded))

    assert {name for name, verdict in verdicts.items() if verdict == "stale"} == noticed
    assert verdicts["test_fails"] == "miss"
    assert verdicts["test_marked"] == "uncacheable"


def test_it_shows_what_changed_in_a_function(recorded: Project) -> None:
    (one,) = why(recorded.replace("shop.py", "base * 2", "base * 3"), PRICE)

    assert one["reason"] == "function shop.py::price changed"
    assert one["difference"]["diff"] == [
        "--- recorded",
        "+++ now",
        "@@ -1,2 +1,2 @@",
        " def price(base):",
        "-    return base * 2",
        "+    return base * 3",
    ]


def test_it_shows_fingerprints_of_what_is_no_source(recorded: Project) -> None:
    (one,) = why(recorded.write({"offer.txt": ""}), "test_shop.py::test_offer")

    assert one["difference"]["old"] == "absent"
    assert one["difference"]["new"] not in ("absent", None)


def test_it_is_never_surer_than_a_run_about_bindings(recorded: Project) -> None:
    changed = recorded.replace("shop.py", "RATE = 2", "RATE = 3")
    shown = changed.command("why", "test_shop.py").stdout
    assert (
        f"{PRICE}: stale (may not need to run): import-time code of shop.py (`RATE = 3`)" in shown
    )
    assert shown.count("only a run finds out") == 1
    told = {one["nodeid"]: one for one in why(changed, "test_shop.py")}
    run = changed.run("--cachekit")

    # Nothing of the project is loaded, so who names a binding can't be told.
    assert run.verdicts[PRICE] == "hit"
    assert told[PRICE]["verdict"] == "stale"
    assert told[PRICE]["certain"] is False
    assert {"-RATE = 2", "+RATE = 3"} <= set(told[PRICE]["difference"]["diff"])


def test_it_draws_what_a_test_depends_on(recorded: Project) -> None:
    done = recorded.command("why", "test_shop.py::test_stock")

    assert done.returncode == 0
    assert "test_shop.py::test_stock: hit: all inputs unchanged" in done.stdout
    assert "│   └── function stock" in done.stdout
    assert "file stock.json" in done.stdout
    assert "As the last run of this checkout was" in done.stdout
    assert "\x1b[" not in done.stdout


def test_it_tells_why_a_result_was_not_stored(recorded: Project) -> None:
    (one,) = why(recorded, "test_shop.py::test_fails")

    assert one["verdict"] == "miss"
    assert one["not_stored"] == "failed in call"


def test_it_answers_for_the_options_of_the_last_run(recorded: Project) -> None:
    recorded.run("--cachekit", "-v")
    (one,) = why(recorded, "test_shop.py::test_verbose", status=0)
    assert one["verdict"] == "hit"

    assert recorded.run("--cachekit", "-v").verdicts["test_shop.py::test_verbose"] == "hit"


def test_a_copy_of_the_cache_speaks_for_another_checkout(recorded: Project, tmp_path: Path) -> None:
    elsewhere = recorded.copy_to(tmp_path / "elsewhere")
    done = elsewhere.command("why", PRICE)

    assert done.returncode == 0, done.stdout
    assert "As the last run of another checkout or machine was" in done.stdout


def test_workers_tell_where_modules_were_looked_for(project: Project) -> None:
    project = project.with_plugins("xdist").ini("pythonpath = src")
    project = project.write({"src/lib.py": "", "test_it.py": "import lib\ndef test_it(): pass"})
    # Nothing is stored yet, so the controller collects nothing.
    project.run("--cachekit", "-n", "1")

    assert why(project, "test_it.py::test_it", status=0)[0]["verdict"] == "hit"


def test_signed_results_are_told_to_who_has_the_key(project: Project) -> None:
    project = project.write(FILES).ini("cachekit_namespace = shop")
    signed = project.with_environment(CACHEKIT_SIGNING_KEY="a key of some length")
    signed.run("--cachekit")

    assert why(signed, PRICE, status=0)[0]["verdict"] == "hit"
    changed = signed.with_environment(CURRENCY="USD")
    assert why(changed, "test_shop.py::test_currency")[0]["verdict"] == "stale"
    for words in (["list"], ["gc"], ["clear", "--yes"], ["why", PRICE]):
        done = project.command(*words)
        assert done.returncode == 3, done.stdout
        assert "set CACHEKIT_SIGNING_KEY" in done.stderr
    assert signed.run("--cachekit").verdicts[PRICE] == "hit"


def test_other_circumstances_than_the_last_run_had_are_told(recorded: Project) -> None:
    done = recorded.with_environment(TZ="Asia/Tokyo").command("why", PRICE)

    assert "it had not TZ='Asia/Tokyo'" in done.stdout
    assert done.returncode == 1


def test_another_configuration_is_told(recorded: Project) -> None:
    changed = recorded.ini("xfail_strict = true")
    done = changed.command("why", PRICE)

    assert "ini value xfail_strict was another" in done.stdout
    assert done.returncode == 1
    assert changed.run("--cachekit").verdicts[PRICE] == "miss"


def test_node_ids_may_be_written_from_a_directory_below(project: Project) -> None:
    project = project.write({"tests/test_it.py": "def test_it(): pass"})
    project.run("--cachekit")
    for nodeid in ("tests/test_it.py::test_it", f"{project.root}/tests/test_it.py::test_it"):
        assert why(project, nodeid, status=0)[0]["nodeid"] == "tests/test_it.py::test_it"


@pytest.mark.parametrize("nodeid", ["test_shop.py::test_new", "nothing.py::test_it", "nothing.py"])
def test_a_test_that_is_not_known_is_a_miss(recorded: Project, nodeid: str) -> None:
    (one,) = why(recorded, nodeid)

    assert (one["verdict"], one["reason"]) == ("miss", "no result stored yet")


def test_without_a_cache_all_miss_and_none_is_made(project: Project) -> None:
    done = project.write(FILES).command("why", PRICE)

    assert done.returncode == 1
    assert "miss: no run with --cachekit is known to this cache" in done.stdout
    assert not project.cache.exists()
