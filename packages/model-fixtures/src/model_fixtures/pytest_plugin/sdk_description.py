"""Which SDK a run imports: its version, where it is from, and the state of a working tree."""

from __future__ import annotations

import os
import subprocess
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

PACKAGE = "lmstudio"
_GIT_SECONDS = 10
_INSTALLED = ("site-packages", "dist-packages")


def describe_sdk() -> str | None:
    """Return one line about the SDK that `import lmstudio` gives here; None if there is none.

    The package is found, not imported. It need not be the one whose version pip has installed:
    PYTHONPATH may come first.
    """
    spec = find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        return None
    folder = Path(spec.origin).resolve().parent
    try:
        release = version(PACKAGE)
    except PackageNotFoundError:
        release = "of unknown version, as it is not installed"
    if any(name in folder.parts for name in _INSTALLED):
        return f"{release} (installed in {folder.parent})"
    return f"{release} (working tree {folder}, {_git_state(folder)})"


def _git_state(folder: Path) -> str:
    """Return what `git describe` says, and whether there are changes that are not committed."""
    try:
        described = _git(folder, "describe", "--tags", "--always")
        # Files that git does not know count only in the package: elsewhere they are no code.
        changed = _git(folder, "status", "--porcelain", "--untracked-files=no")
        added = _git(folder, "status", "--porcelain", "--", ".")
    except FileNotFoundError:
        return "git is not installed"
    except subprocess.TimeoutExpired:
        return f"git does not answer within {_GIT_SECONDS} s"
    except subprocess.CalledProcessError as error:
        reason = (error.stderr.strip().splitlines() or ["git fails"])[-1]
        return f"no state known: {reason}"
    return f"git describe: {described}, {'dirty' if changed or added else 'clean'}"


def _git(folder: Path, *arguments: str) -> str:
    # In a hook of git, these variables name another repository.
    environ = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    done = subprocess.run(
        ["git", *arguments],
        cwd=folder,
        env={**environ, "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=True,
        timeout=_GIT_SECONDS,
    )
    return done.stdout.strip()
