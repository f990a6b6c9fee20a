"""Check every package with its tests, and the scripts, with mypy; fail if any has an error.

Each has a run of mypy of its own, since one run refuses tests of the same name in two packages. The
runs share a cache. `hatch run types:check packages/sdk-tests` checks only that package.
"""

import argparse
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def main(arguments: list[str]) -> int:
    """Check the given paths, by default everything; return 1 if any has an error, else 0."""
    parser = argparse.ArgumentParser(
        prog="hatch run types:check", description="Check types with mypy; continue after errors."
    )
    parser.add_argument(
        "paths",
        metavar="PATH",
        nargs="*",
        help="folder to check, such as packages/sdk-tests (default: every package and scripts)",
    )
    paths = parser.parse_args(arguments).paths
    targets = paths or [
        *sorted(str(path) for path in ROOT.glob("packages/*")),
        str(ROOT / "scripts"),
    ]
    failed = []
    for target in targets:
        print(f"mypy {Path(target).resolve().relative_to(ROOT)}", flush=True)
        if subprocess.run([sys.executable, "-m", "mypy", target], cwd=ROOT, check=False).returncode:
            failed.append(target)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
