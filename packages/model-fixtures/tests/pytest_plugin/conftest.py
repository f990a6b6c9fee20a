"""Runs of pytest in a process of its own, with tests that are written for them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest
from model_fixtures.catalog import read_catalog
from model_fixtures.host_models import ensure_weights

SETTINGS = """
[pytest]
addopts = --strict-markers --strict-config --import-mode=importlib -ra
    -p no:cacheprovider -p no:randomly {more}
filterwarnings = error
"""
NO_ASYNCIO = "-p no:asyncio"  # it wants settings of its own
SUITE = f"{NO_ASYNCIO} -p model_fixtures.pytest_plugin.suite"

PATIENCE = 400  # seconds until a run counts as hanging

# Writes the pid of each embedded server that the run starts to the file "servers".
WATCH = """
import subprocess
from pathlib import Path

class Popen(subprocess.Popen):
    def __init__(self, args, *more, **options):
        super().__init__(args, *more, **options)
        if "serve" in args:
            with Path("servers").open("a") as file:
                file.write(f"{self.pid}\\n")

subprocess.Popen = Popen
"""


class Suite:
    """A folder with tests; `environ` is the environment of pytest.

    Args:
        folder: an empty folder.
        options: further options of all runs.
    """

    def __init__(self, folder: Path, options: str = NO_ASYNCIO) -> None:
        self.folder = folder
        own = ("LMSTUDIO_API_HOST", "LMSTUDIO_API_TOKEN", "PYTEST_ADDOPTS")
        self.environ = {
            name: value
            for name, value in os.environ.items()
            # This run may itself be an xdist worker.
            if name not in own and not name.startswith("PYTEST_XDIST")
        }
        self.environ["COLUMNS"] = "200"
        (folder / "pytest.ini").write_text(SETTINGS.format(more=options))
        (folder / "conftest.py").write_text(WATCH)

    def write(self, text: str, name: str = "test_it.py") -> None:
        """Write a module of tests."""
        (self.folder / name).write_text(dedent(text))

    def command(self, *arguments: str) -> list[str]:
        """Return the command line of a run."""
        return [sys.executable, "-m", "pytest", *arguments]

    def run(self, *arguments: str) -> Outcome:
        """Run pytest and wait for its end."""
        done = subprocess.run(
            self.command(*arguments),
            cwd=self.folder,
            env=self.environ,
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE,
        )
        return Outcome(done.returncode, done.stdout + done.stderr)

    def servers(self) -> list[int]:
        """Return the pids of all embedded servers that have been started so far."""
        file = self.folder / "servers"
        return [int(line) for line in file.read_text().split()] if file.exists() else []

    def written(self, pattern: str) -> list[str]:
        """Return the contents of the files that tests have written, in the order of their names."""
        return [path.read_text() for path in sorted(self.folder.glob(pattern))]


class Outcome:
    """The result of a run: exit code, output, and the number of tests with each result."""

    def __init__(self, code: int, text: str) -> None:
        self.code = code
        self.text = text
        self.lines = text.splitlines()
        last = self.lines[-1] if self.lines else ""
        self.counts = {what: int(count) for count, what in re.findall(r"(\d+) ([a-z]+)", last)}
        self.counts.pop("in", None)


@pytest.fixture
def suite(tmp_path: Path) -> Suite:
    """Provide an empty folder for tests of this project's suites."""
    return Suite(tmp_path, SUITE)


@pytest.fixture
def project(tmp_path: Path) -> Suite:
    """Provide an empty folder for tests of an application, which know nothing of the suites."""
    return Suite(tmp_path)


@pytest.fixture(scope="session")
def weights() -> None:
    """Fetch all weights, so that no inner run has to."""
    ensure_weights(read_catalog())
