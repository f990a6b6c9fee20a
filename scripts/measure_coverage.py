"""Measure which lines and branches of the installed SDK the suite executes.

    hatch run test:coverage                       each release, and then all of them together
    hatch run +sdk=1.6.0b1 test:coverage -k files    other options go to pytest
    hatch run test:coverage --append tests/x.py   add to what was measured before
    hatch run test:coverage --shard 2/4           the second of four shards, for `test:merge`

Threads, workers of xdist and plugin processes count. The results are in `results/coverage`:
`html/index.html`, `coverage.xml`, `coverage.json`, `uncovered.txt` with what no test executes, and
the data of each release, which `hatch run test:merge` makes one of for shards on several machines.

The goal is judged when the last release of the matrix, or a release outside of it, has been
measured: the exit code is 1 if the releases together miss it, and pytest's if tests fail.
"""

import argparse
import importlib.util
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from coverage_data import (
    SETTINGS,
    CoverageError,
    combine_parts,
    data_file,
    keep_source,
    report,
)
from coverage_tables import Total, table, total_of, totals
from run_shard import shard, split_options
from sdk_tests.sdk_origin import is_working_tree
from suite_command import ROOT, matrix_of, pytest_command, sdk_release
from uncovered_lines import Gap, ReasonError, gaps_of, outdated, reasons, write_gaps

FOLDER = ROOT / "results" / "coverage"
REASONS = Path(__file__).resolve().parent / "uncovered.toml"


def main(arguments: list[str]) -> int:
    """Run the suite, report, and return the exit code."""
    parser = argparse.ArgumentParser(
        prog="hatch run test:coverage",
        description="Measure what of the SDK the suite executes. Other options go to pytest.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "--into",
        metavar="FOLDER",
        type=Path,
        default=FOLDER,
        help="folder for the results (default: results/coverage)",
    )
    parser.add_argument(
        "--append", action="store_true", help="add to what was measured of this release before"
    )
    parser.add_argument(
        "--goal",
        metavar="LINES,BRANCHES",
        type=goal,
        help="percent of both that must be executed; `0,0` for no goal (default: 98,95)",
    )
    parser.add_argument(
        "--shard", metavar="I/N", type=shard, help="only this shard of the suite, such as 2/4"
    )
    chosen, options = parser.parse_known_args(arguments)
    if chosen.shard:
        options = [*split_options(*chosen.shard), *options]
    release, matrix = installed_release(), matrix_of("test")
    try:
        known = reasons(REASONS)
        code = measure(release, chosen.into.resolve(), options, append=chosen.append)
        together = [each for each in matrix if data_file(chosen.into, each).is_file()]
        if release not in matrix:
            together = [release]
        files = [data_file(chosen.into, each) for each in together]
        content = report(files, chosen.into.resolve())
        gaps = gaps_of(content, chosen.into, known)
    except (CoverageError, ReasonError, OSError) as error:
        print(f"test:coverage: {error}", file=sys.stderr)
        return 2
    print("\n".join(table(totals(content))))
    write_gaps(gaps, chosen.into / "uncovered.txt")
    print("\n".join(about_gaps(gaps, chosen.into)))
    if not options and together == matrix:
        for reason in outdated(known, gaps):
            print(f"{REASONS.name}: `{reason.line}` in {reason.function} is executed: remove it")
    if code:
        return code
    if chosen.shard and chosen.goal is None:
        print("The goal is not judged for a shard: `hatch run test:merge` reports all of them.")
        return 0
    if chosen.goal is None and release in matrix[:-1]:
        print(f"The goal is judged with the last release, {matrix[-1]}.")
        return 0
    return judge(total_of(totals(content)), chosen.goal or (98.0, 95.0))


def goal(text: str) -> tuple[float, float]:
    """Return the percentages of a text such as `98,95`.

    Raises:
        argparse.ArgumentTypeError: it is no pair of percentages.
    """
    try:
        lines, branches = (float(part) for part in text.split(","))
    except ValueError:
        lines = branches = -1.0
    if not (0 <= lines <= 100 and 0 <= branches <= 100):
        raise argparse.ArgumentTypeError(f"{text!r} is no goal: write 98,95 for lines, branches")
    return lines, branches


def installed_release() -> str:
    """Return the version of the installed SDK; that of a working tree ends with `+local`."""
    return f"{sdk_release()}+local" if is_working_tree() else sdk_release()


def measure(release: str, folder: Path, options: Sequence[str], *, append: bool) -> int:
    """Run the suite and write the data of the release; return pytest's exit code.

    Raises:
        CoverageError: there is no SDK, or nothing was measured.
    """
    spec = importlib.util.find_spec("lmstudio")
    if spec is None or not spec.submodule_search_locations:
        raise CoverageError("lmstudio is not installed here: use the environments `test`, `local`")
    folder.mkdir(parents=True, exist_ok=True)
    parts = folder / "parts"
    parts.mkdir(exist_ok=True)
    for left in parts.glob(f"{release}.data*"):  # of a run that was interrupted
        left.unlink()
    keep_source(Path(spec.submodule_search_locations[0]), folder, release)
    command = [
        *(sys.executable, "-m", "coverage", "run"),
        f"--rcfile={SETTINGS}",
        f"--data-file={parts / f'{release}.data'}",
        *pytest_command()[1:],
        *options,
    ]
    code = subprocess.run(command, cwd=ROOT, check=False).returncode
    found = sorted(parts.glob(f"{release}.data*"))
    before = data_file(folder, release)
    if append and before.is_file():
        found.append(before.rename(parts / f"{release}.data.before"))
    combine_parts(found, folder, release)
    for part in parts.glob(f"{release}.data*"):
        part.unlink()
    return code


def about_gaps(gaps: Sequence[Gap], folder: Path) -> Iterable[str]:
    """Yield lines about what no test executes."""
    without = sum(gap.reason is None for gap in gaps)
    yield (
        f"{len(gaps)} places are not executed, {without} of them without a reason in"
        f" scripts/{REASONS.name}: {folder / 'uncovered.txt'}"
    )
    yield f"{folder / 'html' / 'index.html'}, {folder / 'coverage.xml'}"


def judge(total: Total, wanted: tuple[float, float]) -> int:
    """Print whether the goal is reached; return the exit code."""
    lines, branches = wanted
    reached = total.percent_of_lines >= lines and total.percent_of_branches >= branches
    print(
        f"{total.percent_of_lines:.2f} % of the lines and {total.percent_of_branches:.2f} % of the"
        f" branches are executed: the goal, {lines:g} % and {branches:g} %, is"
        f" {'reached' if reached else 'missed'}"
    )
    return 0 if reached else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
