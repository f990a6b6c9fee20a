"""Runs of pytest that note what tests execute."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from model_fixtures.run_results import BAD, ResultsError, Run, Test, read_results

from .run_folder import CHOSEN, OPTION
from .suite import Suite

SCRIPTS = Path(__file__).resolve().parent.parent
_PLUGIN = "changed_tests.execution_contexts"
_NO_TESTS = 5  # pytest's exit code
_ONE_PROCESS = ("-n", "0")
INTERRUPTED = 130


@dataclass(frozen=True)
class Finished:
    """A finished run.

    Attributes:
        code: pytest's exit code, with 0 for a run without tests.
        tests: what became of each test, by node id.
    """

    code: int
    tests: dict[str, Test]

    @property
    def failed(self) -> list[str]:
        """The node ids of the tests that failed."""
        return [test for test, each in self.tests.items() if each.outcome in BAD]


class TestRuns:
    """Runs of a suite's tests that write what they measure into one folder."""

    __test__ = False  # pytest would collect a class of this name

    def __init__(self, suite: Suite, folder: Path, options: Sequence[str]) -> None:
        """Take pytest's options, which all runs get."""
        self._suite = suite
        self._folder = folder
        self._options = options
        self._runs = 0
        path = [str(SCRIPTS), os.environ.get("PYTHONPATH", "")]
        self._environ = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, path))}

    def run(self, tests: Sequence[str], *, workers: bool) -> Finished:
        """Run tests, or whole test files, in this order, until the first fails.

        Without `workers` one process runs them; it begins sooner, and keeps the order.
        """
        files = list(dict.fromkeys(test.partition("::")[0] for test in tests))
        files = [file for file in files if (self._suite.root / file).is_file()]
        if not files:
            return Finished(0, {})
        self._choose(list(tests), [])
        return self._run(["-x", *(() if workers else _ONE_PROCESS), *files])

    def run_others(self, tests: Sequence[str], *, stop: bool = True) -> Finished:
        """Run all tests of the suite but some, until the first fails if `stop` says so."""
        self._choose(None, list(tests))
        return self._run(["-x"] if stop else [])

    def _choose(self, only: list[str] | None, without: list[str]) -> None:
        content = json.dumps({"only": only, "without": without})
        (self._folder / CHOSEN).write_text(content, encoding="utf-8")

    def _run(self, options: list[str]) -> Finished:
        self._runs += 1
        results = self._folder / f"results-{self._runs}.json"
        command = [
            *(*self._suite.command, "-q", "-p", _PLUGIN, f"{OPTION}={self._folder}"),
            *(f"--lmstudio-results={results}", *self._options, *options),
        ]
        code = _wait(subprocess.Popen(command, cwd=self._suite.root, env=self._environ))
        try:
            runs: tuple[Run, ...] = read_results(results)
        except ResultsError:  # pytest has said why it could not begin
            runs = ()
        tests = {test.id: test for run in runs for test in run.tests}
        return Finished(0 if code == _NO_TESTS else code, tests)


def _wait(process: subprocess.Popen[bytes]) -> int:
    """Wait for the end of a run; after Ctrl-C, which reaches it, too, let it tear down."""

    def stop(number: int, frame: object) -> None:
        if sys.platform == "win32":
            process.terminate()
        else:
            process.send_signal(signal.SIGINT)

    before = signal.signal(signal.SIGTERM, stop)
    try:
        while True:
            try:
                return process.wait()
            except KeyboardInterrupt:
                continue
    finally:
        signal.signal(signal.SIGTERM, before)
