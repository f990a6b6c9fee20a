"""Texts for the page: names of outcomes, times, and docstrings as HTML."""

from __future__ import annotations

import re

from markupsafe import Markup, escape
from model_fixtures.run_results import Outcome

SYMBOLS: dict[Outcome, str] = {
    "passed": "✓",
    "failed": "✗",
    "error": "✗",
    "xfailed": "⚑",
    "xpassed": "!",
    "skipped": "○",
}
WORDS: dict[Outcome, str] = {
    "passed": "passed",
    "failed": "failed",
    "error": "broke",
    "xfailed": "known bug",
    "xpassed": "passed unexpectedly",
    "skipped": "skipped",
}
_CODE = re.compile(r"(`+)(.+?)\1")


def duration(seconds: float) -> str:
    """Return a time as people say it: 12 ms, 0.34 s, 4.1 s, 1 min 44 s."""
    if seconds < 0.0995:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 9.95:
        return f"{seconds:.2g} s"
    if seconds < 59.5:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min"


def with_code(text: str) -> Markup:
    """Return a docstring as HTML: what stands between backticks is code, and all is escaped."""
    parts = []
    end = 0
    for match in _CODE.finditer(text):
        parts += [escape(text[end : match.start()]), Markup("<code>{}</code>").format(match[2])]
        end = match.end()
    return Markup("").join([*parts, escape(text[end:])])


def cut(text: str, most: int) -> str:
    """Return a text without its middle if it is longer than `most` characters."""
    if len(text) <= most:
        return text
    half = most // 2
    missing = len(text) - 2 * half
    return (
        f"{text[:half]}\n... ({missing:,} characters left out here; the JSON file of the run has"
        f" them) ...\n{text[-half:]}"
    )


def last_line(text: str) -> str:
    """Return the line of a traceback that says what was wrong: the first that pytest marks `E`."""
    marked = [line[1:].strip() for line in text.splitlines() if re.match(r"E\s", line)]
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    found = next(filter(None, marked), "") or (lines[-1] if lines else "")
    return found if len(found) <= 300 else f"{found[:300]} ..."
