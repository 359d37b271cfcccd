"""Statistics of each namespace in one cache."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.harness import Project

from .conftest import Command


def test_each_namespace_and_epoch_has_a_line(project: Project) -> None:
    project = project.write({"test_it.py": "def test_it(): pass"})
    team = ("--cachekit-namespace=team", "--cachekit-epoch=v2")
    project.run("--cachekit")
    project.run("--cachekit", *team)
    project.run("--cachekit", *team)
    key = "a key that is thirty-two characters long"
    signing = project.with_environment(CACHEKIT_SIGNING_KEY=key)
    signing.run("--cachekit", "--cachekit-namespace=signed")

    lines = project.command("stats", "--namespaces").stdout.splitlines()
    assert [line.partition("  ")[0] for line in lines] == [
        "no namespace",
        "signed",
        "team, epoch v2",
    ]
    assert ["1 run: 0 replayed, 1 run" in line for line in lines] == [True, False, False]
    assert lines[1].endswith("signed with another key")
    assert "2 runs: 1 replayed, 1 run" in lines[2]

    found = json.loads(project.command("stats", "--namespaces", "--json").stdout)
    parts = json.loads(project.command("size", "--json").stdout)
    assert sum(one["bytes"] for one in found) == parts["total"]["bytes"]
    assert [len(one["runs"] or ()) for one in found] == [1, 0, 2]


def test_a_cache_without_namespaces_has_one_line(command: Command, cache: Path) -> None:
    assert command("stats", "--namespaces").stdout.startswith("no namespace  ")


def test_an_absent_cache_has_none(command: Command, here: Path) -> None:
    done = command("stats", "--namespaces", "--json")
    assert (done.exit_code, json.loads(done.stdout)) == (0, [])


@pytest.mark.parametrize("form", ["--csv", "--prometheus"])
def test_other_forms_are_refused(command: Command, cache: Path, form: str) -> None:
    assert command("stats", "--namespaces", form).exit_code == 2
