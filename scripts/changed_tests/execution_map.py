"""The map from tests to what they execute, with the source that it is true of: a JSON file."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable
from pathlib import Path

import msgspec

from .errors import MapError
from .measured_lines import Lines

VERSION = 1


class Execution(msgspec.Struct, frozen=True, omit_defaults=True):
    """What became of a test when it was last green, or the map was made.

    Attributes:
        seconds: how long it took.
        bodies: the functions that it executes, by their numbers in the map: a bit for each line of
            the body, from the lowest on, as a hexadecimal number.
        unsure: whether it may execute others too, since a process was killed that it had started.
    """

    seconds: float
    bodies: dict[int, str] = {}
    unsure: bool = False


class ExecutionMap(msgspec.Struct, kw_only=True):
    """What tests execute, of the source of the last green run.

    Attributes:
        made: date and time of the last green run, for users.
        setting: what else the outcome of tests depends on, such as the Python, by name.
        source: the SDK's files, as `read_source` returns them.
        suite: digests of the suite's files by path.
        functions: their numbers in `tests`, by names as `history.py Chat.append`.
        run_at_import: functions that the import of the SDK calls.
        tests: by pytest's node id.
    """

    made: str
    setting: dict[str, str] = {}
    source: dict[str, str] = {}
    suite: dict[str, str] = {}
    functions: dict[str, int] = {}
    run_at_import: list[str] = []
    tests: dict[str, Execution] = {}

    def note(self, test: str, seconds: float, lines: Lines, *, unsure: bool) -> None:
        """Note what a test executes, in place of what it did before."""
        self.tests[test] = Execution(round(seconds, 3), self._bits(lines), unsure)

    def keep(self, old: ExecutionMap, tests: Iterable[str], functions: Collection[str]) -> None:
        """Take over what tests execute from another map, of functions that there are still."""
        numbers = {
            number: self._number(name)
            for name, number in old.functions.items()
            if name in functions
        }
        for test in tests:
            execution = old.tests[test]
            bodies = {
                numbers[number]: bits
                for number, bits in execution.bodies.items()
                if number in numbers
            }
            self.tests[test] = msgspec.structs.replace(execution, bodies=bodies)

    def _bits(self, lines: Lines) -> dict[int, str]:
        return {
            self._number(function): f"{sum(1 << line for line in executed):x}"
            for function, executed in sorted(lines.items())
        }

    def _number(self, function: str) -> int:
        return self.functions.setdefault(function, len(self.functions))


class _File(msgspec.Struct):
    version: int
    map: ExecutionMap


class LastRun(msgspec.Struct, frozen=True):
    """The tests that failed in the last run."""

    failed: list[str] = []


def read_map(file: Path) -> ExecutionMap | None:
    """Return the map in a file; None if there is none, or of another version.

    Raises:
        MapError: the file can't be read.
    """
    try:
        return msgspec.json.decode(file.read_bytes(), type=_File).map
    except FileNotFoundError:
        return None
    except OSError as error:
        raise MapError(f"{file} cannot be read ({error.strerror})") from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        try:
            if msgspec.json.decode(file.read_bytes(), type=dict[str, object])["version"] != VERSION:
                return None
        except (msgspec.DecodeError, UnicodeDecodeError, KeyError):
            pass
        raise MapError(f"{file} is no map: delete it, and the next run makes a new one") from None


def write_map(file: Path, execution_map: ExecutionMap) -> None:
    """Write a map; a reader never sees half of it."""
    _write(file, msgspec.json.encode(_File(VERSION, execution_map)))


def read_failed(file: Path) -> list[str]:
    """Return the tests that failed in the last run."""
    try:
        return msgspec.json.decode(file.read_bytes(), type=LastRun).failed
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return []


def write_failed(file: Path, failed: Iterable[str]) -> None:
    """Write the tests that failed in the last run."""
    _write(file, msgspec.json.encode(LastRun(list(failed))))


def _write(file: Path, data: bytes) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    unfinished = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        unfinished.write_bytes(data)
        unfinished.replace(file)
    finally:
        unfinished.unlink(missing_ok=True)
