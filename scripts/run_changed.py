"""Run the tests that execute what has changed in the SDK since the last green run.

    hatch run local:changed                the likeliest to fail first, until one fails
    hatch run local:changed -m "not slow"  of these tests only; they have a map of their own
    hatch run local:changed --list         say what would run, and run nothing
    hatch run local:changed --anew         run all tests, and make the map anew

A map says which functions each test executes, also in the sync client's background thread and in
plugin processes. The first run makes it, and each green run brings it up to date. What has changed
stays changed until a run is green. Changes of what runs at import (signatures, classes, new and
removed functions, data models) have all tests run, since nobody can tell which of them notice.

Options that this script does not know go to pytest. The exit code is 0 if all is green, 1 if a test
fails or the source cannot run, 2 after bad input and 130 after Ctrl-C.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from collections.abc import Sequence
from pathlib import Path

from changed_tests.errors import MapError
from changed_tests.loop import Loop
from changed_tests.suite import Suite
from model_fixtures.errors import ModelFixturesError
from suite_command import ROOT, pytest_command, sdk_release

FOLDER = ROOT / "results" / "changed"
BAD_INPUT = 2


def main(arguments: list[str], suite: Suite | None = None) -> int:
    """Run what has to run; return the exit code."""
    given, options = _parser().parse_known_args(arguments)
    suite = suite or the_suite()
    for option in options:
        if not option.startswith("-") and (suite.root / option.partition("::")[0]).exists():
            return _refuse(f"{option} names tests: choose by -k or -m, or run `local:all {option}`")
    selection = [*(("-m", given.m) if given.m else ()), *(("-k", given.k) if given.k else ())]
    folder = given.into / map_name(selection)
    try:
        loop = Loop(suite, folder, [*selection, *options])
        return loop.list_tests() if given.list else loop.run(anew=given.anew)
    except (MapError, ModelFixturesError, OSError) as error:
        return _refuse(str(error))


def the_suite() -> Suite:
    """Return the suite of `local:all`."""
    tests = [f"packages/{name}/tests" for name in ("sdk-tests", "waf-tests")]
    shared = [f"packages/{name}/src" for name in ("sdk-tests", "waf-tests", "model-fixtures")]
    return Suite(ROOT, pytest_command(), tests, shared, ("sdk_tests", "waf_tests"))


def map_name(selection: Sequence[str]) -> str:
    """Return the name of the folder of a map: one for each release, Python and choice of tests."""
    name = f"{sdk_release()}-py{sys.version_info.major}.{sys.version_info.minor}"
    if not selection:
        return name
    return f"{name}-{hashlib.sha256(repr(selection).encode()).hexdigest()[:8]}"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="hatch run local:changed",
        description="Run the tests that execute what has changed in the SDK's working tree since"
        " the last green run, the likeliest to fail first, until one fails.",
        epilog="Other options go to pytest.",
        allow_abbrev=False,
    )
    parser.add_argument("-m", metavar="MARKERS", help="only tests with these markers, as in pytest")
    parser.add_argument("-k", metavar="WORDS", help="only tests of these names, as in pytest")
    parser.add_argument("--list", action="store_true", help="say what would run, and run nothing")
    parser.add_argument("--anew", action="store_true", help="run all tests; make the map anew")
    parser.add_argument(
        "--into",
        metavar="FOLDER",
        type=Path,
        default=FOLDER,
        help="folder for the maps (default: results/changed)",
    )
    return parser


def _refuse(problem: str) -> int:
    print(f"local:changed: {problem}", file=sys.stderr)
    return BAD_INPUT


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
