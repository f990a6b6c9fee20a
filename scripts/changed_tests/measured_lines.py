"""What tests have executed, from the data files of a run, and what the SDK's import calls."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from .errors import MapError
from .function_blocks import Body
from .run_folder import DATA, FIXTURES, MARK, SETTINGS, VARIABLE

_INI = """\
[run]
parallel = true
# Not sys.monitoring, the default of new Pythons: it tells of a line once, not once in each context.
core = ctrace
source_pkgs = {package}
data_file = {folder}/{data}
context = ${{{variable}-}}
patch = _exit
# Of processes without the SDK there is nothing to tell, and the output of plugins is read by tests.
disable_warnings = no-data-collected, module-not-imported, module-not-measured, couldnt-parse
plugins = changed_tests.killed_processes

[changed_tests.killed_processes]
folder = {folder}
package = {package}
"""
_IMPORT_ALL = """\
import contextlib, importlib, pkgutil, sys
from coverage import Coverage
measurement = Coverage(data_file=None, config_file=False, source_pkgs=[sys.argv[1]])
measurement.start()
for name in sys.argv[1:]:
    package = importlib.import_module(name)
    for module in pkgutil.walk_packages(package.__path__, f"{name}.", lambda failed: None):
        if not module.name.endswith("__main__"):
            with contextlib.suppress(Exception):
                importlib.import_module(module.name)
measurement.stop()
data = measurement.get_data()
for file in data.measured_files():
    print(file, *data.lines(file), sep="\\t")
"""

Bodies = Mapping[str, Mapping[str, Body]]
"""The functions' bodies of each module."""
Lines = dict[str, set[int]]
"""For functions such as `history.py Chat.append` the lines of the body, from 0 on."""


@dataclass
class Measured:
    """What a run has told.

    Attributes:
        lines: what each context has executed.
        fixtures: the names of the fixtures of each test that has run.
        killed: the contexts of processes that were killed, so that something may be missing.
    """

    lines: dict[str, Lines] = field(default_factory=dict)
    fixtures: dict[str, list[str]] = field(default_factory=dict)
    killed: set[str] = field(default_factory=set)

    def of_test(self, test: str) -> tuple[Lines, bool]:
        """Return what a test executes, with the fixtures and the file that it shares with others.

        Returns:
            The lines, and whether a killed process makes them unsure.
        """
        lines: Lines = defaultdict(set)
        unsure = False
        for context in [f"test {test}", f"file {test.partition('::')[0]}", *self._shared(test)]:
            unsure = unsure or context in self.killed
            for function, executed in self.lines.get(context, {}).items():
                lines[function] |= executed
        return dict(lines), unsure

    def _shared(self, test: str) -> list[str]:
        names = {*self.fixtures.get(test, ()), "*"}
        return [
            context
            for name, scope, context in self._shared_fixtures
            if name in names and test.startswith(scope)
        ]

    @cached_property
    def _shared_fixtures(self) -> list[tuple[str, str, str]]:
        """The name, the scope and the context of each fixture that tests share."""
        found = []
        for context in self.lines.keys() | self.killed:
            kind, _, rest = context.partition(" ")
            name, _, scope = rest.partition(" ")
            if kind == "fixture":
                found.append((name, scope, context))
        return found


def write_settings(folder: Path, package: str) -> None:
    """Write coverage's settings into the folder of a run."""
    text = _INI.format(package=package, folder=folder.as_posix(), data=DATA, variable=VARIABLE)
    (folder / SETTINGS).write_text(text, encoding="utf-8")


def read_measured(folder: Path, package: str, bodies: Bodies) -> Measured:
    """Return what a run with the folder has told."""
    from coverage import CoverageData

    measured = Measured()
    finder = _Finder(package, bodies)
    for file in sorted(folder.glob(f"{DATA}.*")):
        data = CoverageData(str(file))
        data.read()
        for path in data.measured_files():
            for line, contexts in data.contexts_by_lineno(path).items():
                found = finder.find(path, line)
                if found is not None:
                    function, number = found
                    for context in contexts:
                        lines = measured.lines.setdefault(context, defaultdict(set))
                        lines[function].add(number)
    for file in folder.glob(f"{FIXTURES}*.json"):
        measured.fixtures |= json.loads(file.read_text(encoding="utf-8"))
    for mark in folder.glob(f"{MARK}*"):
        process = mark.name.removeprefix(MARK)
        if not any(folder.glob(f"{DATA}.*.pid{process}.*")):
            measured.killed.add(mark.read_text(encoding="utf-8"))
    return measured


class ImportWatch:
    """A process that imports all of a package, to see which functions that calls.

    What tests share is imported, too: pytest imports it once, for all test files together.
    """

    def __init__(self, package: str, helpers: Sequence[str] = ()) -> None:
        """Start it; the helpers are packages that tests share."""
        self._package = package
        self._process = subprocess.Popen(
            [sys.executable, "-c", _IMPORT_ALL, package, *helpers],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )

    def functions(self, bodies: Bodies) -> list[str]:
        """Wait for the end; return the functions that were called.

        Raises:
            MapError: the package itself cannot be imported.
        """
        output, problems = self._process.communicate()
        if self._process.returncode:
            last = (problems.strip().splitlines() or ["no output"])[-1]
            raise MapError(f"{self._package} cannot be imported: {last}")
        finder = _Finder(self._package, bodies)
        called = set()
        for row in output.splitlines():
            path, *lines = row.split("\t")
            found = (finder.find(path, int(line)) for line in lines)
            called |= {each[0] for each in found if each is not None}
        return sorted(called)

    def end(self) -> None:
        """End the process if it still runs."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.communicate()


class _Finder:
    """Finds the function of a line."""

    def __init__(self, package: str, bodies: Bodies) -> None:
        self._mark = f"/{package}/"
        self._places: dict[str, dict[int, tuple[str, int]]] = {}
        for module, functions in bodies.items():
            places = self._places.setdefault(module, {})
            for name, body in functions.items():
                for line in range(body.first, body.last + 1):
                    places[line] = (f"{module} {name}", line - body.first)

    def find(self, path: str, line: int) -> tuple[str, int] | None:
        """Return the function, and the line's number in its body from 0 on."""
        module = path.replace("\\", "/").rpartition(self._mark)[2]
        return self._places.get(module, {}).get(line)
