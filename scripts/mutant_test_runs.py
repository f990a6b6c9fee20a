"""A copy of a package that can be changed, and tests that run on it."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

_FAILED = re.compile(r"^(?:FAILED|ERROR) (\S.*?)(?: - .*)?$", re.MULTILINE)
_PATIENCE = 4  # a mutant may take so many times as long as the original
_NO_TESTS = 5  # pytest's exit code


class BaselineError(Exception):
    """The tests fail without any change; the message is one line, with pytest's last words."""


class MutableCopy:
    """A copy of a package in a temporary folder, which is deleted at the end."""

    def __init__(self, package: Path) -> None:
        self._package = package
        self._temporary = tempfile.TemporaryDirectory(prefix="mutants-")
        self.folder = Path(self._temporary.name)
        """The folder for the path of Python."""
        self.name = package.name
        self._copy = self.folder / package.name
        self._changes = 0

    def __enter__(self) -> MutableCopy:
        """Make the copy."""
        shutil.copytree(self._package, self._copy, ignore=shutil.ignore_patterns("__pycache__"))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Delete the copy."""
        self._temporary.cleanup()

    def source(self, module: str) -> str:
        """Return the source of a module as it is now."""
        return (self._copy / module).read_text("utf-8")

    @contextmanager
    def changed(self, module: str, source: str) -> Iterator[None]:
        """Give a module another source inside the block."""
        before = self.source(module)
        try:
            self._write(module, source)
            yield
        finally:
            self._write(module, before)

    def _write(self, module: str, source: str) -> None:
        path = self._copy / module
        path.write_text(source, encoding="utf-8", newline="")
        # Python takes compiled code for current if time (in seconds) and size agree.
        self._changes += 1
        written = int(time.time()) + self._changes
        os.utime(path, (written, written))


@dataclass(frozen=True)
class TestRun:
    """What became of the tests on one source."""

    __test__ = False  # pytest would collect a class of this name

    outcome: str  # "killed", "timeout" or "survived"
    seconds: float
    failed: str  # the node id of the first failed test
    output: str


class TestRuns:
    """Runs of tests with the copy of a package first on the path."""

    __test__ = False

    def __init__(
        self, package: MutableCopy, root: Path, options: Sequence[str], *, least_seconds: float
    ) -> None:
        """Take pytest's options, and for how many seconds tests never count as hanging."""
        self._root = root
        self._options = options
        self._least_seconds = least_seconds
        self._environ = dict(os.environ)
        path = [str(package.folder), os.environ.get("PYTHONPATH", "")]
        self._environ["PYTHONPATH"] = os.pathsep.join(filter(None, path))
        self._limits: dict[tuple[str, ...], float] = {}
        self._check_path(package)

    def _check_path(self, package: MutableCopy) -> None:
        name = package.name
        find = f"import importlib.util as u; print(u.find_spec({name!r}).origin)"
        command = [sys.executable, "-c", find]
        run = subprocess.run(
            command, cwd=self._root, env=self._environ, capture_output=True, text=True, check=False
        )
        if not run.stdout.startswith(str(package.folder)):
            found = run.stdout.strip() or "nothing"
            raise BaselineError(
                f"tests would import {name} from {found}, not the copy: see PYTHONPATH"
            )

    def limit(self, tests: tuple[str, ...]) -> float:
        """Return how long tests may take, in seconds; they run without any change at first.

        Raises:
            BaselineError: they fail.
        """
        if tests not in self._limits:
            run = self.run(tests, None)
            if run.outcome != "survived":
                last = (run.output.strip().splitlines() or ["no output"])[-1]
                what = run.failed or " ".join(tests[:3])
                raise BaselineError(f"tests fail without any change: {what}: {last}")
            self._limits[tests] = max(self._least_seconds, _PATIENCE * run.seconds)
        return self._limits[tests]

    def run(self, tests: Sequence[str], limit: float | None) -> TestRun:
        """Run tests until the first fails, for at most `limit` seconds."""
        options = ["-x", "-q", "-n", "0", "-p", "no:cacheprovider", "-p", "no:randomly"]
        command = [sys.executable, "-m", "pytest", *options, *self._options, *tests]
        begun = time.monotonic()
        process = subprocess.Popen(
            command,
            cwd=self._root,
            env=self._environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,  # so that all that it started can be ended with it
        )
        try:
            output, _ = process.communicate(timeout=limit)
        except subprocess.TimeoutExpired:
            return TestRun("timeout", time.monotonic() - begun, "", "")
        finally:
            _end(process)
        seconds = time.monotonic() - begun
        if process.returncode == _NO_TESTS:
            raise BaselineError(f"pytest has no tests to run in {' '.join(tests[:3])}")
        failed = _FAILED.search(output)
        outcome = "killed" if process.returncode else "survived"
        return TestRun(outcome, seconds, failed.group(1) if failed else "", output)


def _end(process: subprocess.Popen[str]) -> None:
    """End a process that still runs, with all processes of its group."""
    if sys.platform == "win32":
        if process.poll() is None:
            kill = ["taskkill", "/F", "/T", "/PID", str(process.pid)]
            subprocess.run(kill, capture_output=True, check=False)
    elif process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    if process.stdout is not None:
        process.stdout.close()
