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
