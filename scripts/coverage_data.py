"""Coverage data in a folder: one file for each SDK release, beside a copy of that release's source.

    lmstudio-1.5.0.coverage    its paths are relative to the folder: lmstudio-1.5.0/json_api.py
    lmstudio-1.5.0/            the source, which reports show

So data of environments and machines whose paths differ fit together, and releases, in which the
same line has different numbers, stay apart.
"""

import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

SETTINGS = Path(__file__).resolve().parent / "coverage.ini"
PREFIX = "lmstudio-"
SUFFIX = ".coverage"
XML = "coverage.xml"


class CoverageError(Exception):
    """Coverage can't be combined or reported; the message is one line that says why."""


def data_file(folder: Path, release: str) -> Path:
    """Return the file with the data of a release."""
    return folder / f"{PREFIX}{release}{SUFFIX}"


def source_of(folder: Path, release: str) -> Path:
    """Return the folder with a release's source."""
    return folder / f"{PREFIX}{release}"


def release_of(file: Path) -> str:
    """Return the release whose data a file has."""
    return file.name.removeprefix(PREFIX).removesuffix(SUFFIX)


def keep_source(package: Path, folder: Path, release: str) -> None:
    """Copy the source of the installed SDK, in place of an older copy."""
    target = source_of(folder, release)
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(package, target, ignore=shutil.ignore_patterns("__pycache__"))


def combine_parts(parts: Sequence[Path], folder: Path, release: str) -> Path:
    """Make one file of the data of a release, whichever paths they have; return it.

    Raises:
        CoverageError: there are no data, or they can't be read.
    """
    if not parts:
        raise CoverageError("nothing was measured: did any test use the SDK?")
    settings = _settings(folder, f"sdk =\n    {source_of(folder, release).name}\n    */lmstudio\n")
    target = data_file(folder, release)
    files = [str(part) for part in parts]
    _coverage(["combine", "--quiet", "--keep", f"--data-file={target.name}", *files], settings)
    return target


def report(files: Sequence[Path], folder: Path) -> dict[str, Any]:
    """Write `coverage.xml`, `coverage.json` and `html/` about data files of the folder.

    Returns:
        What `coverage.json` says.

    Raises:
        CoverageError: the data can't be read, or a source is missing.
    """
    for file in files:
        if not source_of(folder, release_of(file)).is_dir():
            raise CoverageError(f"{file} has no folder of sources beside it: keep both together")
    settings = _settings(folder)
    together = ["--data-file=all.data"]
    names = [file.name for file in files]
    (folder / "all.data").unlink(missing_ok=True)
    _coverage(["combine", "--quiet", "--keep", *together, *names], settings)
    _coverage(["xml", "--quiet", *together, "-o", XML], settings)
    shutil.rmtree(folder / "html", ignore_errors=True)
    _coverage(["html", "--quiet", *together, "-d", "html"], settings)
    _coverage(["json", "--quiet", *together, "-o", "coverage.json"], settings)
    (folder / "all.data").unlink(missing_ok=True)
    content: dict[str, Any] = json.loads((folder / "coverage.json").read_text(encoding="utf-8"))
    return content


def release_and_module(name: str) -> tuple[str, str]:
    """Return what a path in the data stands for: its release, and the module's path in the SDK."""
    first, *rest = Path(name).parts
    return first.removeprefix(PREFIX), "/".join(rest)


def _settings(folder: Path, paths: str = "") -> Path:
    """Write the settings for coverage's commands; return the file."""
    text = SETTINGS.read_text(encoding="utf-8").replace(
        "parallel = true\n", "parallel = true\nrelative_files = true\n"
    )
    file = folder / "settings.ini"
    file.write_text(f"{text}\n[paths]\n{paths}" if paths else text, encoding="utf-8")
    return file


def _coverage(command: list[str], settings: Path) -> None:
    """Run a command of coverage in the folder of its settings."""
    name, *options = command
    run = subprocess.run(
        [sys.executable, "-m", "coverage", name, f"--rcfile={settings.name}", *options],
        cwd=settings.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    if run.returncode:
        said = (run.stdout + run.stderr).strip().splitlines() or ["no output"]
        raise CoverageError(f"coverage {name} failed: {said[-1]}")
