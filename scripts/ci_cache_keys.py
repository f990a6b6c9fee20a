"""Print what CI names its caches by, as lines `name=value`, which GitHub takes as outputs.

    python scripts/ci_cache_keys.py >> "$GITHUB_OUTPUT"

It needs nothing but Python, since it runs before anything is installed.

`weights`: the sources of the weights, in which their digests stand, and the files that they are
made with.
`packages`: what the environments install.
"""

import hashlib
import sys
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WEIGHTS = "packages/model-fixtures/src/model_fixtures/weights"
PATTERNS = {
    "weights": (f"{WEIGHTS}/*.py", f"{WEIGHTS}/data/*.gguf"),
    "packages": ("hatch.toml", "pyproject.toml", "packages/*/pyproject.toml"),
}


def main() -> None:
    """Print the keys."""
    for name, patterns in PATTERNS.items():
        files = (path for pattern in patterns for path in ROOT.glob(pattern))
        print(f"{name}={digest(files)}")
    print(f"python={sys.version_info[0]}.{sys.version_info[1]}")


def digest(files: Iterable[Path]) -> str:
    """Return a digest of the names and contents of files; Windows' line ends do not matter."""
    found = hashlib.sha256()
    for path in sorted(files):
        content = path.read_bytes()
        if path.suffix != ".gguf":
            content = content.replace(b"\r\n", b"\n")
        found.update(f"{path.relative_to(ROOT).as_posix()} {len(content)}\n".encode())
        found.update(content)
    return found.hexdigest()[:16]


if __name__ == "__main__":
    main()
