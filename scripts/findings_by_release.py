"""Which SDK releases have which findings, as runs of `hatch run history:all` have seen it.

    hatch run findings:history                  the table
    hatch run findings:history --format json    for programs
    hatch run findings:history --write          write the table into docs/findings.md

What the runs have seen is in findings_by_release.json: by release and test, whether the test of a
bug failed as expected. A finding that no run has looked for in a release is a "?" there.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from list_findings import PAGE, Finding, findings
from packaging.version import Version

RECORD = Path(__file__).resolve().parent / "findings_by_release.json"
BEGIN = "<!-- Written by `hatch run findings:history --write`: change nothing below. -->\n"
END = "<!-- End of what is written. -->\n"
HAS, LACKS, UNKNOWN = "bug", "-", "?"

Record = dict[str, dict[str, bool]]
"""By release and "file::test": whether the test failed as its bug makes it."""


def load_record(path: Path) -> Record:
    """Return what runs have seen, from the oldest release on; nothing if there is no file."""
    if not path.is_file():
        return {}
    content: Record = json.loads(path.read_text(encoding="utf-8"))
    return dict(sorted(content.items(), key=lambda pair: Version(pair[0])))


def save_record(record: Record, path: Path) -> None:
    """Write what runs have seen."""
    ordered = {
        release: dict(sorted(record[release].items())) for release in sorted(record, key=Version)
    }
    path.write_text(json.dumps(ordered, indent=1) + "\n", encoding="utf-8")


def state(finding: Finding, seen: Mapping[str, bool]) -> str:
    """Return whether a release has a finding: one of its tests that fails is enough."""
    known = [seen[test] for test in finding.tests if test in seen]
    if not known:
        return UNKNOWN
    return HAS if any(known) else LACKS


def states(found: Sequence[Finding], record: Record) -> dict[str, list[str]]:
    """Return the states of all findings by release."""
    return {release: [state(each, seen) for each in found] for release, seen in record.items()}


def as_json(found: Sequence[Finding], record: Record) -> str:
    """Return the table as a JSON object."""
    by_release = states(found, record)
    words = {HAS: True, LACKS: False, UNKNOWN: None}
    rows = [
        {
            "what": finding.what,
            "tests": finding.tests,
            "releases": {release: words[column[index]] for release, column in by_release.items()},
        }
        for index, finding in enumerate(found)
    ]
    return json.dumps({"findings": rows}, indent=2, ensure_ascii=False)


def as_text(found: Sequence[Finding], record: Record) -> str:
    """Return the table with a line for each finding."""
    by_release = states(found, record)
    lines = ["  ".join(f"{release:>7}" for release in by_release) + "  finding"]
    for index, finding in enumerate(found):
        cells = "  ".join(f"{column[index]:>7}" for column in by_release.values())
        lines.append(f"{cells}  {finding.what}")
    return "\n".join(lines)


def as_markdown(found: Sequence[Finding], record: Record) -> str:
    """Return the section for docs/findings.md: counts, and the findings that not all have."""
    by_release = states(found, record)
    lines = ["| release | has the bug | has it not | not run |", "|---|---|---|---|"]
    for release, column in by_release.items():
        counts = " | ".join(str(column.count(each)) for each in (HAS, LACKS, UNKNOWN))
        lines.append(f"| {release} | {counts} |")
    lines += ["", "Findings that some of these releases have, and others have not:", ""]
    lines.append(f"| finding | {' | '.join(by_release)} |")
    lines.append("|---" * (len(by_release) + 1) + "|")
    for index, finding in enumerate(found):
        cells = [column[index] for column in by_release.values()]
        if {HAS, LACKS} <= set(cells):
            lines.append(f"| {finding.what} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def with_section(page: str, section: str) -> str:
    """Return the page with another text between its two comments.

    Raises:
        ValueError: the comments are missing.
    """
    pattern = re.escape(BEGIN) + ".*" + re.escape(END)
    changed, count = re.subn(pattern, lambda _: f"{BEGIN}\n{section}\n{END}", page, flags=re.DOTALL)
    if count != 1:
        raise ValueError(f"the page must have these lines once: {BEGIN.strip()}, {END.strip()}")
    return changed


def main(arguments: list[str]) -> int:
    """Print or write the table; return 0, or 2 after one line that says what to do."""
    parser = argparse.ArgumentParser(
        prog="hatch run findings:history", description="List which releases have which findings."
    )
    parser.add_argument("--format", choices=["text", "json"], default="text")
    parser.add_argument("--write", action="store_true", help="write it into docs/findings.md")
    given = parser.parse_args(arguments)
    try:
        page = PAGE.read_text(encoding="utf-8")
        found, record = list(findings(page)), load_record(RECORD)
        if given.write:
            PAGE.write_text(with_section(page, as_markdown(found, record)), encoding="utf-8")
            return 0
    except ValueError as error:
        print(f"findings: {error}", file=sys.stderr)
        return 2
    print(as_json(found, record) if given.format == "json" else as_text(found, record))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
