"""A page as one shell session: its files are written, its programs and commands run, in order.

Nothing is shared between pages. What a command prints must be what the page shows, but for what
differs from run to run or machine to machine; a line of `...` stands for any lines.

    python -m tests.docs.sessions docs/tutorial.md      # writes what is printed into the page
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests.harness import Project

from .pages import ROOT, Block, blocks

RUN = frozenset({"before", "console", "python"})
_TIMEOUT = 300
_MARK = "=== end of step ==="
# Who tests the pages may have others than who reads them.
_OF_MACHINE = re.compile(r"^(ok +(?:interpreter|pytest|tracer|latency)|platform) .*", re.MULTILINE)
_LINES_OF_MACHINE = re.compile(
    r"^(plugins|configfile|cachedir|hypothesis profile): .*\n", re.MULTILINE
)
_TIME = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d")
_CONTEXT = re.compile(r"\b[0-9a-f]{8}\b")
_QUANTITY = re.compile(r"[\d,]+(\.\d+)? ?(ms|s|m|h|d|w|µs|bytes|[KM]iB|min)\b")
# An editable installation of this package is code of the project's kind, in trees and in counts.
_OURS = re.compile(r"^ +├── /\S*/pytest_cachekit/.*\n(?: +│ .*\n)*", re.MULTILINE)
_COUNT = re.compile(
    r"\b\d+(?= (keys?|entries)\b| sources?\b| source texts?\b| modules\b| written\b"
    r"| new, \d+ joined\b| known, \d+ refused\b)"
)
_RULE = re.compile(r"^(=+|-+|_+) | (=+|-+|_+)$", re.MULTILINE)
_FRACTION = re.compile(r"\b\d+\.\d+\b(?!%)")


@dataclass
class Step:
    """One command of the session, and what the page says that it prints."""

    block: Block
    command: str
    shown: str | None
    """None where the page says nothing of it; then it must succeed."""


def runnable(page: Path) -> list[Block]:
    """Return the blocks of a page that make its session; none if none of them runs."""
    found = [block for block in blocks(page) if block.language in RUN or block.name is not None]
    return found if any(block.runs and block.language in RUN for block in found) else []


def plain(text: str, root: Path) -> list[str]:
    """Return the lines of an output without what differs from run to run."""
    text = text.replace(os.path.realpath(root), "/home/me").replace(str(root), "/home/me")
    text = _OURS.sub("", _LINES_OF_MACHINE.sub("", _OF_MACHINE.sub(r"\1", text)))
    for pattern in (_TIME, _CONTEXT, _QUANTITY, _FRACTION, _COUNT):
        text = pattern.sub("N", text)
    text = _RULE.sub(" ", text)
    return [" ".join(line.split()) for line in text.strip().splitlines()]


def matches(shown: list[str], printed: list[str]) -> bool:
    """Return whether what was printed is what is shown, where `...` stands for any lines."""
    pattern = "".join(
        r"(?:.*\n)*" if line == "..." else re.escape(line).replace(re.escape("[...]"), ".*") + r"\n"
        for line in shown
    )
    return re.fullmatch(pattern, "".join(f"{line}\n" for line in printed)) is not None


def steps(shown: list[Block], place: Path) -> list[Step]:
    """Return the session that a page's blocks make; files are laid ready in `place`."""
    found: list[Step] = []
    for number, block in enumerate(shown):
        if block.language == "before":
            found.append(Step(block, block.text, None))
        elif not block.runs:
            continue
        elif block.language == "console":
            for each in re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]:
                line, _, output = each.partition("\n")
                while line.endswith("\\"):
                    more, _, output = output.partition("\n")
                    line += "\n" + more.removeprefix("> ")
                found.append(Step(block, line, output))
        elif block.name is not None:
            (place / str(number)).write_text(block.text, encoding="utf-8")
            folder = shlex.quote(os.path.dirname(block.name) or ".")
            copy = f"cp {shlex.quote(str(place / str(number)))} {shlex.quote(block.name)}"
            found.append(Step(block, f"mkdir -p {folder} && {copy}", None))
        elif block.language == "python":
            is_test = re.search(r"^(async )?def test_", block.text, re.MULTILINE)
            (place / str(number)).mkdir()
            (place / str(number) / ("test_it.py" if is_test else "program.py")).write_text(
                block.text, encoding="utf-8"
            )
            run = "pytest -q -W error" if is_test else "python program.py"
            inside = f"cd {shlex.quote(str(place / str(number)))} && {run}"
            # Programs of this page begin where there is nothing, unless the page made it.
            found.append(Step(block, f"({inside})", None))
    return found


@dataclass(frozen=True)
class Played:
    """What a step printed, and how it ended."""

    step: Step
    printed: str
    status: int
    is_right: bool

    def __str__(self) -> str:
        return f"{self.step.block}: $ {self.step.command}\nstatus {self.status}\n{self.printed}"


def play(shown: list[Block], root: Path) -> list[Played]:
    """Run what a page shows below `root`."""
    place, home, tools = root / "blocks", root / "home", root / "tools"
    for folder in (place, home, tools):
        folder.mkdir()
    _make_tools(tools, "\n".join(block.text for block in shown))
    session = steps(shown, place)
    script = "\n".join(
        f"{step.command}\nstatus=$?; echo; echo '{_MARK}' $status" for step in session
    ).replace("/home/me", str(home))
    environment = Project(home)._environment() | {
        "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}",
        "EXAMPLES": str(ROOT / "examples"),
        # Two versions of one size that are written in one second would share bytecode.
        "PYTHONDONTWRITEBYTECODE": "1",
        "CACHEKIT_SIGNING_KEY": "a key for the pages",
        "COLUMNS": "80",
    }
    done = subprocess.run(
        ["bash", "-c", script], cwd=home, env=environment, stdin=subprocess.DEVNULL, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=_TIMEOUT, check=False,
    )  # fmt: skip
    outputs = re.split(rf"\n{_MARK} (\d+)\n", done.stdout)
    return [
        _judge(step, outputs[2 * number], int(outputs[2 * number + 1]), home)
        for number, step in enumerate(session)
    ]


def _make_tools(folder: Path, text: str) -> None:
    """Make the commands that a page uses; pytest loads the plugins that its text asks for."""
    plugins = "-p cachekit" + " -p xdist" * (" -n " in text) + " -p pytest_cov" * ("--cov" in text)
    for name, module in (
        ("pytest", f"-m pytest {plugins}"),
        ("cachekit", "-m pytest_cachekit"),
        ("python", ""),
    ):
        (folder / name).write_text(f'#!/bin/sh\nexec "{sys.executable}" {module} "$@"\n')
        (folder / name).chmod(0o755)


def _judge(step: Step, printed: str, status: int, home: Path) -> Played:
    if step.shown is None:
        return Played(step, printed, status, status == 0)
    return Played(step, printed, status, matches(plain(step.shown, home), plain(printed, home)))


def main(pages: list[str]) -> None:
    """Let pages show what their commands print now."""
    for page in map(Path, pages):
        with tempfile.TemporaryDirectory() as folder:
            home = os.path.realpath(Path(folder, "home"))
            text, place = page.read_text(encoding="utf-8"), 0
            for played in play(runnable(page.resolve()), Path(folder)):
                step = played.step
                if played.is_right:
                    continue
                if step.shown is None:
                    print(played)
                else:
                    before = f"$ {step.command}\n{step.shown}"
                    place = text.index(before, place)
                    now = played.printed.strip("\n").replace(home, "/home/me")
                    after = f"$ {step.command}\n{now}" + "\n" * bool(now)
                    text = text[:place] + after + text[place + len(before) :]
                    place += len(after)
            page.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
