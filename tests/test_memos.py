"""What a memo holds was computed in another test's time; whoever reads it rests on that too."""

from __future__ import annotations

import pytest

from .harness import Project
from .stories import Story, replacing, stories

SECOND = "test_it.py::test_second"


@stories(
    Story(
        "a lazily filled global",
        {
            "mod.py": """
                _value = None
                def get():
                    global _value
                    if _value is None:
                        _value = compute()
                    return _value
                def compute():
                    return 1
                """,
            "test_it.py": """
                import mod
                def test_first(): mod.get()
                def test_second(): assert mod.get() == 1
                """,
        },
        replacing("mod.py", "return 1", "return 2"),
        "function mod.py::compute",
        target=SECOND,
    ),
    Story(
        "a place that a dict reserves",
        {
            "mod.py": """
                state = {"value": None}
                def get():
                    if state["value"] is None:
                        state["value"] = compute()
                    return state["value"]
                def compute():
                    return 1
                """,
            "test_it.py": """
                import mod
                def test_first(): mod.get()
                def test_second(): assert mod.get() == 1
                """,
        },
        replacing("mod.py", "return 1", "return 2"),
        "function mod.py::compute",
        target=SECOND,
    ),
    Story(
        "a cached property of a shared object",
        {
            "mod.py": """
                import functools
                class C:
                    @functools.cached_property
                    def value(self):
                        return 1
                shared = C()
                """,
            "test_it.py": """
                import mod
                def test_first(): mod.shared.value
                def test_second(): assert mod.shared.value == 1
                """,
        },
        replacing("mod.py", "return 1", "return 2"),
        "function mod.py::C.value",
        target=SECOND,
    ),
)
def test_goes_stale(project: Project, story: Story) -> None:
    story.tell(project)


@pytest.mark.parametrize("memo", ["functools.cache", "functools.lru_cache(maxsize=None)"])
def test_what_a_memo_holds_was_computed_in_another_tests_time(project: Project, memo: str) -> None:
    before = project.write(
        {
            "mod.py": f"""
                import functools
                @{memo}
                def f(): return g()
                def g():
                    return 1
                """,
            "test_it.py": """
                from mod import f
                def test_first(): assert f() == 1
                def test_second(): assert f() == 1
                """,
        }
    )
    before.run("--cachekit")
    after = before.replace("mod.py", "return 1", "return 2").run("--cachekit")

    assert after.outcomes == dict.fromkeys(after.outcomes, "failed")
    assert list(after.verdicts.values()) == ["stale", "stale"]


def test_a_memo_of_several_values_carries_what_each_was_read_from(project: Project) -> None:
    before = project.write(
        {
            "mod.py": """
                import functools
                @functools.cache
                def load(name):
                    return open(name).read()
                """,
            "a.txt": "1",
            "b.txt": "1",
            "test_it.py": """
                from mod import load
                def test_first(): load("a.txt")
                def test_other(): load("b.txt")
                def test_second(): assert load("b.txt") == "1"
                """,
        }
    )
    before.run("--cachekit")
    after = before.replace("b.txt", "1", "2").run("--cachekit")

    assert after.verdicts[SECOND] == "stale"
    assert after.outcomes[SECOND] == "failed"


def test_a_memo_that_a_process_computed_makes_its_readers_uncacheable(project: Project) -> None:
    before = project.write(
        {
            "mod.py": """
                import functools, subprocess
                @functools.cache
                def f(): return subprocess.run(["sh", "-c", "echo 1"], capture_output=True).stdout
                """,
            "test_it.py": """
                from mod import f
                def test_first(): f()
                def test_second(): assert f() == b"1\\n"
                """,
        }
    )
    before.run("--cachekit")

    assert before.run("--cachekit").verdicts[SECOND] == "uncacheable"


def test_a_constant_path_that_remembers_its_text_ties_no_tests(project: Project) -> None:
    before = project.write(
        {
            "mod.py": """
                from pathlib import Path
                DATA = Path(__file__).with_name("data.txt")
                def read(path=DATA): return path.read_text()
                """,
            "data.txt": "1",
            "test_first.py": """
                from mod import read
                def test_first(): assert read() == "1"
                """,
            "test_it.py": """
                from mod import read
                VALUE = read()
                def test_second(): assert VALUE == read() == "1"
                """,
        }
    )
    after = before.replace("test_first.py", "assert", "assert 1 and")
    before.run("--cachekit")

    run = after.run("--cachekit")
    assert run.verdicts == {"test_first.py::test_first": "stale", SECOND: "hit"}
    edited = before.edit({"data.txt": "2"}).run("--cachekit")
    assert edited.reasons[SECOND] == "file data.txt changed"


@stories(
    Story(
        "a table that is handed to who fills it",
        {
            "mod.py": """
                table = {}
                def reset(): table.clear()
                def put(into, value): into["value"] = value
                def get():
                    if "value" not in table:
                        put(table, compute())
                    return table["value"]
                def compute():
                    return 1
                """,
            "test_it.py": """
                import mod
                def test_reset(): mod.reset()
                def test_first(): mod.get()
                def test_second(): assert mod.get() == 1
                """,
        },
        replacing("mod.py", "return 1", "return 2"),
        "function mod.py::compute",
        target=SECOND,
    ),
)
def test_state_that_is_handed_on_goes_stale(project: Project, story: Story) -> None:
    story.tell(project)
