"""What three workers save on the tests that touch no model: serial and parallel runs, alternating.

    hatch run measure:parallel

Each figure is the whole command's wall time, so the start of workers and of the server counts.
"""

import argparse
import statistics
import subprocess
import sys
import time

from suite_command import ROOT, pytest_command

GOAL = 0.6  # parallel time over serial time, at most, on two cores


def main(arguments: list[str]) -> int:
    """Exit code 0 if the ratio of the medians is within GOAL, else 1; 2 if a run failed."""
    parser = argparse.ArgumentParser(
        description="Serial against parallel time.", allow_abbrev=False
    )
    parser.add_argument("--rounds", type=int, default=3, help="runs of each kind (default: 3)")
    parser.add_argument("--workers", type=int, default=3, help="parallel workers (default: 3)")
    chosen, options = parser.parse_known_args(arguments)  # the rest is pytest's
    times: dict[int, list[float]] = {0: [], chosen.workers: []}
    for _ in range(chosen.rounds):
        for workers, seconds in times.items():
            begun = time.monotonic()
            run = subprocess.run(
                [*pytest_command(), "-n", str(workers), "-q", "-rfE", "-m", "not models", *options],
                cwd=ROOT,
                capture_output=True,
                text=True,
                check=False,
            )
            seconds.append(time.monotonic() - begun)
            result = (run.stdout.strip().splitlines() or ["no output"])[-1].strip("= ")
            print(f"-n {workers}  {seconds[-1]:6.1f} s  {result}", flush=True)
            if run.returncode:
                print(run.stdout + run.stderr, file=sys.stderr)
                return 2
    serial, parallel = (statistics.median(seconds) for seconds in times.values())
    ratio = parallel / serial
    print(
        f"median: serial {serial:.1f} s, parallel {parallel:.1f} s, ratio {ratio:.2f} (<= {GOAL})"
    )
    return 0 if ratio <= GOAL else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
