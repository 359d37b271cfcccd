"""What docs/command.md shows is what the command prints, but for times, sizes and this machine."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pytest_cachekit.cli.command import cli
from tests.harness import Project

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "command.md").read_text(encoding="utf-8")
_AS_COMMAND = f'cachekit() {{ "{sys.executable}" -m pytest_cachekit "$@"; }}\n'
_OF_MACHINE = re.compile(r"^(ok +(?:interpreter|pytest|tracer|latency)) .*", re.MULTILINE)
_QUANTITY = re.compile(r"[\d,]+(\.\d+)? ?(ms|s|m|h|d|w|bytes|[KM]iB)\b")
_NUMBER = re.compile(r"\b[0-9a-f]{8}\b|[\d,.]*\d")


def plain(text: str, root: Path) -> str:
    text = text.replace(str(root), "/home/me/orbits")
    text = _NUMBER.sub("N", _QUANTITY.sub("N", _OF_MACHINE.sub(r"\1", text)))
    return "\n".join(" ".join(line.split()) for line in text.splitlines()).strip()


@pytest.mark.skipif(
    sys.version_info < (3, 12), reason="the page shows a tree of inputs as Python 3.12 and later do"
)
def test_the_page_about_the_command(project: Project) -> None:
    root = project.root.parent / "orbits"
    shutil.copytree(ROOT / "examples" / "orbits", root, ignore=shutil.ignore_patterns(".cachekit"))
    example = Project(root, files={})
    for _ in range(2):
        assert example.run("--cachekit").exit_status == 0
    blocks = re.findall(r"```console\n(.*?)```", PAGE, re.DOTALL)
    for block in blocks:
        for step in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            line, _, expected = step.partition("\n")
            done = subprocess.run(
                ["bash", "-c", _AS_COMMAND + line],
                cwd=root, env=example._environment(), stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
            )  # fmt: skip
            assert plain(done.stdout, root) == plain(expected, root), line
    assert len(blocks) >= 12
    (program,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=root, env=example._environment(),
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stderr == ""
    assert done.stdout.startswith("0.5 ")


def test_every_command_and_exit_status_has_its_place_on_the_page() -> None:
    context = cli.make_context("cachekit", [], resilient_parsing=True)
    for name in cli.list_commands(context):
        assert f"cachekit {name}" in PAGE
        command = cli.get_command(context, name)
        assert command is not None
        for option in (flag for param in command.params for flag in param.opts if flag[:2] == "--"):
            assert option in PAGE, f"{name} {option}"
    for status in range(5):
        assert re.search(rf"^\| {status} \|", PAGE, re.MULTILINE)


@pytest.mark.parametrize("name", ["list", "why", "clear"])
def test_help_says_what_a_command_is_for(name: str) -> None:
    command = cli.get_command(cli.make_context("cachekit", [], resilient_parsing=True), name)

    assert command is not None
    assert command.help
