"""What is no memo: the same name for other things, empty values, state that came later."""

from __future__ import annotations

import pytest

from .harness import Project

SECOND = "test_it.py::test_second"


@pytest.mark.parametrize(
    "module",
    [
        pytest.param(
            """
            class Shown:
                def __init__(self): self.width = 80
                def show(self, text): return text[:self.width]
            DEFAULTS = [Shown()]
            class Config:
                shown = DEFAULTS
            settings = Config()
            def reset():
                settings.shown = DEFAULTS[:]
            def first():
                reset()
                return change(1)
            def second():
                return Shown().show("1") == "1"
            def change(x): return x
            """,
            id="a list of the same objects",
        ),
        pytest.param(
            """
            import collections
            class Shown:
                hooks = collections.defaultdict(list)
                def show(self, text):
                    for hook in self.hooks[text]:
                        text = hook(text)
                    return text
            def first():
                return Shown().show(change("a"))
            def second():
                return Shown().show("1") == "1"
            def change(x): return x
            """,
            id="an empty list for each key that was looked up",
        ),
        pytest.param(
            """
            table = {}
            def register(name, value):
                table[name] = value
            def first():
                class Meta:
                    register = False
                return change(Meta.__name__)
            def second():
                register("a", 1)
                return table["a"] == 1
            def change(x): return x
            """,
            id="a class with an attribute of that name",
        ),
        pytest.param(
            """
            from __future__ import annotations
            import collections
            class Shown:
                hooks: dict[str, list] = collections.defaultdict(list)
                def show(self, text):
                    for hook in self.hooks[text]:
                        text = hook(text)
                    return text
            def first():
                return Shown().show(change("a"))
            def second():
                return Shown().show("1") == "1"
            def change(x): return x
            """,
            id="the same, with an annotation",
        ),
        pytest.param(
            """
            class Patterns:
                def __init__(self): self.made = {}
                def get(self, key):
                    if key not in self.made:
                        self.made[key] = change(key)
                    return self.made[key]
            PATTERNS = Patterns()
            def first():
                return PATTERNS.get("a")
            def second():
                return 1
            def change(x): return x
            """,
            id="the import that made an object which a test fills",
        ),
        pytest.param(
            """
            import kinds
            class Table:
                def __init__(self): self.rows = {}
                def put(self, row):
                    self.rows[row] = row
                    return row
            Row = Table()
            def first():
                made = [kinds.Row]
                return Row.put(change(made[0].__name__))
            def second():
                rows = [kinds.Row]
                return rows[0]
            def change(x): return x
            """,
            id="a class of that name in another module",
        ),
        pytest.param(
            """
            import functools
            import re
            @functools.lru_cache
            def pattern():
                return re.compile("a")
            def first():
                return pattern().match(change("a"))
            def second():
                return pattern().pattern == "a"
            def change(x): return x
            """,
            id="who calls a memo that has no arguments",
        ),
    ],
)
def test_who_changes_no_state_is_nothing_that_its_users_rest_on(
    project: Project, module: str
) -> None:
    before = project.write(
        {
            "mod.py": module,
            "kinds.py": "class Row: pass",
            "test_it.py": """
                import mod
                try:
                    from mod import settings
                except ImportError:
                    settings = None
                def test_first(): mod.first()
                def test_second(): assert mod.second()
                """,
        }
    )
    before.run("--cachekit")
    run = before.replace("mod.py", "return x", "return (x)  or x").run("--cachekit")

    assert run.verdicts == {"test_it.py::test_first": "stale", SECOND: "hit"}
