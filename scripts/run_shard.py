"""Run one of several shards of the suite, which take about the same time on machines of a kind.

    hatch run test:shard 2/4                            the second of four
    hatch run test:shard 2/4 --junitxml=results/2.xml   for `hatch run test:merge results`

Options that this script does not know go to pytest. pytest-split divides the tests by the times in
suite_durations.json, which `hatch run test:durations` writes. A test that is not in it counts as an
average one. Together the shards are exactly the suite.
"""

import argparse
import re
import subprocess
import sys
from pathlib import Path

from suite_command import ROOT, pytest_command, sdk_release

DURATIONS = Path(__file__).resolve().parent / "suite_durations.json"


def main(arguments: list[str]) -> int:
    """Run the shard; return pytest's exit code."""
    parser = argparse.ArgumentParser(
        prog="hatch run test:shard",
        description="Run one of several shards of the suite. Other options go to pytest.",
        allow_abbrev=False,
    )
    parser.add_argument("shard", metavar="I/N", type=shard, help="such as 2/4: the second of four")
    chosen, options = parser.parse_known_args(arguments)
    if any(option.startswith("--random-order") for option in options):
        parser.error("shards have no random order: each machine would divide another order")
    command = [*pytest_command(), *split_options(*chosen.shard), *options]
    return subprocess.run(command, cwd=ROOT, check=False).returncode


def shard(text: str) -> tuple[int, int]:
    """Return the number of a shard and the number of shards, from a text such as `2/4`.

    Raises:
        argparse.ArgumentTypeError: there is no such shard.
    """
    match = re.fullmatch(r"(\d{1,4})/(\d{1,4})", text)
    if match is None or not 1 <= int(match[1]) <= int(match[2]):
        raise argparse.ArgumentTypeError(f"{text!r} is no shard: write 2/4 for the second of four")
    return int(match[1]), int(match[2])


def split_options(number: int, of: int) -> list[str]:
    """Return pytest's options for a shard.

    Tests that touch models run in one process. `least_duration` gives each shard its part of them,
    where chunks of neighbours would give one shard hardly anything else. Tests of the same name
    are told apart by their place, so a plugin that shuffles would make shards overlap.
    """
    return [
        "-p",
        "no:randomly",
        f"--splits={of}",
        f"--group={number}",
        "--splitting-algorithm=least_duration",
        f"--durations-path={DURATIONS}",
        "-o",
        f"junit_suite_name=lmstudio-{sdk_release()}",
    ]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
