"""Run the suite many times in random order, and print what differs between the runs.

    hatch run measure:order 20                     each seed with two workers
    hatch run test:flaky 5                         each seed with two workers, and with none
    hatch run measure:order 5 --first-seed 100 -k chat

Options that this script does not know go to pytest. To repeat one order and see its output:

    hatch run +sdk=RELEASE test:all --random-order --random-order-seed=7
"""

import argparse
import sys
from collections.abc import Mapping

from suite_command import SuiteRun, run_suite

ABSENT = "absent"  # a test of which a run tells nothing, as after a crash


def main(arguments: list[str]) -> int:
    """Run the suite; return 0 if every run passed and none differs from the others, else 1."""
    parser = argparse.ArgumentParser(
        prog="hatch run measure:order",
        description="Run the suite many times in random order. Other options go to pytest.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "runs", type=int, nargs="?", default=3, help="number of orders (default: %(default)s)"
    )
    parser.add_argument(
        "--first-seed",
        type=int,
        default=1,
        help="seed of the first run; the next runs count up from it (default: %(default)s)",
    )
    parser.add_argument(
        "--with-and-without-xdist",
        action="store_true",
        help="run each order twice: with two workers, and in one process",
    )
    chosen, options = parser.parse_known_args(arguments)
    if chosen.runs < 1:
        parser.error(f"the number of orders is at least 1, not {chosen.runs}")
    kinds = [["-n", "2"], ["-n", "0"]] if chosen.with_and_without_xdist else [[]]
    runs: dict[str, SuiteRun] = {}
    print(f"{'seed':>10}  {'seconds':>7}  result", flush=True)
    for seed in range(chosen.first_seed, chosen.first_seed + chosen.runs):
        for kind in kinds:
            name = " ".join([str(seed), *kind])
            run = run_suite(["--random-order", f"--random-order-seed={seed}", *options, *kind])
            runs[name] = run
            print(f"{name:>10}  {run.seconds:>7.1f}  {run.summary}", flush=True)
            if not run.passed:
                print(run.output, file=sys.stderr, flush=True)
    different = differences({name: run for name, run in runs.items() if run.tests})
    for line in table(different):
        print(line)
    passed = sum(run.passed for run in runs.values())
    print(f"{passed} of {len(runs)} runs passed, {len(different)} tests differ between runs")
    return 1 if different or passed < len(runs) else 0


def differences(runs: Mapping[str, SuiteRun]) -> dict[str, dict[str, str]]:
    """Return the tests with more than one outcome; the outcome of each run by the run's name."""
    tests = dict.fromkeys(test for run in runs.values() for test in run.tests)
    outcomes = {
        test: {
            name: run.tests[test].outcome if test in run.tests else ABSENT
            for name, run in runs.items()
        }
        for test in sorted(tests)
    }
    return {test: each for test, each in outcomes.items() if len(set(each.values())) > 1}


def table(different: Mapping[str, Mapping[str, str]]) -> list[str]:
    """Return lines that name each test, and the runs of each outcome, the rarest first."""
    lines = []
    for test, outcomes in different.items():
        lines.append(test)
        by_outcome: dict[str, list[str]] = {}
        for name, outcome in outcomes.items():
            by_outcome.setdefault(outcome, []).append(name)
        for outcome, names in sorted(by_outcome.items(), key=lambda each: len(each[1])):
            lines.append(f"    {outcome}: {', '.join(names)}")
    return lines


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
