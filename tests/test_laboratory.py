"""A slice of the laboratory: a probe of every third area; `python -m lab.probes` tries them all."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from lab.mutation import find_mutations
from lab.probes.judge import judge
from lab.probes.place import start_process
from lab.probes.probe import Probe, load_probes

from .forkserver import run_module


def one_of_every_third_area() -> list[Probe]:
    found: dict[str, Probe] = {}
    for probe in load_probes():
        if not probe.limit:
            found.setdefault(probe.area, probe)
    return list(found.values())[::3]


def start(
    command: list[str], directory: Path, environment: dict[str, str]
) -> subprocess.CompletedProcess[str]:
    """Run pytest in a fork, where the probe has no arguments for the interpreter."""
    if command[:3] != [sys.executable, "-m", "pytest"]:
        return start_process(command, directory, environment)
    alone = {**environment, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    plugin = ("-p", "cachekit") if "--cachekit" in command else ()
    return run_module("pytest", *plugin, *command[3:], directory=directory, environment=alone)


@pytest.mark.parametrize("probe", one_of_every_third_area(), ids=lambda probe: probe.title)
def test_probe(probe: Probe) -> None:
    judgement = judge(probe, start=start)

    assert judgement.word in ("right", "uncacheable"), judgement.why


def test_a_change_that_plain_pytest_does_not_notice_proves_nothing() -> None:
    probe = Probe(
        area="none", name="none", files={"test_it.py": "def test_it(): pass\n"},
        replace={"test_it.py": ("pass", "pass  # as before")},
    )  # fmt: skip

    assert judge(probe, start=start).word == "unsound"


def test_a_fooled_cache_is_told() -> None:
    probe = Probe(
        area="none", name="time", prepare='Path("a").touch()', act='os.utime("a", (1, 1))',
        files={"test_it.py": """
import os
def test_it(): assert os.stat("a").st_mtime > 1
"""},
    )  # fmt: skip

    assert judge(probe, start=start).word == "stale"


SOURCE = b"""import os
from pathlib import Path

LIMIT = 3

@property
def first(x=1, *, y=None):
    if x > LIMIT and y:
        x += 1
    return x

class Second(First):
    name = "second"
"""


def test_each_mutation_changes_one_place_and_still_compiles() -> None:
    found = find_mutations(SOURCE)

    assert found.keys() >= {
        "constant", "default", "operator", "negate", "drop", "return", "raise", "decorator",
        "import", "base", "swap",
    }  # fmt: skip
    for mutation in (one for kind in found.values() for one in kind):
        changed = mutation.apply(SOURCE)
        compile(changed, mutation.kind, "exec")
        assert changed != SOURCE
        assert changed[: mutation.start] == SOURCE[: mutation.start]
