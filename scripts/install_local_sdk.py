"""Install the SDK's working tree that LMSTUDIO_SDK_PATH names, as an editable package.

`hatch run local:all` runs this first. It does nothing if the tree is already installed and its
pyproject.toml has not changed since.
"""

import argparse
import json
import os
import subprocess
import sys
from importlib.metadata import Distribution, PackageNotFoundError
from pathlib import Path

VARIABLE = "LMSTUDIO_SDK_PATH"


def main() -> int:
    """Install the tree; return 0, or 2 after one line that says what to do."""
    named = os.environ.get(VARIABLE, "")
    if not named:
        return refuse(
            f"set {VARIABLE} to the working tree of the SDK: {VARIABLE}=~/lmstudio-python"
        )
    tree = Path(named).expanduser().resolve()
    project = tree / "pyproject.toml"
    if not project.is_file() or not (tree / "src" / "lmstudio").is_dir():
        return refuse(
            f"{VARIABLE}={named} is no SDK working tree: no pyproject.toml and src/lmstudio"
        )
    if not is_installed(tree, project.stat().st_mtime):
        command = [sys.executable, "-m", "pip", "install", "-q", "--editable", str(tree)]
        if subprocess.run(command, check=False).returncode:
            return refuse(f"pip could not install {tree}: its own message is above")
    return 0


def is_installed(tree: Path, changed: float) -> bool:
    """Return whether `tree` is installed here as editable, after the time `changed` (seconds)."""
    try:
        sdk = Distribution.from_name("lmstudio")
    except PackageNotFoundError:
        return False
    origin = json.loads(sdk.read_text("direct_url.json") or "{}")
    installed = Path(str(sdk.locate_file(""))) / f"lmstudio-{sdk.version}.dist-info" / "RECORD"
    return (
        origin.get("url") == tree.as_uri()
        and origin.get("dir_info", {}).get("editable", False)
        and installed.is_file()
        and installed.stat().st_mtime > changed
    )


def refuse(problem: str) -> int:
    """Print the problem as one line; return the exit code."""
    print(f"local: {problem}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0]).parse_args()
    sys.exit(main())
