"""mypy --strict over every package, its tests and the scripts; fails if any of them has an error.

One run a package: tests of different packages share names, which one run of mypy refuses. Each run
reuses the cache of the one before. `hatch run types:check packages/sdk-tests` checks just that.
"""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def main(paths: list[str]) -> int:
    """Check `paths`, or everything, and go on after errors."""
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
