"""A plan is found for the task that it is for, and for tasks like it; what becomes of it counts."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_cachekit.actions.plan_likeness import likeness
from pytest_cachekit.actions.plan_template import PlanTemplate, fill
from pytest_cachekit.actions.plans import PlanCache
from pytest_cachekit.cli import CacheUtils
from pytest_cachekit.errors import CacheUsageError
from tests.execution.conftest import Clock

ENDPOINT = "Add the endpoint {path} to {service}"
STEPS = [{"edit": "{service}/routes.py", "add": "{path}"}, "run the tests of {service}"]
BUG = "Fix the bug in {file}"


@pytest.fixture
def cache(tmp_path: Path, clock: Clock) -> Iterator[PlanCache]:
    with PlanCache(f"file:{tmp_path}/cache", ttl=3600, max_entries=20, clock=clock) as cache:
        cache.put(ENDPOINT, STEPS)
        cache.put(BUG, ["open {file}", "tell {who}"], defaults={"who": "nobody"})
        yield cache


def test_the_task_itself_is_an_exact_match(cache: PlanCache) -> None:
    match = cache.match("add the endpoint  /users to billing")

    assert match is not None
    assert (match.is_exact, match.score, match.template) == (True, 1.0, ENDPOINT)
    assert match.parameters == {"path": "/users", "service": "billing"}
    assert match.plan == [
        {"edit": "billing/routes.py", "add": "/users"},
        "run the tests of billing",
    ]
    assert match.missing == ()
    assert "exactly this task" in match.explanation


def test_a_task_like_it_is_a_near_match_and_says_why(cache: PlanCache) -> None:
    match = cache.match("please add endpiont /users to billing")

    assert match is not None
    assert not match.is_exact
    assert 0.6 <= match.score < 1
    assert match.parameters == {"path": "/users", "service": "billing"}
    assert match.explanation.startswith(f"{match.score:.2f}: 3 of 4 words")
    for part in ("'endpiont' for 'endpoint'", "without 'the'", "besides 'please'"):
        assert part in match.explanation
    assert cache.match("please add endpiont /users to billing", threshold=0.99) is None
    assert cache.match("bake a cake") is None
    assert cache.stats() == (2, 0, 1, 2)
    assert cache.stats().hit_rate == pytest.approx(1 / 3)


def test_parameters_can_be_given_and_have_defaults(cache: PlanCache) -> None:
    match = cache.match("Fix the bug in app.py", parameters={"file": "other.py"})
    assert match is not None
    assert match.plan == ["open other.py", "tell nobody"]

    lost = cache.match("Fix the bug")
    assert lost is not None
    assert lost.missing == ("file",)
    assert lost.plan == ["open {file}", "tell nobody"]
    assert "no value for file" in lost.explanation


def test_what_became_of_plans_changes_their_order(cache: PlanCache) -> None:
    cache.put("Fix a bug in {file}", ["guess"])
    task = "Fix the bug in app.py"
    assert [match.template for match in cache.matches(task)] == [BUG, "Fix a bug in {file}"]

    for _ in range(3):
        match = cache.match(task)
        assert match is not None
        usage = cache.record_failure(match)
    assert usage == (3, 0, 3)
    assert usage.success_rate == 0
    usage = cache.record_success("Fix a bug in {file}")
    assert (usage.uses, usage.success_rate) == (0, 1)
    best = cache.match(task)
    assert best is not None
    assert best.template == "Fix a bug in {file}"
    assert "succeeded 1 of 1 times" in best.explanation


def test_the_template_that_says_most_is_taken(cache: PlanCache) -> None:
    cache.put("Add {thing}", ["improvise"])
    match = cache.match("Add the endpoint /users to billing")

    assert match is not None
    assert match.template == ENDPOINT


def test_what_another_process_does_is_noticed(cache: PlanCache, clock: Clock) -> None:
    with PlanCache(cache._backend, clock=clock) as other:
        other.put("Bake {what}", ["heat the oven"])
        found = cache.match("bake a cake")
        assert found is not None
        assert found.parameters == {"what": "a cake"}

        cache.remove("Bake {what}")
        assert other.match("bake a cake") is None
        other.put(BUG, "another plan")
    match = cache.match("Fix the bug in app.py")
    assert match is not None
    assert match.plan == "another plan"


def test_plans_expire_and_make_room(cache: PlanCache, clock: Clock) -> None:
    for number in range(25):
        clock.now += 1
        cache.put(f"Deploy number{number} to {{place}}", [])
        assert cache.match("Fix the bug in app.py") is not None
    assert cache.stats().templates <= 20
    assert BUG in cache.templates()
    assert ENDPOINT not in cache.templates()

    clock.now += 3600
    assert cache.match("Fix the bug in app.py") is None
    assert cache.remove_expired().entries >= 18
    assert list(cache._backend.keys("plan-uses:")) == []
    assert cache.clear().entries == 0


def test_the_command_lists_and_clears_plans(cache: PlanCache, tmp_path: Path) -> None:
    cache.match("Fix the bug in app.py")
    with CacheUtils(tmp_path / "cache", project=tmp_path) as utils:
        assert sorted(action.name for action in utils.list_entries(kind="plans")) == [ENDPOINT, BUG]
        assert utils.get_size_breakdown()["plans"].keys == 3
        assert utils.verify().faults == ()
        assert utils.collect_garbage(dry_run=True).keys == []
        removed = utils.clear(kind="plans")
        assert (removed.actions, removed.files) == (2, 1)
    assert cache.match("Fix the bug in app.py") is None


@pytest.mark.parametrize("text", ["", "{a}", "{a} - {b}", "say {a}{b}", "x " + "{a} , " * 30])
def test_templates_that_are_none(cache: PlanCache, text: str) -> None:
    with pytest.raises(CacheUsageError):
        cache.put(text, [])


def test_bad_limits_and_plans(tmp_path: Path, cache: PlanCache) -> None:
    with pytest.raises(CacheUsageError, match="keeps nothing"):
        PlanCache("memory:", max_entries=0)
    with pytest.raises(CacheUsageError, match="from 0 to 1"):
        cache.match("x", threshold=75)
    for plan in (object(), (1, 2)):
        with pytest.raises(CacheUsageError, match="plan"):
            cache.put("Do {it}", plan)


def test_without_rapidfuzz_exact_matches_alone(
    cache: PlanCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "rapidfuzz", None)

    assert cache.match("Fix the bug in app.py") is not None
    assert cache.match("Fix bugs", threshold=1) is None
    with pytest.raises(CacheUsageError, match=r"install pytest-cachekit\[plans\]"):
        cache.match("Fix some bug in app.py")


def test_braces_that_are_no_parameters_are_text() -> None:
    assert PlanTemplate("set {} and { a } of {name}").match("set {} and { a } of x") == {
        "name": "x"
    }
    assert PlanTemplate("say {word} and {word}").match("say hi and ho") is None
    assert PlanTemplate("write test_{name}").match("write test_it now") == {"name": "it now"}
    assert fill({"{a}": ["{a}", "{b} {a}", 3]}, {"a": 1}) == {1: [1, "{b} 1", 3]}


WORDS = st.sampled_from(["add", "the", "file", "move", "it", "to", "here", "really"])


@given(st.lists(st.one_of(WORDS, st.just("{p}")), min_size=2, max_size=8), st.data())
def test_what_is_filled_in_is_found_again(parts: list[str], data: st.DataObject) -> None:
    names = iter("abcdefgh")
    words = [f"{{{next(names)}}}" if part == "{p}" else part for part in parts]
    if not set(parts) - {"{p}"}:
        return
    template = PlanTemplate(" ".join(words))
    values = {name: data.draw(st.sampled_from(["x", "y z", "add"])) for name in template.parameters}
    task = fill(template.text, values)
    found = template.match(task)

    assert found is not None
    assert fill(template.text, found) == task
    assert likeness(template, task).score > 0.8


@given(st.lists(st.lists(WORDS, min_size=1, max_size=5), min_size=1, max_size=30), st.data())
def test_the_index_finds_what_looking_at_all_would(
    texts: list[list[str]], data: st.DataObject
) -> None:
    task = " ".join(data.draw(st.lists(WORDS, min_size=1, max_size=5)))
    with PlanCache("memory:") as cache:
        cache.put_many({" ".join(words): [] for words in texts})
        found = cache.matches(task, limit=40, threshold=0.3)
    scores = {text: likeness(PlanTemplate(text), task).score for text in map(" ".join, texts)}

    assert {match.template for match in found} == {
        text for text, score in scores.items() if score >= 0.3
    }
    assert found == sorted(found, key=lambda match: match.order)


def test_threads_share_a_cache(cache: PlanCache) -> None:
    def use(number: int) -> list[object]:
        cache.put(f"Paint thing{number} {{colour}}", [number, "{colour}"])
        found = [cache.match(f"paint thing{each} red", threshold=1) for each in range(number + 1)]
        return [match and match.plan for match in found]

    with ThreadPoolExecutor(8) as pool:
        for number, plans in enumerate(pool.map(use, range(12))):
            assert plans[number] == [number, "red"]
            assert all(plan is None or plan == [each, "red"] for each, plan in enumerate(plans))
