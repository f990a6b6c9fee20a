"""The lines of a server's log that were written since some moment."""

from __future__ import annotations

import os
import time
from typing import IO

MOST_BYTES = 2**20  # of a log's end that are read
_STAMP = "%Y-%m-%d %H:%M:%S"
_WIDTH = len("2026-01-31 12:00:00,000")


def read_end(log: IO[bytes]) -> str:
    """Return the end of an open log, from the beginning of a line."""
    size = log.seek(0, os.SEEK_END)
    log.seek(max(0, size - MOST_BYTES))
    text = log.read().decode("utf-8", "replace")
    return text if size <= MOST_BYTES else text.partition("\n")[2]


def lines_since(text: str, start: float) -> str:
    """Return the part of a log from the first line on that has a time since `start`.

    Args:
        text: lines of a log with logging's usual times, and others, such as those of tracebacks.
        start: seconds since the epoch.
    """
    lines = text.splitlines()
    for number, line in enumerate(lines):
        moment = _time_of(line)
        # The log's times are whole milliseconds.
        if moment is not None and moment >= start - 0.001:
            return "\n".join(lines[number:])
    return ""


def _time_of(line: str) -> float | None:
    try:
        seconds = time.mktime(time.strptime(line[: _WIDTH - 4], _STAMP))
        return seconds + int(line[_WIDTH - 3 : _WIDTH]) / 1000
    except (ValueError, OverflowError):
        return None
