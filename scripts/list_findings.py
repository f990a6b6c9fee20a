"""List the SDK's known bugs, which are the tables of docs/findings.md.

    hatch run findings:list                      all of them, also those that are fixed
    hatch run findings:list --release 1.6.0b1    those that this release has; a release that nobody
                                                 has named yet has those of the one before
    hatch run findings:list --format json        for programs: area, what, where, release, tests

Versions of working trees are releases, too: 1.6.0b2.dev0, or 1.6.0b1+local for a tree that still
has the version of a release.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import sys
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from packaging.version import InvalidVersion, Version
from sdk_tests.bug_timeline import BugTimeline

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "findings.md"
TITLES = ("what", "where", "release", "test")
FIXED = "Fixed"
"""The heading above the bugs that are fixed for good."""


@dataclass(frozen=True)
class Finding:
    """A row of the page; `area` is the heading above it, and tests are "file::test"."""

    area: str
    what: str
    where: str
    timeline: BugTimeline
    tests: tuple[str, ...]


def findings(page: str) -> Iterator[Finding]:
    """Yield the findings of a page; ValueError names a row that does not have the right form.

    Tables below a comment are no findings: another script writes them.
    """
    area = ""
    for number, line in enumerate(page.splitlines(), 1):
        if line.startswith("<!--"):
            return  # what follows is written by scripts/findings_by_release.py
        if line.startswith("#"):
            area = line.lstrip("# ")
        elif line.startswith("|"):
            cells = tuple(line.removeprefix("| ").removesuffix(" |").split(" | "))
            if cells == TITLES or set(line) <= set("|-"):
                continue
            if len(cells) != len(TITLES):
                raise ValueError(f"line {number} has {len(cells)} cells instead of {len(TITLES)}")
            what, where, release, quoted = cells
            try:
                timeline = BugTimeline.parse(release)
            except ValueError as error:
                raise ValueError(f"line {number}: {error}") from None
            tests = tuple(re.findall("`([^`]+::[^`]+)`", quoted))
            if not tests:
                raise ValueError(f"line {number} names no test")
            yield Finding(area, what, where, timeline, tests)


def as_json(found: list[Finding], release: Version | None) -> str:
    """Return findings as a JSON object."""
    rows = [
        {
            "area": finding.area,
            "what": finding.what,
            "where": finding.where,
            "release": str(finding.timeline),
            "tests": finding.tests,
        }
        for finding in found
    ]
    about = None if release is None else str(release)
    return json.dumps({"release": about, "findings": rows}, indent=2, ensure_ascii=False)


def as_text(found: list[Finding], release: Version | None, width: int) -> str:
    """Return findings as a table that is as wide as the terminal, below a line with their number.

    Names of tests are never broken, so the table may be wider than a narrow terminal.
    """
    tests = [
        [part for test in finding.tests for part in test.replace("::", "\n  ::").splitlines()]
        for finding in found
    ]
    releases = [str(finding.timeline) for finding in found]
    first = max(map(len, (*releases, "release")))
    last = max((len(part) for parts in tests for part in parts), default=0)
    middle = max(width - first - last - 4, 40)
    plural = "finding" if len(found) == 1 else "findings"
    lines = [f"{len(found)} {plural}" + (f" in lmstudio {release}" if release else "")]
    area = ""
    for finding, named, parts in zip(found, releases, tests, strict=True):
        if finding.area != area:
            area = finding.area
            lines += ["", area, f"{'release':{first}}  {'what':{middle}}  test"]
            lines.append(f"{'-' * first}  {'-' * middle}  {'-' * last}")
        what = [
            *textwrap.wrap(finding.what, middle),
            *textwrap.wrap(f"in {finding.where}", middle, subsequent_indent="   "),
        ]
        for row in range(max(len(what), len(parts))):
            cells = (texts[row] if row < len(texts) else "" for texts in ([named], what, parts))
            one, two, three = cells
            lines.append(f"{one:{first}}  {two:{middle}}  {three}".rstrip())
    return "\n".join(lines)


def main(arguments: list[str]) -> int:
    """Print the findings; return 0, or 2 after one line that says what to do."""
    parser = argparse.ArgumentParser(
        prog="hatch run findings:list", description="List the SDK's known bugs."
    )
    parser.add_argument(
        "--release", metavar="VERSION", help="only those of this version, such as 1.6.0b1"
    )
    parser.add_argument(
        "--format", choices=["text", "json"], default="text", help="text (default) or json"
    )
    given = parser.parse_args(arguments)
    try:
        release = None if given.release is None else Version(given.release)
    except InvalidVersion:
        print(
            f"findings: {given.release!r} is no version of the SDK: write it like 1.6.0b1",
            file=sys.stderr,
        )
        return 2
    try:
        found = list(findings(PAGE.read_text(encoding="utf-8")))
    except ValueError as error:
        print(f"findings: {PAGE}: {error}", file=sys.stderr)
        return 2
    if release is not None:
        found = [finding for finding in found if finding.timeline.has_bug(release)]
    if given.format == "json":
        print(as_json(found, release))
    else:
        print(as_text(found, release, shutil.get_terminal_size((120, 0)).columns))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
