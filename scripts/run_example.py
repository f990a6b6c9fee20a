"""Run the tests of examples/assistant as their author would: with wheels, outside of the checkout.

    hatch run packages:example [pytest options]

The wheel of model-fixtures is built, and installed with the example and its dependencies into a new
environment in a temporary folder, where a copy of the example lies, too. Dependencies come from
pip's index, and weights if the cache lacks them. How long that takes: `hatch run packages:measure`.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from build_packages import BuildError, build
from suite_command import ROOT

EXAMPLE = ROOT / "examples" / "assistant"
CACHES = shutil.ignore_patterns("__pycache__", ".*_cache", "*.egg-info", "dist", ".venv")
CACHE_VARIABLE = "LMSTUDIO_TEST_CACHE"
# Variables of Hatch's environment and of tests that run this script: an author has none of them.
FOREIGN = ("COVERAGE_", "HATCH_", "LMSTUDIO_", "PYTEST_", "PYTHON", "VIRTUAL_ENV")


class ExampleError(Exception):
    """The example can't be installed; the message has what pip says."""


def main(options: Sequence[str]) -> int:
    """Run the example's tests with these options of pytest, and return pytest's exit code."""
    try:
        with new_folder() as folder:
            wheel = build_wheel(folder)
            python = make_environment(folder)
            install(python, wheel, folder, author_environ())
            return run_tests(python, folder, options, author_environ())
    except (BuildError, ExampleError) as error:
        print(f"packages:example: {error}", file=sys.stderr)
        return 1


@contextmanager
def new_folder() -> Iterator[Path]:
    """Provide a temporary folder with a copy of the example in `assistant`."""
    with tempfile.TemporaryDirectory(prefix="example-", ignore_cleanup_errors=True) as folder:
        shutil.copytree(EXAMPLE, Path(folder) / EXAMPLE.name, ignore=CACHES)
        yield Path(folder)


def build_wheel(folder: Path) -> Path:
    """Build the wheel of model-fixtures, and return its file.

    Raises:
        BuildError: it can't be built.
    """
    return build(ROOT / "packages" / "model-fixtures", folder / "dist")[1]


def make_environment(folder: Path) -> Path:
    """Make an empty environment in the folder, and return its Python."""
    environment = folder / "environment"
    subprocess.run([sys.executable, "-m", "venv", str(environment)], check=True)
    return environment / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def install(python: Path, wheel: Path, folder: Path, environ: Mapping[str, str]) -> None:
    """Install the wheel, and the example with what its tests need.

    Raises:
        ExampleError: pip can't.
    """
    command = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    run = subprocess.run(
        [*command, str(wheel), f"./{EXAMPLE.name}[test]"],
        cwd=folder,
        env=dict(environ),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    if run.returncode:
        raise ExampleError(f"the example can't be installed:\n{run.stdout}")


def run_tests(
    python: Path, folder: Path, options: Sequence[str], environ: Mapping[str, str]
) -> int:
    """Run the tests of the example's copy with these options, and return pytest's exit code."""
    command = [str(python), "-m", "pytest", *options]
    # pytest puts the current folder first on the path, where the example's package is not: it is
    # that of the environment which is tested.
    run = subprocess.run(command, cwd=folder / EXAMPLE.name, env=dict(environ), check=False)
    return run.returncode


def author_environ() -> dict[str, str]:
    """Return this process's environment without what an author has not set.

    The folder of weights stays: it is what makes runs short.
    """
    return {
        name: value
        for name, value in os.environ.items()
        if name == CACHE_VARIABLE or not name.startswith(FOREIGN)
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
