"""A Node.js process that runs cases and reports each in a line of JSON."""

from __future__ import annotations

import json
import subprocess
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any, TypedDict

from .case_files import JAVASCRIPT

LIMIT = 120.0
"""Seconds for one case; a machine under load takes many times the usual."""
_MARGIN = 30.0
_SHOWN = 2000


class Outcome(TypedDict):
    """What a process reports about a case."""

    name: str
    mustHappen: str
    outcome: str
    error: str | None
    milliseconds: int
    value: Any


class NoReportError(Exception):
    """The process has ended, or has been ended, without a report about a case."""


class NodeProcess:
    """A process that runs the cases of some files; leaving the context ends it.

    Args:
        node: the path of Node.js.
        files: the files with the cases.
        only: the names of the cases to run.
        limit: seconds for one case. A process that reports nothing for 30 s longer is ended.
        settings: what the files need, see `javascript/settings.mjs`.
    """

    def __init__(
        self,
        node: str,
        files: Sequence[Path],
        only: Sequence[str] | None = None,
        limit: float = LIMIT,
        **settings: str,
    ) -> None:
        given = {
            "files": list(map(str, files)),
            "only": only,
            "limitSeconds": limit,
            **settings,
        }
        self._patience = limit + _MARGIN
        self._outcomes: dict[str, Outcome] = {}
        self._ended_because = ""
        self._stderr: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 (closed by __exit__)
        self._process = subprocess.Popen(
            [node, str(JAVASCRIPT / "run_cases.mjs"), json.dumps(given)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=self._stderr,
        )

    def __enter__(self) -> NodeProcess:
        return self

    def __exit__(self, *_error: object) -> None:
        self._process.kill()
        self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()
        self._stderr.close()

    def outcome(self, name: str) -> Outcome:
        """Wait for the report about a case.

        Raises:
            NoReportError: there is none.
        """
        while name not in self._outcomes:
            line = self._next_line()
            if not line:
                raise NoReportError(f'no report about "{name}": {self._end()}')
            reported: Outcome = json.loads(line)
            self._outcomes[reported["name"]] = reported
        return self._outcomes[name]

    def _next_line(self) -> bytes:
        assert self._process.stdout is not None
        timer = threading.Timer(self._patience, self._give_up)
        timer.start()
        try:
            return self._process.stdout.readline()
        finally:
            timer.cancel()

    def _give_up(self) -> None:
        self._ended_because = f"it has reported nothing for {self._patience:g} s and was ended"
        self._process.kill()

    def _end(self) -> str:
        status = self._process.wait()
        self._stderr.seek(0)
        said = self._stderr.read().decode("utf-8", "replace").strip()[-_SHOWN:]
        why = self._ended_because or f"the process has ended with exit status {status}"
        return f"{why}\n{said}".strip()


def check(outcome: Outcome) -> None:
    """Fail with the error of a case that has not passed."""
    assert outcome["outcome"] == "passed", f"{outcome['mustHappen']}\n{outcome['error']}"
