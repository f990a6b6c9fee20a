"""Measure the time from `local:changed` to its verdict, after one-line changes of the SDK.

    hatch run measure:changed                      5 changes in each of five modules
    hatch run measure:changed --changes 10 --module history.py

The changes are mutants, and a copy of the installed SDK has them. Without a map the command makes
one first, from a run of the whole suite. `hatch run models:start` beforehand measures with a host
in the background; without it each run starts one. `hatch run` itself, which takes about a second,
is not in the times. The load average is printed, since a busy machine measures itself.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median

from mutant_test_runs import MutableCopy
from mutation_operators import Mutant
from run_changed import FOLDER
from run_mutants import all_mutants
from suite_command import ROOT

MODULES = ("json_api.py", "sync_api.py", "async_api.py", "history.py", "_kv_config.py")
COMMAND = [sys.executable, str(Path(__file__).with_name("run_changed.py"))]


def main(arguments: list[str]) -> int:
    """Measure; return 0, or the exit code of a first run that made no map."""
    parser = argparse.ArgumentParser(
        prog="hatch run measure:changed",
        description="Measure local:changed after one-line changes. Other options go to it.",
        allow_abbrev=False,
    )
    parser.add_argument("--changes", metavar="N", type=int, default=5, help="per module (5)")
    parser.add_argument("--seed", metavar="N", type=int, default=0, help="chooses them (0)")
    parser.add_argument("--module", metavar="NAME", action="append", help="such as history.py")
    given, options = parser.parse_known_args(arguments)
    first = subprocess.run([*COMMAND, *options], cwd=ROOT, check=False)
    if first.returncode:
        return first.returncode
    spec = importlib.util.find_spec("lmstudio")
    assert spec is not None  # the first run would have refused
    assert spec.submodule_search_locations
    package = Path(next(iter(spec.submodule_search_locations)))
    times: dict[str, list[tuple[float, int]]] = {}
    with MutableCopy(package) as copy:
        for module in given.module or MODULES:
            for mutant in _sample(package, module, given.changes, given.seed):
                with copy.changed(module, mutant.applied(copy.source(module))):
                    seconds, code = measure(copy, options)
                times.setdefault(module, []).append((seconds, code))
                verdict = {0: "green", 1: "red"}.get(code, f"exit code {code}")
                place = f"{module}:{mutant.line} {mutant.operator}"
                print(f"{place}: {verdict} after {seconds:.1f} s", flush=True)
    print("\n".join(table(times)))
    return 0


def measure(copy: MutableCopy, options: Sequence[str]) -> tuple[float, int]:
    """Run the command on a changed copy, with a copy of the maps; return seconds and exit code."""
    path = os.pathsep.join(filter(None, [str(copy.folder), os.environ.get("PYTHONPATH", "")]))
    with tempfile.TemporaryDirectory() as folder:
        maps = Path(folder) / "changed"
        shutil.copytree(FOLDER, maps)
        begun = time.monotonic()
        run = subprocess.run(
            [*COMMAND, f"--into={maps}", *options],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": path},
            stdout=subprocess.DEVNULL,
            check=False,
        )
        return time.monotonic() - begun, run.returncode


def table(times: Mapping[str, Sequence[tuple[float, int]]]) -> list[str]:
    """Return lines with the median and the longest time of each module, and of all."""
    lines = [f"{'module':<16}{'changes':>8}{'red':>5}{'median':>9}{'longest':>9}"]
    everything = [each for module in times.values() for each in module]
    for module, each in {**times, "all": everything}.items():
        seconds = [second for second, _ in each]
        red = sum(code == 1 for _, code in each)
        lines.append(
            f"{module:<16}{len(each):>8}{red:>5}{median(seconds):>8.1f}s{max(seconds):>8.1f}s"
        )
    if hasattr(os, "getloadavg"):
        lines.append(f"load average of the last 15 minutes: {os.getloadavg()[2]:.1f}")
    return lines


def _sample(package: Path, module: str, number: int, seed: int) -> list[Mutant]:
    mutants = all_mutants(package, [module])
    return random.Random(seed).sample(mutants, min(number, len(mutants)))  # noqa: S311


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
