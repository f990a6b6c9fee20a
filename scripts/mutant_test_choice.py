"""Which tests are run on a mutant: those that execute its line, or those that a table names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fnmatch import fnmatch
from pathlib import Path


class ChoiceError(Exception):
    """No tests can be chosen; the message is one line that says what to do."""


class TableOfTests:
    """Test files by module: patterns of modules, and for each one patterns of paths below a folder.

    The first pattern that matches a module counts.
    """

    def __init__(self, folder: Path, table: Mapping[str, Sequence[str]]) -> None:
        self._folder = folder
        self._table = table

    def tests_of(self, module: str, line: int) -> tuple[str, ...]:
        """Return the paths of test files; the line does not matter."""
        for pattern, paths in self._table.items():
            if fnmatch(module, pattern):
                return tuple(path for each in paths for path in self._files(each))
        raise ChoiceError(f"no tests for {module}: name some in mutants.toml")

    def _files(self, pattern: str) -> list[str]:
        found = sorted(str(path) for path in self._folder.glob(pattern))
        if not found:
            raise ChoiceError(
                f"mutants.toml names {pattern!r}, but {self._folder} has no such file"
            )
        return found


class CoveredTests:
    """Node ids of tests by line, from a data file of coverage.py whose contexts are tests.

    pytest-cov writes one with `--cov-context=test`. A line that runs in no test (at import, or in a
    file that the data does not have) gets the tests that another choice makes.
    """

    def __init__(self, data_file: Path, package: str, root: Path, otherwise: TableOfTests) -> None:
        from coverage import CoverageData

        self._data = CoverageData(str(data_file))
        self._data.read()
        self._root = root
        self._otherwise = otherwise
        marker = f"/{package}/"
        self._files = {
            name.replace("\\", "/").rpartition(marker)[2]: name
            for name in self._data.measured_files()
            if marker in name.replace("\\", "/")
        }
        self._by_line: dict[str, dict[int, list[str]]] = {}

    @property
    def has_tests(self) -> bool:
        """Whether the data says which tests execute a line."""
        return any("::" in context for context in self._data.measured_contexts())

    def tests_of(self, module: str, line: int) -> tuple[str, ...]:
        """Return the node ids of the tests that execute a line, those of few lines first."""
        if module not in self._by_line:
            file = self._files.get(module)
            self._by_line[module] = self._data.contexts_by_lineno(file) if file else {}
        contexts = self._by_line[module].get(line, [])
        names = sorted({context.partition("|")[0] for context in contexts if "::" in context})
        names = [name for name in names if (self._root / name.partition("::")[0]).is_file()]
        return tuple(names) or self._otherwise.tests_of(module, line)
