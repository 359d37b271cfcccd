"""Who hands a module to a library that lists what objects hold notices each new name in it."""

from __future__ import annotations

import pytest

from .harness import Project
from .stories import BYSTANDER, side_by_side

MOD = "A = 1\n\ndef f():\n    return A\n"


HANDED_ON = (
    "import mod\ndef test_it(): assert str(mod)",
    "import mod as m\ndef test_it(): assert str(m)",
    "def test_it():\n    import mod\n    assert str(mod)",
    "def test_it():\n    import mod as m\n    assert str(m)",
    "import mod\nALL = [mod]\ndef test_it(): assert ALL[0].A",
    "import mod as m\nOTHER = m\ndef test_it(): assert OTHER.f()",
    "import mod\ndef test_it():\n    m = mod\n    assert m.A",
    "import mod\ndef own(): return mod\ndef test_it(): assert own().A",
    "import mod\nclass Box:\n    held = mod\ndef test_it(): assert Box.held.A",
    "import mod\ndef test_it(x=mod): assert x.A",
    "import mod\ndef test_it(): assert {mod: 1}",
    "import sys, mod\ndef test_it(): assert sys.modules['mod'].A",
    "import importlib\ndef test_it(): assert importlib.import_module('mod').A",
    "def test_it(): assert __import__('mod').A",
    # Others import it, and this one by a name that it computes.
    "import importlib\ndef test_it(): assert importlib.import_module('mo' + chr(100)).A",
    "def test_it(): assert __import__('mo' + chr(100)).A",
    "import pytest\ndef test_it(): assert pytest.importorskip('mod').A",
    "import inspect, mod\ndef test_it(): assert inspect.getmodule(mod.f).A",
    # An object of it that is handed on may lead to it.
    "import mod\ndef test_it(): assert str(mod.f)",
    # Another name for it in another module is followed.
    "from between_0 import kept\ndef test_it(): assert str(kept)",
    "from between_1 import kept\ndef test_it(): assert str(kept)",
    "from between_2 import kept\ndef test_it(): assert str(kept)",
)
BETWEEN = {
    "between_0.py": "import mod as kept",
    "between_1.py": "import mod\nkept = mod",
    "between_2.py": "import mod\nclass kept:\n    held = mod",
}
KEEPS_IT = "from mod import f\ndef test_it(): assert f()"


def verdicts_after_a_new_name(project: Project, *tests: str) -> list[str]:
    """Record tests beside `yaml`, which lists names, add a constant to mod.py, and run again."""
    modules = side_by_side(f"import yaml\n{test}" for test in tests)
    project = project.write({"mod.py": MOD, **BETWEEN, **modules})
    recorded = project.run("--cachekit")
    assert set(recorded.outcomes.values()) == {"passed"}, recorded.stdout
    assert set(project.run("--cachekit").verdicts.values()) == {"hit"}
    verdicts = project.edit({"mod.py": f"{MOD}\nB = 2\n"}).run("--cachekit").verdicts
    assert verdicts.pop(BYSTANDER) == "hit"
    return list(verdicts.values())


def test_a_module_that_is_handed_on_is_seen_whole(project: Project) -> None:
    *handed_on, kept = verdicts_after_a_new_name(project, *HANDED_ON, KEEPS_IT)

    assert handed_on == ["stale"] * len(HANDED_ON)
    assert kept == "hit"


@pytest.mark.parametrize(
    "test",
    [
        "import importlib\ndef test_it(): assert importlib.import_module('mo' + chr(100)).A",
        "import mod, sys\nHERE = sys\nHERE.mod = mod\ndef test_it(): assert str(sys.mod)",
    ],
    ids=["under a computed name", "kept in another module"],
)
def test_a_module_that_nobody_else_imports_is_seen_whole(project: Project, test: str) -> None:
    assert verdicts_after_a_new_name(project, test) == ["stale"]
