"""The results of runs of pytest as a JSON file: `--lmstudio-results` writes it, reports read it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal

import msgspec

from .errors import ModelFixturesError

FORMAT: Literal["lmstudio-test-results"] = "lmstudio-test-results"
VERSION = 1

Outcome = Literal["error", "failed", "xpassed", "xfailed", "skipped", "passed"]
WORST_FIRST: tuple[Outcome, ...] = ("error", "failed", "xpassed", "xfailed", "skipped", "passed")
"""A test has a report for its setup, its call and its teardown: the worst outcome counts."""
BAD: frozenset[Outcome] = frozenset(("error", "failed"))

KNOWN_BUG = "known_bug"
KNOWN_BUG_RELEASES = "known_bug_releases"
"""Names of properties: what a known bug of a test is, and which releases have it."""


class ResultsError(ModelFixturesError):
    """A file has no results; the message is one line that names the file."""


class Failure(msgspec.Struct, frozen=True, omit_defaults=True):
    """What went wrong in one phase of a test.

    Attributes:
        when: "setup", "call" or "teardown".
        text: what pytest shows, with the traceback.
        sections: titles and texts, such as the wire log and what the test has printed.
    """

    when: str
    text: str
    sections: tuple[tuple[str, str], ...] = ()


class Test(msgspec.Struct, frozen=True, omit_defaults=True):
    """What became of one test.

    Attributes:
        id: pytest's node id.
        outcome: the worst of its phases.
        seconds: of all phases, with what is set up for several tests.
        doc: the first paragraph of its docstring.
        file_doc: the first paragraph of its file's docstring.
        reason: why it was skipped, or was expected to fail.
        properties: names and values that plugins have noted.
        failures: empty unless it failed.
    """

    __test__ = False  # pytest would collect a class of this name

    id: str
    outcome: Outcome
    seconds: float
    doc: str = ""
    file_doc: str = ""
    reason: str = ""
    properties: tuple[tuple[str, str], ...] = ()
    failures: tuple[Failure, ...] = ()

    @property
    def known_bugs(self) -> list[tuple[str, str]]:
        """The test's known bugs: what is wrong, and in which releases."""
        values = {
            name: [value for each, value in self.properties if each == name]
            for name in (KNOWN_BUG, KNOWN_BUG_RELEASES)
        }
        releases = values[KNOWN_BUG_RELEASES]
        return [
            (reason, releases[number] if number < len(releases) else "")
            for number, reason in enumerate(values[KNOWN_BUG])
        ]


class Run(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A run of pytest.

    Attributes:
        name: the same for all shards of a run.
        release: the SDK's version, "" if there is none.
        sdk: where the SDK is from, as in the run's header.
        host: which host answered, as in the run's header.
        started: date and time in UTC, ISO 8601.
        seconds: from the first test's start to the end; of shards, the sum.
        notes: what else there is to say, such as that a run was stopped.
    """

    name: str
    release: str = ""
    sdk: str = ""
    host: str = ""
    python: str = ""
    system: str = ""
    started: str = ""
    seconds: float = 0.0
    notes: tuple[str, ...] = ()
    tests: tuple[Test, ...] = ()


class _File(msgspec.Struct, frozen=True):
    format: Literal["lmstudio-test-results"]
    version: int
    runs: tuple[Run, ...]


def write_results(path: Path, runs: Sequence[Run]) -> None:
    """Write a file with the results of runs; a reader never sees half of it.

    Raises:
        OSError: the file can't be written.
    """
    data = msgspec.json.encode(_File(FORMAT, VERSION, tuple(runs)))
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        unfinished.write_bytes(msgspec.json.format(data, indent=1))
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def read_results(path: Path) -> tuple[Run, ...]:
    """Return the runs in a file.

    Raises:
        ResultsError: the file can't be read, or it is something else.
    """
    try:
        data = path.read_bytes()
        version = msgspec.json.decode(data).get("version", VERSION)
        if version != VERSION:
            raise ResultsError(
                f"{path} has version {version!r} of the format, and {VERSION} is known here: use"
                " the suite of the same date, or run the tests again"
            )
        return msgspec.json.decode(data, type=_File).runs
    except OSError as error:
        raise ResultsError(f"{path} cannot be read ({error.strerror})") from None
    # A list or a number at the top has no `get`.
    except (msgspec.DecodeError, UnicodeDecodeError, AttributeError, RecursionError) as error:
        raise ResultsError(
            f"{path} has no results of tests ({error}): run pytest with --lmstudio-results"
        ) from None


def has_results(path: Path) -> bool:
    """Return whether a JSON file says that it has results; others may lie beside them."""
    try:
        found = msgspec.json.decode(path.read_bytes())
    except (OSError, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return isinstance(found, dict) and found.get("format") == FORMAT


def worst(outcomes: Iterable[Outcome]) -> Outcome:
    """Return the outcome that counts."""
    return min(outcomes, key=WORST_FIRST.index)
