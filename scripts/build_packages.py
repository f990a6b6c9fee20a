"""Build every package: a source distribution, and from that the wheel.

    hatch run packages:build [--out dist]

So nobody gets a source distribution that lacks what a wheel needs. PACKAGES_REPOSITORY takes the
place of https://github.com/OWNER/REPOSITORY in the packages' links: a workflow knows where it runs.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from suite_command import ROOT

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

REPOSITORY_VARIABLE = "PACKAGES_REPOSITORY"
PLACEHOLDER = "https://github.com/OWNER/REPOSITORY"
WITH_LINKS = ("pyproject.toml", "README.md")
IGNORED = shutil.ignore_patterns("__pycache__", "*.pyc", "dist", "node_modules")
PACKAGES = sorted(path.parent for path in ROOT.glob("packages/*/pyproject.toml"))


class BuildError(Exception):
    """A package can't be built; the message is the builder's last line."""


def main() -> int:
    """Build what is asked for; return the exit code."""
    parser = argparse.ArgumentParser(description="Build the packages.")
    parser.add_argument("--out", type=Path, default=ROOT / "dist", help="folder; default: dist")
    out = parser.parse_args().out
    try:
        built = [file for package in PACKAGES for file in build(package, out)]
    except BuildError as error:
        print(f"packages:build: {error}", file=sys.stderr)
        return 1
    for file in built:
        print(f"{file} ({file.stat().st_size / 1e6:.1f} MB)")
    return 0


def built(folder: Path) -> Path:
    """Build all packages into a folder, and return it.

    Raises:
        BuildError: one can't be built.
    """
    for package in PACKAGES:
        build(package, folder)
    return folder


def build(package: Path, out: Path) -> tuple[Path, Path]:
    """Build a package into a folder, and return its source distribution and its wheel.

    Raises:
        BuildError: it can't be built.
    """
    out = out.absolute()
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="packages-") as temporary:
        folder = Path(temporary)
        sdist = _hatchling("sdist", _copy(package, folder), folder / "sdist")
        with tarfile.open(sdist) as archive:
            archive.extractall(folder / "source", filter="data")
        (source,) = (folder / "source").iterdir()
        wheel = _hatchling("wheel", source, folder / "wheel")
        return _moved(sdist, out), _moved(wheel, out)


def packages_version() -> str:
    """Return the version of all packages, which stands in the root's pyproject.toml."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return str(project["tool"]["packages"]["version"])


def _copy(package: Path, folder: Path) -> Path:
    """Copy a package, as deep below its root as in the checkout, with the links that it gets."""
    shutil.copy(ROOT / "pyproject.toml", folder)
    copy = shutil.copytree(package, folder / "packages" / package.name, ignore=IGNORED)
    repository = os.environ.get(REPOSITORY_VARIABLE, "").rstrip("/") or PLACEHOLDER
    for name in WITH_LINKS:
        text = (copy / name).read_text(encoding="utf-8")
        (copy / name).write_text(text.replace(PLACEHOLDER, repository), encoding="utf-8")
    return copy


def _hatchling(target: str, package: Path, out: Path) -> Path:
    command = [sys.executable, "-m", "hatchling", "build", "-t", target, "-d", str(out)]
    environ = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    run = subprocess.run(
        command, cwd=package, env=environ, capture_output=True, text=True, check=False
    )
    if run.returncode:
        lines = run.stderr.strip().splitlines() or ["hatchling has failed"]
        raise BuildError(f"{package.name}, {target}: {lines[-1]}")
    (file,) = out.iterdir()
    return file


def _moved(file: Path, folder: Path) -> Path:
    target = folder / file.name
    target.write_bytes(file.read_bytes())
    return target


if __name__ == "__main__":
    sys.exit(main())
