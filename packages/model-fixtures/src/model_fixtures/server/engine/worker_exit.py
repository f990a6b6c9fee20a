"""Describe a worker that ended without an order: how it ended, and its last words."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterable

SHOWN_LINES = 3  # of the log, in an error for a client
LONGEST_LINE = 200  # characters
FOLDERS = re.compile(r"(?:[A-Za-z]:)?[/\\](?:[^\s/\\'\"]+[/\\])+")


def how_it_ended(status: int | None) -> str:
    """Describe how a process ended, from its return code, which is negative after a signal."""
    if status is None:
        return "its process is still there"
    if status >= 0:
        return f"exit status {status}"
    try:
        name = signal.Signals(-status).name
    except ValueError:
        name = f"signal {-status}"
    # Nothing in a worker sends this signal.
    return f"{name}, sent from outside: short of memory?" if name == "SIGKILL" else name


def last_words(log: Iterable[str], lines: int = SHOWN_LINES) -> str:
    """Return the end of a log in one line of bounded length, without folders of this machine."""
    told = [line.strip() for line in log if line.strip()][-lines:]
    return " | ".join(FOLDERS.sub("", line)[:LONGEST_LINE] for line in told)
