"""Run the suite many times in random order, and print a table of seeds and results.

    hatch run measure:order 20
    hatch run measure:order 5 --first-seed 100 -k chat

Options that are not its own go to pytest. One order again, with its output:

    hatch run +sdk=RELEASE test:all --random-order --random-order-seed=7
"""

import argparse
import subprocess
import sys
import time

from suite_command import ROOT, pytest_command


def main(arguments: list[str]) -> int:
    """Exit code 0 if every run passed, else 1."""
    parser = argparse.ArgumentParser(
        description="Run the suite in random orders.", allow_abbrev=False
    )
    parser.add_argument("runs", type=int, help="how many runs")
    parser.add_argument("--first-seed", type=int, default=1, help="seeds count up from here")
    chosen, options = parser.parse_known_args(arguments)
    failed = 0
    print(f"{'seed':>6}  {'seconds':>7}  result", flush=True)
    for seed in range(chosen.first_seed, chosen.first_seed + chosen.runs):
        order = ["--random-order", f"--random-order-seed={seed}"]
        begun = time.monotonic()
        run = subprocess.run(
            [*pytest_command(), "-q", "-rfE", *order, *options],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        lines = run.stdout.strip().splitlines() or run.stderr.strip().splitlines() or ["no output"]
        failed += run.returncode != 0
        print(f"{seed:>6}  {time.monotonic() - begun:>7.1f}  {lines[-1].strip('= ')}", flush=True)
        if run.returncode:
            print(run.stdout + run.stderr, file=sys.stderr, flush=True)
    print(f"{chosen.runs - failed} of {chosen.runs} runs passed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
