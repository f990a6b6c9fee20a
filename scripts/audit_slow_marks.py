"""Find tests that take over a second without the marker `slow`, and marked ones that do not.

    hatch run +sdk=1.6.0b1 test:audit                   three runs of the suite
    hatch run +sdk=1.6.0b1 test:audit --runs 5 --fix    edit the markers
    hatch run +sdk=1.6.0b1 test:audit -n 0 -k files     other options go to pytest

Only what all runs agree on is a finding: an unmarked test that takes over a second in each of them
by itself, and a marked one that stays below in each of them with all that is set up for it. Sync
tests are made from async ones, so both count as one test, which needs the mark if either is slow.
The exit code is 1 if there are findings that were not fixed, and 2 if a run failed.
"""

import argparse
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from junit_results import TestResult
from own_times import OWN, SHARED, SLOW
from slow_marks import MarkError, marked_as_file, source_of, with_mark, without_mark
from suite_command import ROOT, run_suite

SECOND = 1.0


@dataclass(frozen=True)
class Finding:
    """A mark that is missing, or one too many."""

    path: str  # of the source, from the root
    function: str  # empty: the mark of the whole file
    missing: bool
    seconds: tuple[float, float]  # the shortest and the longest time

    def __str__(self) -> str:
        """Return a line about it."""
        where = f"{self.path}::{self.function}" if self.function else self.path
        shortest, longest = (f"{each:.2f}" for each in self.seconds)
        problem = "is not marked slow" if self.missing else "is marked slow"
        return f"{where} {problem} and takes {shortest} to {longest} s"


@dataclass
class Times:
    """What all runs tell about one case of a test."""

    own: list[float]
    whole: list[float]
    marked: bool


def main(arguments: list[str]) -> int:
    """Run the suite and print the findings; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="hatch run test:audit",
        description="Compare the marker `slow` with measured times. Other options go to pytest.",
        allow_abbrev=False,
    )
    parser.add_argument("--runs", type=int, default=3, help="runs (default: %(default)s)")
    parser.add_argument("--fix", action="store_true", help="add and remove markers")
    chosen, options = parser.parse_known_args(arguments)
    if chosen.runs < 1:
        parser.error(f"the number of runs is at least 1, not {chosen.runs}")
    runs = []
    plugin = ["-p", "scripts.own_times"]  # `python -m pytest` in the root finds it there
    for number in range(1, chosen.runs + 1):
        run = run_suite([*plugin, *options])
        print(f"run {number}  {run.seconds:6.1f} s  {run.summary}", flush=True)
        if not run.passed:
            print(run.output, file=sys.stderr)
            return 2
        runs.append(run.tests)
    found = findings(runs, ROOT)
    left = fix(found, ROOT) if chosen.fix else len(found)
    if not chosen.fix:
        for finding in found:
            print(finding)
    print(f"{len(found)} markers differ from {chosen.runs} runs, {len(found) - left} of them fixed")
    return 1 if left else 0


def findings(runs: Sequence[Mapping[str, TestResult]], root: Path) -> list[Finding]:
    """Return the marks that are missing or too many, by file and function.

    Args:
        runs: the results of each run by node id.
        root: the folder where paths in node ids begin.
    """
    functions: dict[tuple[str, str], list[Times]] = {}
    for test, times in measured(runs).items():
        path, _, name = test.partition("::")
        source = source_of(Path(path)).as_posix()
        function = name.partition("[")[0].rpartition("::")[2]
        functions.setdefault((source, function), []).append(times)
    whole_files = {
        path
        for path in {path for path, _ in functions}
        if marked_as_file((root / path).read_text(encoding="utf-8"))
    }
    found: list[Finding] = []
    for (path, function), cases in sorted(functions.items()):
        if path not in whole_files:
            found += judged(path, function, cases)
    for path in sorted(whole_files):
        cases = [times for (where, _), each in functions.items() if where == path for times in each]
        found += judged(path, "", cases)
    return found


def measured(runs: Sequence[Mapping[str, TestResult]]) -> dict[str, Times]:
    """Return the times of the tests that have passed, or failed as expected, in all runs."""
    tests: dict[str, Times] = {}
    for test in runs[0]:
        each = [run[test] for run in runs if test in run]
        if len(each) == len(runs) and all(one.outcome in ("passed", "xfailed") for one in each):
            own = [float(one.properties[OWN]) for one in each]
            whole = [float(one.properties[SHARED]) + own[at] for at, one in enumerate(each)]
            tests[test] = Times(own, whole, each[0].properties[SLOW] == "yes")
    return tests


def judged(path: str, function: str, cases: Sequence[Times]) -> Iterable[Finding]:
    """Yield what is wrong with the marks of a function, or of a whole file."""
    unmarked = [times.own for times in cases if not times.marked and min(times.own) > SECOND]
    marked = [times.whole for times in cases if times.marked]
    if unmarked:
        slowest = max(unmarked, key=min)
        yield Finding(path, function, True, (min(slowest), max(slowest)))
    if marked and max(map(max, marked)) < SECOND:
        yield Finding(path, function, False, (min(map(min, marked)), max(map(max, marked))))


def fix(found: Iterable[Finding], root: Path) -> int:
    """Edit the markers, print what was done, and return how many are left to do by hand."""
    left = 0
    edited = set()
    for finding in found:
        file = root / finding.path
        source = file.read_text(encoding="utf-8")
        change = with_mark if finding.missing else without_mark
        try:
            file.write_text(change(source, finding.function), encoding="utf-8", newline="\n")
        except MarkError as problem:
            left += 1
            print(f"{finding}: edit it by hand, {problem}")
        else:
            edited.add(finding.path)
            print(f"{finding}: fixed")
    if any("/async/" in path for path in edited):
        print("Run `hatch run sync:generate`: the sync tests are made from these files.")
    return left


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
