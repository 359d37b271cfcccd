"""How a run of pytest ended: what cachekit's report, pytest's own report and the terminal say."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Run:
    """How one run of pytest ended."""

    exit_status: int
    stdout: str = field(repr=False)
    stderr: str = field(repr=False)
    _results: Path

    @cached_property
    def report(self) -> dict[str, Any]:
        """What --cachekit-report wrote; empty where it wrote nothing."""
        path = self._results / "report.json"
        return dict(json.loads(path.read_text())) if path.exists() else {}

    @property
    def stats(self) -> dict[str, Any]:
        """The report's statistics."""
        return dict(self.report.get("stats", {}))

    @property
    def verdicts(self) -> dict[str, str]:
        """Node id to verdict."""
        return self._column("verdict")

    @property
    def reasons(self) -> dict[str, str]:
        """Node id to the reason why it ran."""
        return self._column("reason")

    @property
    def outcomes(self) -> dict[str, str]:
        """Node id to the outcome that the report tells."""
        return self._column("outcome")

    @cached_property
    def junit(self) -> dict[str, str]:
        """Node id to the outcome that pytest's own XML report tells."""
        return {_nodeid(case): _outcome(case) for case in self.junit_cases}

    @cached_property
    def junit_cases(self) -> list[ET.Element]:
        """The test cases of pytest's own XML report."""
        path = self._results / "junit.xml"
        return list(ET.parse(path).getroot().iter("testcase")) if path.exists() else []

    @property
    def counts(self) -> dict[str, int]:
        """The numbers in pytest's last line: passed, failed, warnings and so on."""
        lines = [line for line in self.stdout.splitlines() if re.search(r" in \d+\.\d+s", line)]
        text = (
            lines[-1].partition(" in ")[0].replace("subtests passed", "subtests") if lines else ""
        )
        singular = {"errors": "error", "warnings": "warning"}
        return {
            singular.get(word, word): int(number)
            for number, word in re.findall(r"(\d+) ([a-z]+)", text)
        }

    @property
    def plain_stdout(self) -> str:
        """What was printed, without what cachekit adds, and without times and run directories."""
        text = re.sub(r"^cachekit: .*\n", "", self.stdout, flags=re.MULTILINE)
        text = re.sub(r"^-+ cachekit -+\n(\S+ {2,}.*\n){3,}", "", text, flags=re.MULTILINE)
        text = text.replace(" (cached)", "")
        text = re.sub(r"\b\d+\.\d+s", "0s", text).replace(str(self._results), "")
        return re.sub(r" +(?=(\x1b\[\d+m)*\[ *\d+(%|/\d+)\])|[-=]{2,}", " ", text)

    def _column(self, name: str) -> dict[str, str]:
        return {test["nodeid"]: test[name] for test in self.report.get("tests", ())}


def _nodeid(case: ET.Element) -> str:
    file = case.get("file", "")
    module = file.removesuffix(".py").replace("/", ".")
    classes = case.get("classname", "").removeprefix(module).strip(".")
    return "::".join((file, *filter(None, classes.split(".")), case.get("name", "")))


def _outcome(case: ET.Element) -> str:
    for word, outcome in (("error", "error"), ("failure", "failed"), ("skipped", "skipped")):
        if case.find(word) is not None:
            return outcome
    return "passed"
