"""Build the packages and check them as an index, an installer and a reader would.

    hatch run packages:check [--dist FOLDER] [--release v0.1.0]

That are `validate-pyproject`, `twine check --strict`, and a comparison of what is packed with the
checkout. With --dist, the files in that folder are checked instead. With --release, everything must
be ready to be published under this tag.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from build_packages import (
    PACKAGES,
    PLACEHOLDER,
    REPOSITORY_VARIABLE,
    BuildError,
    built,
    packages_version,
)
from package_contents import sdist_findings, wheel_findings
from suite_command import ROOT


def main() -> int:
    """Print what is wrong; return 1 if there is anything, else 0."""
    parser = argparse.ArgumentParser(description="Check the packages.")
    parser.add_argument("--dist", type=Path, help="folder with built packages; default: build them")
    parser.add_argument("--release", metavar="TAG", help="the tag to publish under: v0.1.0")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="packages-") as temporary:
        try:
            dist = options.dist or built(Path(temporary))
        except BuildError as error:
            findings = [str(error)]
        else:
            findings = [*distribution_findings(dist), *_program_findings(dist)]
    if options.release is not None:
        findings += release_findings(options.release, (ROOT / "CHANGELOG.md").read_text("utf-8"))
    print("\n".join(findings), end="\n" if findings else "")
    print(f"{len(PACKAGES)} packages checked, {len(findings)} findings")
    return 1 if findings else 0


def distribution_findings(dist: Path) -> Iterator[str]:
    """Yield what is wrong with the files in a folder of built packages."""
    version = packages_version()
    expected: set[str] = set()
    for package in PACKAGES:
        base = f"lmstudio_{package.name.replace('-', '_')}-{version}"
        wheel, sdist = dist / f"{base}-py3-none-any.whl", dist / f"{base}.tar.gz"
        expected |= {wheel.name, sdist.name}
        for file, find in ((wheel, wheel_findings), (sdist, sdist_findings)):
            if file.is_file():
                yield from find(file, package, version)
            else:
                yield f"{file.name} is missing"
    for name in sorted({file.name for file in dist.iterdir()} - expected):
        yield f"{name} does not belong there"


def release_findings(tag: str, changelog: str) -> Iterator[str]:
    """Yield what keeps the packages from being published under a tag."""
    version = packages_version()
    if tag != f"v{version}":
        yield f"the tag is {tag}, but the version in pyproject.toml is {version}: make them agree"
    if not os.environ.get(REPOSITORY_VARIABLE):
        yield f"the links lead to {PLACEHOLDER}: set {REPOSITORY_VARIABLE} to build and to check"
    if f"\n## [{version}]" not in changelog:
        yield f"CHANGELOG.md has no section [{version}]: give [Unreleased] this name and the date"


def _program_findings(dist: Path) -> Iterator[str]:
    """Yield the complaints of validate-pyproject and twine."""
    projects = [str(package / "pyproject.toml") for package in PACKAGES]
    for command in (
        ["validate-pyproject", *projects],
        ["twine", "check", "--strict", *map(str, sorted(dist.iterdir()))],
    ):
        program = Path(sys.executable).with_name(command[0])
        run = subprocess.run(
            [str(program), *command[1:]], capture_output=True, text=True, check=False
        )
        if run.returncode:
            yield f"{command[0]}: {run.stdout}{run.stderr}".rstrip()


if __name__ == "__main__":
    sys.exit(main())
