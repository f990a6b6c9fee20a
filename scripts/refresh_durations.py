"""Write the times by which `hatch run test:shard` divides the suite.

    hatch run +sdk=1.6.0b1 test:durations                   from a run of the suite
    hatch run +sdk=1.6.0b1 test:durations results/*.xml     from JUnit files of earlier runs

Several times of a test count with their median. Tests that did not run are left out.
"""

import argparse
import json
import statistics
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from junit_results import JunitError, TestResult, results
from run_shard import DURATIONS
from suite_command import run_suite

DIGITS = 2  # finer times would change with every run, and nothing depends on them


def main(arguments: list[str]) -> int:
    """Write the file; return 0, or 1 after one line that says what is wrong."""
    parser = argparse.ArgumentParser(
        prog="hatch run test:durations", description="Write the times that shards are made by."
    )
    parser.add_argument(
        "files", metavar="JUNIT", nargs="*", help="JUnit file of a run (default: run the suite)"
    )
    parser.add_argument(
        "--into", metavar="FILE", type=Path, default=DURATIONS, help="default: %(default)s"
    )
    chosen = parser.parse_args(arguments)
    if chosen.files:
        try:
            runs = [results(Path(file)) for file in chosen.files]
        except JunitError as error:
            return refuse(str(error))
    else:
        run = run_suite([])
        print(run.summary)
        if not run.passed:
            return refuse("the suite has failed, and its times are not kept: run test:all first")
        runs = [run.tests]
    times = durations(runs)
    if not times:
        return refuse("no test has run, and the old times are kept: name JUnit files of the suite")
    text = json.dumps(times, indent=0, ensure_ascii=False, sort_keys=True)
    chosen.into.write_text(text + "\n", encoding="utf-8")
    print(f"{chosen.into}: {len(times)} tests, {sum(times.values()):.0f} s")
    return 0


def durations(runs: Iterable[Mapping[str, TestResult]]) -> dict[str, float]:
    """Return the median time of each test that has run, in seconds."""
    times: dict[str, list[float]] = {}
    for run in runs:
        for test, result in run.items():
            if result.outcome != "skipped":
                times.setdefault(test, []).append(result.seconds)
    return {test: round(statistics.median(each), DIGITS) for test, each in times.items()}


def refuse(problem: str) -> int:
    """Print the problem as one line; return the exit code."""
    print(f"test:durations: {problem}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
