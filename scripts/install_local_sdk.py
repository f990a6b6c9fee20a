"""Install the SDK working tree that LMSTUDIO_SDK_PATH names into this environment, editable.

Part of `hatch run local:all`. A tree that is installed already is left as it is, unless its
pyproject.toml has changed since.
"""

import json
import os
import subprocess
import sys
from importlib.metadata import Distribution, PackageNotFoundError
from pathlib import Path

VARIABLE = "LMSTUDIO_SDK_PATH"


def main() -> int:
    """Exit code 0 when the tree is installed; else one line that says what to do."""
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
    """Return whether `lmstudio` here is an editable install of `tree`, newer than `changed`
    (seconds).
    """
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
    """Print the problem as one line."""
    print(f"local: {problem}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
