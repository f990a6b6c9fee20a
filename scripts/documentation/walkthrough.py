"""A page done as its readers do it: its files are written and its commands run, in order."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from .command_table import Entry, decide, program
from .page_blocks import Block, Command, commands

PATIENCE = 1800  # seconds until a command counts as hanging: the machine may have other work

_VARIABLES = ("LMSTUDIO_", "PYTEST_", "COVERAGE_")  # of the run that this is part of
_TIMES = re.compile(r"\d+\.\d+ ?s\b(?: \(\d+:\d\d:\d\d\))?")
_FRAME = re.compile(r"^[=─-]{2,} ?| ?[=─-]{2,}$")  # as wide as the terminal


class Walkthrough:
    """A page's folder.

    A block with a title is a file in it, and so is a Python block with tests. Any other Python
    block is a program that runs by itself. Tests in files that no command has run since they were
    written are run by `finish`.
    """

    def __init__(self, folder: Path, table: Sequence[Entry]) -> None:
        self._folder = folder
        self._table = list(table)
        self._fresh: list[str] = []  # files with tests that no command has run
        self._environ = {
            name: value for name, value in os.environ.items() if not name.startswith(_VARIABLES)
        }
        for name in ("LMSTUDIO_TEST_CACHE",):
            if name in os.environ:
                self._environ[name] = os.environ[name]
        programs = str(Path(sys.executable).parent)
        self._environ |= {
            "LMSTUDIO_API_HOST": "embedded",  # an app that runs here is somebody else's
            "PATH": os.pathsep.join((programs, self._environ.get("PATH", ""))),
            # Where a server in the background is noted.
            "XDG_STATE_HOME": str(folder.parent / "state"),
            "COLUMNS": "80",
            "NO_COLOR": "1",
        }

    def take(self, block: Block) -> None:
        """Do what readers do with a block."""
        title = block.title
        if title is None and block.language == "python" and "def test_" in block.code:
            title = f"test_line_{block.line}.py"
        if title is not None:
            path = self._folder / title
            if path.name == "conftest.py":
                self._begin_anew()
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.code, encoding="utf-8")
            if path.name.startswith("test_") and path.suffix == ".py":
                self._fresh.append(title)
        elif block.language == "python":
            self._run([sys.executable, "-W", "error", "-c", block.code], 0, block.place)
        elif block.language == "console":
            for command in commands(block):
                entry = decide(command, self._table)
                if entry.how == "run":
                    self._command(command, entry)

    def finish(self) -> None:
        """Run the tests that no command has run."""
        if self._fresh:
            files, self._fresh = self._fresh, []
            self._run([sys.executable, "-m", "pytest", "-q", *files], 0, ", ".join(files))

    def _begin_anew(self) -> None:
        """Run what no command has run, and remove all tests: a conftest.py is for later ones."""
        self.finish()
        for path in self._folder.rglob("test_*.py"):
            path.unlink()

    def _command(self, command: Command, entry: Entry) -> None:
        words = program(command.words)
        variables = command.words[: len(command.words) - len(words)]
        if words[0] == "export":
            self._environ |= dict(word.split("=", 1) for word in words[1:])
            return
        if words[0] == "pytest":
            self._fresh.clear()
        printed = self._run(
            [*words, *entry.add],
            entry.status,
            command.block.place,
            dict(word.split("=", 1) for word in variables),
        )
        missing = missing_line(command.output, printed)
        assert missing is None, (
            f"{command.block.place}: `{command.text}` does not print {missing!r}, but:\n{printed}"
        )

    def _run(
        self, words: list[str], status: int, place: str, variables: dict[str, str] | None = None
    ) -> str:
        done = subprocess.run(
            words,
            cwd=self._folder,
            env={**self._environ, **(variables or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            timeout=PATIENCE,
            check=False,
        )
        assert done.returncode == status, (
            f"{place}: {words} ends with {done.returncode} instead of {status}:\n{done.stdout}"
        )
        return done.stdout


def missing_line(shown: Sequence[str], printed: str) -> str | None:
    """Return the first line that a page shows and a command has not printed in this order, or None.

    `...` stands for anything, times may differ, and so may blanks and the width of rules.
    """
    lines = iter([_plain(line) for line in printed.splitlines()])
    for line in shown:
        wanted = ".*".join(map(re.escape, _plain(line).split("...")))
        if wanted and not any(re.fullmatch(wanted, found) for found in lines):
            return line
    return None


def _plain(line: str) -> str:
    return " ".join(_TIMES.sub("0s", _FRAME.sub("", line.strip())).split())
