"""Make one page, and a JUnit file, of the results of one or several runs.

    hatch run +sdk=1.6.0b1 test:all --lmstudio-results=results
    hatch run +sdk=1.6.0b1 test:report results --out report.html --junit junit.xml

Later runs are compared with the first. Files come in the given order, those of a folder by the time
at which their runs began. The runs of shards are merged by `hatch run test:merge` before.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from model_fixtures.run_results import ResultsError, Run, has_results, read_results
from run_report.junit import write_junit
from run_report.measures import MeasureError, read_coverage, read_mutation
from run_report.page import render
from suite_command import matrix_of


def main(arguments: list[str]) -> int:
    """Write the page; return 0, or 1 after one line that says why it was not possible."""
    parser = argparse.ArgumentParser(
        prog="hatch run test:report", description="Make a page of the results of runs."
    )
    parser.add_argument(
        "paths",
        metavar="PATH",
        type=Path,
        nargs="+",
        help="file that --lmstudio-results has written, or folder with such files",
    )
    parser.add_argument(
        "--out",
        metavar="FILE",
        type=Path,
        default=Path("report.html"),
        help="the page (default: %(default)s)",
    )
    parser.add_argument("--junit", metavar="FILE", type=Path, help="write a JUnit file, too")
    parser.add_argument(
        "--coverage", metavar="FILE", type=Path, help="what `coverage json` has written"
    )
    parser.add_argument("--mutants", metavar="FILE", type=Path, help="the verdicts of mutants:run")
    parser.add_argument(
        "--title", default="LM Studio Python SDK: test report", help="the page's title"
    )
    chosen = parser.parse_args(arguments)
    try:
        runs = read_runs(chosen.paths)
        page = render(
            runs,
            title=chosen.title,
            coverage=None if chosen.coverage is None else read_coverage(chosen.coverage),
            matrix=matrix_of("test"),
            mutation=None if chosen.mutants is None else read_mutation(chosen.mutants),
        )
        for path in filter(None, (chosen.out, chosen.junit)):
            path.parent.mkdir(parents=True, exist_ok=True)
        chosen.out.write_text(page, encoding="utf-8")
        if chosen.junit is not None:
            write_junit(chosen.junit, runs)
    except (ResultsError, MeasureError, OSError) as error:
        print(f"test:report: {error}", file=sys.stderr)
        return 1
    tests = sum(len(run.tests) for run in runs)
    size = len(page.encode()) / 1e6
    plural = "run" if len(runs) == 1 else "runs"
    print(f"{chosen.out}: {len(runs)} {plural}, {tests:,} tests, {size:.1f} MB")
    if chosen.junit is not None:
        print(f"{chosen.junit}: the same as JUnit")
    return 0


def read_runs(paths: Sequence[Path]) -> list[Run]:
    """Return the runs in these files and folders.

    Raises:
        ResultsError: there are none, or a file can't be read.
    """
    runs: list[Run] = []
    seen: set[Path] = set()
    for path in paths:
        if not path.exists():
            raise ResultsError(f"{path} does not exist: name files or folders with results")
        files = list(filter(has_results, path.rglob("*.json"))) if path.is_dir() else [path]
        new = [file for file in files if file.resolve() not in seen]
        seen |= {file.resolve() for file in new}
        found = [run for file in new for run in read_results(file)]
        runs += sorted(found, key=lambda run: run.started) if path.is_dir() else found
    if not runs:
        names = ", ".join(map(str, paths))
        raise ResultsError(f"there are no results in {names}: run pytest with --lmstudio-results")
    return runs


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
