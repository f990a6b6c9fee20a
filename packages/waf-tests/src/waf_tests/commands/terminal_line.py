"""Text for a terminal: one line, whatever a host or an error has put into it."""

from __future__ import annotations

import traceback
from pathlib import Path


def one_line(text: str) -> str:
    """Return the text with blanks and line ends as single blanks, without control characters."""
    joined = " ".join(text.split())
    return "".join(char if char.isprintable() else "?" for char in joined)


def unexpected(error: Exception) -> str:
    """Return one line about an error that nobody has foreseen: its type and where it was raised.

    Its message is left out: a library's may repeat what it was given, and that may be a key.
    """
    name = type(error).__name__
    frames = traceback.extract_tb(error.__traceback__)
    if isinstance(error, OSError) and error.strerror:
        name = f"{name} ({one_line(error.strerror)})"
    if not frames:
        return f"unexpected {name}"
    return f"unexpected {name} in {Path(frames[-1].filename).name}, line {frames[-1].lineno}"
