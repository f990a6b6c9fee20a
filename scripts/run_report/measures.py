"""Coverage and mutation score, read from files that other commands have written."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mutant_results import KILLED, ResultsError, latest_verdicts


class MeasureError(Exception):
    """A file has no such figures; the message is one line that names it."""


@dataclass(frozen=True)
class Share:
    """A part of a whole, such as lines that run in tests; `name` is a module's, or ""."""

    name: str
    done: int
    of: int

    @property
    def percent(self) -> float:
        """The share in percent; of nothing, all is done."""
        return 100.0 * self.done / self.of if self.of else 100.0


@dataclass(frozen=True)
class Coverage:
    """Lines and branches that run in tests, in total and by file."""

    lines: Share
    branches: Share
    files: list[tuple[Share, Share]]


@dataclass(frozen=True)
class Mutation:
    """Small changes of the SDK that tests notice, in total and by module."""

    total: Share
    modules: list[Share]


def read_coverage(path: Path) -> Coverage:
    """Read what `coverage json` writes.

    Raises:
        MeasureError: it is something else.
    """
    data = _object(path)
    try:
        files = [
            _covered(_short(name), each["summary"]) for name, each in sorted(data["files"].items())
        ]
        return Coverage(*_covered("", data["totals"]), files)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise MeasureError(
            f"{path} is no coverage report ({error!r} is wrong): `coverage json` makes one"
        ) from None


def read_mutation(path: Path) -> Mutation:
    """Read the score of mutants from the verdicts that `hatch run mutants:run` has written.

    Mutants that change nothing ("equivalent") are no part of the total.

    Raises:
        MeasureError: it is something else.
    """
    try:
        verdicts = latest_verdicts(path)
    except ResultsError as error:
        raise MeasureError(str(error)) from None
    except (OSError, UnicodeDecodeError) as error:
        raise MeasureError(f"{path} cannot be read ({error})") from None
    killed = Counter(each.module for each in verdicts if each.outcome in KILLED)
    counted = Counter(each.module for each in verdicts if each.outcome != "equivalent")
    modules = [Share(name, killed[name], counted[name]) for name in sorted(counted)]
    return Mutation(Share("", killed.total(), counted.total()), modules)


def _object(path: Path) -> dict[str, Any]:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise MeasureError(f"{path} cannot be read ({error.strerror})") from None
    except (ValueError, RecursionError) as error:
        raise MeasureError(f"{path} is no JSON ({error})") from None
    if not isinstance(data, dict):
        raise MeasureError(f"{path} has no JSON object")
    return data


def _covered(name: str, counts: Mapping[str, Any]) -> tuple[Share, Share]:
    return (
        Share(name, int(counts["covered_lines"]), int(counts["num_statements"])),
        Share(name, int(counts.get("covered_branches", 0)), int(counts.get("num_branches", 0))),
    )


def _short(file: str) -> str:
    """Return a file's path in the package."""
    path = file.replace("\\", "/")
    return path.rpartition("/lmstudio/")[2] or path
