"""Who hands a module to a library that lists what objects hold notices each new name in it."""

from __future__ import annotations

import pytest

from .harness import Project
from .stories import IT

MOD = "A = 1\n\ndef f():\n    return A\n"


def verdict_after_a_new_name(project: Project, test: str, **files: str) -> str:
    """Record a test beside `yaml`, which lists names, add a constant to mod.py, and run again."""
    named = {name.replace("__", "/") + ".py": text for name, text in files.items()}
    project = project.write({"mod.py": MOD, **named, "test_it.py": f"import yaml\n{test}"})
    recorded = project.run("--cachekit")
    assert recorded.outcomes == {IT: "passed"}, recorded.stdout
    assert project.run("--cachekit").verdicts == {IT: "hit"}
    changed = project.edit({"mod.py": f"{MOD}\nB = 2\n"}).run("--cachekit")
    return str(changed.verdicts[IT])


@pytest.mark.parametrize(
    "test",
    [
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
        "import importlib\ndef test_it(): assert importlib.import_module('mo' + chr(100)).A",
        "def test_it(): assert __import__('mod').A",
        "import pytest\ndef test_it(): assert pytest.importorskip('mod').A",
        "import inspect, mod\ndef test_it(): assert inspect.getmodule(mod.f).A",
        "import mod, sys\nHERE = sys\nHERE.mod = mod\ndef test_it(): assert str(sys.mod)",
    ],
)
def test_a_module_that_is_handed_on_is_seen_whole(project: Project, test: str) -> None:
    assert verdict_after_a_new_name(project, test) == "stale"


@pytest.mark.parametrize(
    "between",
    [
        "import mod as kept",
        "import mod\nkept = mod",
        "import mod\nclass kept:\n    held = mod",
    ],
)
def test_another_name_for_it_in_another_module_is_followed(project: Project, between: str) -> None:
    test = "from between import kept\ndef test_it(): assert str(kept)"

    assert verdict_after_a_new_name(project, test, between=between) == "stale"


def test_an_object_of_it_that_is_handed_on_may_lead_to_it(project: Project) -> None:
    test = "import mod\ndef test_it(): assert str(mod.f)"

    assert verdict_after_a_new_name(project, test) == "stale"
