"""The cases of the JavaScript clients, read from their source: a collection starts no Node.js."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import NamedTuple

JAVASCRIPT = Path(__file__).parent / "javascript"
_STRING = r'("(?:[^"\\\n]|\\.)*")'
_CASE = re.compile(rf"^test\(\s*{_STRING},\s*{_STRING},", re.MULTILINE)
_BEGUN = re.compile(r"^\s*test\(", re.MULTILINE)


class Case(NamedTuple):
    """A case: the name of its test, and what it pins down."""

    name: str
    must_happen: str


def case_files(*folders: str) -> list[Path]:
    """Return the files of the named folders of `javascript/`, in the order in which they run."""
    return [file for folder in folders for file in sorted((JAVASCRIPT / folder).glob("*.mjs"))]


def read_cases(files: list[Path]) -> list[Case]:
    """Return the cases of the files.

    Raises:
        ValueError: a case has no plain strings as its first arguments, or two have the same name.
    """
    cases: list[Case] = []
    for file in files:
        source = file.read_text(encoding="utf-8")
        found = [Case(*map(json.loads, match.groups())) for match in _CASE.finditer(source)]
        begun = len(_BEGUN.findall(source))
        if len(found) != begun:
            raise ValueError(f"{file}: {begun} cases, of which {len(found)} begin with two strings")
        cases += found
    names = [case.name for case in cases]
    doubled = sorted({name for name in names if names.count(name) > 1})
    if doubled:
        raise ValueError(f"two cases have the same name: {', '.join(doubled)}")
    return cases
