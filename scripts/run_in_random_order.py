"""Run the suite many times in random order, and print a table of seeds and results.

    hatch run measure:order 20
    hatch run measure:order 5 --first-seed 100 -k chat

Options that this script does not know go to pytest. To repeat one order and see its output:

    hatch run +sdk=RELEASE test:all --random-order --random-order-seed=7
"""

import argparse
import sys

from suite_command import run_suite


def main(arguments: list[str]) -> int:
    """Run the suite; return 0 if every run passed, else 1."""
    parser = argparse.ArgumentParser(
        prog="hatch run measure:order",
        description="Run the suite many times in random order. Other options go to pytest.",
        allow_abbrev=False,
    )
    parser.add_argument("runs", type=int, help="number of runs")
    parser.add_argument(
        "--first-seed",
        type=int,
        default=1,
        help="seed of the first run; the next runs count up from it (default: %(default)s)",
    )
    chosen, options = parser.parse_known_args(arguments)
    failed = 0
    print(f"{'seed':>6}  {'seconds':>7}  result", flush=True)
    for seed in range(chosen.first_seed, chosen.first_seed + chosen.runs):
        run = run_suite(["--random-order", f"--random-order-seed={seed}", *options])
        print(f"{seed:>6}  {run.seconds:>7.1f}  {run.summary}", flush=True)
        if not run.passed:
            failed += 1
            print(run.output, file=sys.stderr, flush=True)
    print(f"{chosen.runs - failed} of {chosen.runs} runs passed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
