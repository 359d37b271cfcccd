"""Try to fool the cache in every way that a probe knows, and print a table.

    python -m lab.probes                          all probes, on this Python
    python -m lab.probes environment processes    two areas
    python -m lab.probes memos/lru_cache -v       one probe, with what was said
    python -m lab.probes --testmon=PYTHON         beside pytest-testmon, installed for PYTHON

Exits with 1 where the cache is fooled in a way that docs/limits.md doesn't tell of.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from .judge import WORDS, WRONG, Judgement, judge
from .probe import Probe, load_probes


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the probes that the command line names; return the exit status."""
    assert __doc__ is not None
    parser = argparse.ArgumentParser(
        prog="python -m lab.probes",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("names", nargs="*", metavar="AREA[/PROBE]")
    parser.add_argument("--jobs", type=int, default=2, help="probes at a time (default: 2)")
    parser.add_argument("--testmon", metavar="PYTHON", help="compare with pytest-testmon there")
    parser.add_argument(
        "--pytest", default="", metavar="WORDS", help="more arguments for pytest, as '-n 2'"
    )
    parser.add_argument("-v", "--verbose", action="store_true", help="a row for every probe")
    options = parser.parse_args(arguments)
    probes = [probe for probe in load_probes() if _is_chosen(probe, options.names)]
    if not probes:
        parser.error(f"no probe is named {' or '.join(options.names)}")

    def try_one(probe: Probe) -> Judgement:
        return judge(probe, options.pytest.split(), options.testmon)

    found: list[Judgement] = []
    with ThreadPoolExecutor(options.jobs) as executor:
        for one in executor.map(try_one, probes):
            found.append(one)
            if one.word in WRONG or options.verbose:
                print(f"{one.word:11} {one.probe.title}: {one.why}".rstrip(": "), flush=True)
    print_table(found)
    return int(any(one.word in WRONG for one in found))


def print_table(found: Sequence[Judgement]) -> None:
    """Print how often each word was said, by area."""
    areas = list(dict.fromkeys(one.probe.area for one in found))
    columns = [word for word in WORDS if any(one.word == word for one in found)]
    print(f"\n{sys.implementation.name} {sys.version.partition(' ')[0]}\n")
    header = ["area", "probes", *columns, "testmon right", "testmon stale"]
    print(f"| {' | '.join(header)} |\n|{'---|' * len(header)}")
    for area in [*areas, None]:
        ours = [one for one in found if area is None or one.probe.area == area]
        words = Counter(one.word for one in ours)
        theirs = Counter(one.testmon for one in ours)
        numbers = [len(ours), *(words[word] for word in columns), theirs["right"], theirs["stale"]]
        print(f"| {area or 'all'} | {' | '.join(map(str, numbers))} |")
    print()
    for word in columns:
        print(f"{word}: {WORDS[word]}")


def _is_chosen(probe: Probe, names: Sequence[str]) -> bool:
    return not names or probe.area in names or probe.title in names


if __name__ == "__main__":
    sys.exit(main())
