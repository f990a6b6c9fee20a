"""Measure how much time three workers save on the tests that touch no model.

    hatch run measure:parallel

Serial and parallel runs alternate. Each time is that of the whole command, so it includes the start
of the workers and of the server.
"""

import argparse
import statistics
import sys

from suite_command import run_suite

GOAL = 0.6  # the parallel time divided by the serial time, at most, on two cores


def main(arguments: list[str]) -> int:
    """Print all times; return 0 if their ratio reaches GOAL, 1 if not, 2 if a run failed."""
    parser = argparse.ArgumentParser(
        prog="hatch run measure:parallel",
        description="Compare serial with parallel runs of the suite. Other options go to pytest.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "--rounds", type=int, default=3, help="runs of each kind (default: %(default)s)"
    )
    parser.add_argument(
        "--workers", type=int, default=3, help="workers of a parallel run (default: %(default)s)"
    )
    chosen, options = parser.parse_known_args(arguments)
    times: dict[int, list[float]] = {0: [], chosen.workers: []}
    for _ in range(chosen.rounds):
        for workers, seconds in times.items():
            run = run_suite(["-n", str(workers), "-m", "not models", *options])
            seconds.append(run.seconds)
            print(f"-n {workers}  {run.seconds:6.1f} s  {run.summary}", flush=True)
            if not run.passed:
                print(run.output, file=sys.stderr)
                return 2
    serial, parallel = (statistics.median(seconds) for seconds in times.values())
    ratio = parallel / serial
    print(
        f"median: serial {serial:.1f} s, parallel {parallel:.1f} s, ratio {ratio:.2f} (<= {GOAL})"
    )
    return 0 if ratio <= GOAL else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
