"""Check packages, examples and scripts with their tests with mypy; fail if any has an error.

Each has a run of mypy of its own, since one run refuses tests of the same name in two packages. The
runs share a cache. `hatch run types:check packages/sdk-tests` checks only that package.

`--platform win32` checks what another system runs. Tests are left out then: many of them are
skipped elsewhere, for reasons that mypy does not see.
"""

import argparse
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TESTS = r"[/\\]tests[/\\]"  # a pattern for mypy


def main(arguments: list[str]) -> int:
    """Check the given paths, by default everything; return 1 if any has an error, else 0."""
    parser = argparse.ArgumentParser(
        prog="hatch run types:check", description="Check types with mypy; continue after errors."
    )
    parser.add_argument(
        "paths",
        metavar="PATH",
        nargs="*",
        help="folder to check, such as packages/sdk-tests (default: everything)",
    )
    parser.add_argument(
        "--platform", help="check for this system, such as win32 or darwin, without the tests"
    )
    parser.add_argument(
        "--python-version", metavar="X.Y", help="check for this Python (default: the oldest)"
    )
    given = parser.parse_args(arguments)
    targets = given.paths or [
        *sorted(str(path) for path in ROOT.glob("packages/*")),
        *sorted(str(path) for path in ROOT.glob("examples/*")),
        str(ROOT / "scripts"),
    ]
    failed = []
    for target in targets:
        print(f"mypy {Path(target).resolve().relative_to(ROOT)}", flush=True)
        command = [sys.executable, "-m", "mypy", *mypy_options(given), target]
        if subprocess.run(command, cwd=ROOT, check=False).returncode:
            failed.append(target)
    return 1 if failed else 0


def mypy_options(given: argparse.Namespace) -> list[str]:
    """Return mypy's options for the system and the Python that were given."""
    options = []
    if given.platform:
        # What follows `if not linux: return` is unreachable there, and rightly so.
        options += ["--platform", given.platform, "--no-warn-unreachable", "--exclude", TESTS]
    if given.python_version:
        options += ["--python-version", given.python_version]
    return options


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
