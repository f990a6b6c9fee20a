"""What of the SDK no test executes, and why: the table scripts/uncovered.toml.

An entry names a function of a module and the beginning of a line in it that is not executed, or
from which a branch is never taken:

    [[uncovered]]
    module = "json_api.py"
    function = "PredictionEndpoint.parse_tools"    # empty for the module itself
    line = "raise TypeError"
    reason = "Type checkers refuse what leads there."
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from coverage_data import PREFIX, release_and_module

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

KEYS = ("module", "function", "line", "reason")


class ReasonError(Exception):
    """The table of reasons is wrong; the message is one line that says where."""


@dataclass(frozen=True)
class Reason:
    """An entry of the table."""

    module: str
    function: str
    line: str
    reason: str


@dataclass(frozen=True)
class Gap:
    """Neighbouring lines of a function that are not executed, or a line's branches not taken."""

    release: str
    module: str
    function: str
    first: int
    last: int
    branch: bool
    text: str  # of the first line
    reason: str | None

    def __str__(self) -> str:
        """Return a line about it."""
        lines = str(self.first) if self.first == self.last else f"{self.first}-{self.last}"
        what = "a branch of " if self.branch else ""
        why = self.reason or "NO REASON"
        name = f"{self.module}:{lines} {self.function}".rstrip()
        return f"{self.release} {name}: {what}`{self.text}`: {why}"


def reasons(path: Path) -> list[Reason]:
    """Return the entries of the table.

    Raises:
        ReasonError: an entry has other keys or no text.
    """
    try:
        entries = tomllib.loads(path.read_text(encoding="utf-8")).get("uncovered", [])
    except tomllib.TOMLDecodeError as error:
        raise ReasonError(f"{path}: {error}") from None
    for number, entry in enumerate(entries, 1):
        texts = all(isinstance(value, str) for value in entry.values())
        if set(entry) != set(KEYS) or not texts or not entry["line"] or not entry["reason"]:
            raise ReasonError(f"{path}: entry {number} must have the texts {', '.join(KEYS)}")
    return [Reason(**entry) for entry in entries]


def gaps_of(content: dict[str, Any], folder: Path, known: Sequence[Reason]) -> list[Gap]:
    """Return what is not executed, from coverage's JSON report and the sources in a folder."""
    found: list[Gap] = []
    for name, about in content["files"].items():
        release, module = release_and_module(name)
        source = (folder / f"{PREFIX}{release}" / module).read_text(encoding="utf-8").splitlines()
        for function, part in about["functions"].items():
            lines = sorted(part["missing_lines"])
            # A branch to a line that is not executed is no gap of its own.
            from_lines = {
                start
                for start, end in part["missing_branches"]
                if start not in lines and end not in lines
            }
            spans = [(span[0], span[-1], False) for span in _neighbours(lines, source)]
            spans += [(line, line, True) for line in from_lines]
            for first, last, branch in sorted(spans):
                texts = [source[number - 1].strip() for number in range(first, last + 1)]
                reason = _reason(known, module, function, texts)
                found.append(Gap(release, module, function, first, last, branch, texts[0], reason))
    return found


def outdated(known: Sequence[Reason], gaps: Sequence[Gap]) -> list[Reason]:
    """Return the entries whose places are executed by now, or are gone."""
    used = {(gap.module, gap.function, gap.reason) for gap in gaps}
    return [each for each in known if (each.module, each.function, each.reason) not in used]


def write_gaps(gaps: Sequence[Gap], path: Path) -> None:
    """Write a line for each place that is not executed, those without a reason first."""
    ordered = sorted(gaps, key=lambda gap: gap.reason is not None)
    path.write_text("".join(f"{gap}\n" for gap in ordered), encoding="utf-8")


def _reason(
    known: Sequence[Reason], module: str, function: str, texts: Sequence[str]
) -> str | None:
    for entry in known:
        same = (entry.module, entry.function) == (module, function)
        if same and any(text.startswith(entry.line) for text in texts):
            return entry.reason
    return None


def _neighbours(lines: Sequence[int], source: Sequence[str]) -> list[list[int]]:
    """Return runs of lines between which there is no other statement but blanks and comments."""

    def apart(line: int, following: int) -> bool:
        between = [text.strip() for text in source[line : following - 1]]
        return any(text and not text.startswith("#") for text in between)

    number = 0
    numbered = []
    for index, line in enumerate(lines):
        number += index > 0 and apart(lines[index - 1], line)
        numbered.append((number, line))
    return [[line for _, line in run] for _, run in groupby(numbered, lambda pair: pair[0])]
