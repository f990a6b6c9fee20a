"""The npm packages of the JavaScript clients, in folders of the user's cache.

`hatch run foreign:install` runs this file; with the folder of a lock file as argument it installs
only that, and prints where it is (`scripts/lint_workflows.py` has its linter from there). Tests
install what is missing by the same function, so a first run of them needs the npm registry. Later
ones need nothing: a folder's name has the hash of the lock file that it was made from.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import filelock
from model_fixtures.user_paths import cache_folder

SOURCES = Path(__file__).parent / "javascript" / "packages"
OLDEST_NODE = 18
COMMAND = "hatch run foreign:install"
_FILES = ("package.json", "package-lock.json")
_PATIENCE = 300.0


class NodeMissingError(Exception):
    """Node.js or npm is not installed, or too old."""


class InstallError(Exception):
    """npm has failed."""


def find_node() -> str:
    """Return the path of Node.js.

    Raises:
        NodeMissingError: there is none, it is too old, or npm is missing.
    """
    node = shutil.which("node")
    if node is None or shutil.which("npm") is None:
        raise NodeMissingError("the programs node and npm are not both on PATH")
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=False)
    found = re.match(r"v(\d+)\.", version.stdout)
    if found is None or int(found[1]) < OLDEST_NODE:
        shown = version.stdout.strip() or "unknown"
        raise NodeMissingError(f"Node.js {OLDEST_NODE} or newer is needed; {node} is {shown}")
    return node


def client_names() -> list[str]:
    """Return the names of the clients: those of the folders with their lock files."""
    return sorted(folder.name for folder in SOURCES.iterdir())


def installed_folder(client: str, sources: Path = SOURCES) -> Path:
    """Return the folder with the client's `node_modules`. It need not exist."""
    digest = hashlib.sha256()
    for name in _FILES:
        digest.update((sources / client / name).read_bytes())
    return cache_folder() / "npm" / f"{client}-{digest.hexdigest()[:16]}"


def install(client: str, sources: Path = SOURCES) -> Path:
    """Install a client if it is not installed, and return its folder.

    Args:
        client: its name, that of the folder with its lock file.
        sources: the folder of that folder.

    Raises:
        NodeMissingError: npm is missing.
        InstallError: npm has failed.
    """
    folder = installed_folder(client, sources)
    if folder.is_dir():
        return folder
    find_node()
    folder.parent.mkdir(parents=True, exist_ok=True)
    with filelock.FileLock(folder.with_name(f"{client}.lock")):
        if not folder.is_dir():  # another process may have made it in the meantime
            with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{client}-") as made:
                complete = Path(made) / "complete"
                complete.mkdir()
                for name in _FILES:
                    shutil.copyfile(sources / client / name, complete / name)
                _run_npm(client, complete)
                complete.rename(folder)
    return folder


def _run_npm(client: str, folder: Path) -> None:
    npm = shutil.which("npm") or "npm"
    command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    try:
        done = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, timeout=_PATIENCE, check=False
        )
    except subprocess.TimeoutExpired:
        raise InstallError(f"npm has not installed {client} in {_PATIENCE:g} s") from None
    if done.returncode:
        errors = [line for line in done.stderr.splitlines() if line.startswith("npm error")]
        said = "; ".join(line.removeprefix("npm error").strip() for line in errors[:3])
        raise InstallError(
            f"npm cannot install {client} (exit status {done.returncode}): {said or 'no reason'}."
            f" Once npm reaches its registry, run: {COMMAND}"
        )


def main(arguments: Sequence[str] = ()) -> int:
    """Install all clients, or what is named; return 1 if that fails, and 0 without Node.js."""
    named = [Path(each).resolve() for each in arguments]
    try:
        find_node()
        for source in named or [SOURCES / client for client in client_names()]:
            print(install(source.name, source.parent))
    except NodeMissingError as error:
        print(f"Nothing to install, and the tests of JavaScript clients are skipped: {error}")
    except InstallError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
