"""Frames as lines of text."""

from __future__ import annotations

from collections.abc import Sequence

from model_fixtures.server.bounded_log_lines import shortened

from .masking import Masker
from .recorder import Frame

# What a report shows; a file has it all.
LONGEST_FRAME = 2_000  # characters
FIRST = 50  # lines that are shown from the beginning
MOST_LINES = 250
MOST_CHARACTERS = 100_000

_ARROWS = {"opened": "--", "sent": "->", "received": "<-", "closed": "--"}
LEGEND = (
    "seconds since the test's start, connection and endpoint, -> sent by the client, <- received"
)


def render(frames: Sequence[Frame], masker: Masker, *, everything: bool, how: str = "") -> str:
    """Return a line for each frame, with keys masked.

    Args:
        frames: what to show.
        masker: hides the keys.
        everything: whether to show all frames whole; else the middle of what is long is left out.
        how: tells how to see everything; stands at the end if anything is left out.
    """
    lines = [_line(frame, masker, everything=everything) for frame in frames]
    shown = lines if everything else _bounded(lines)
    whole = everything or (shown == lines and not any(map(_is_long, frames)))
    return "\n".join([LEGEND, *shown, *([] if whole or not how else [how])])


def _line(frame: Frame, masker: Masker, *, everything: bool) -> str:
    # Masked before it is cut, since half of a key has no form by which to know it.
    text = masker.mask(frame.text)
    if not everything:
        text = shortened(text, LONGEST_FRAME)
    where = ".".join(filter(None, (frame.namespace, frame.endpoint))) or "?"
    if frame.direction == "opened":
        text = f"opened {masker.mask(frame.url)}" + (f" with {text}" if text else "")
    elif frame.direction == "closed":
        text = f"closed {text}"
    process = f" (process {frame.process})" if frame.process is not None else ""
    # One frame is one line, also one that is no JSON.
    text = text.replace("\r", "\\r").replace("\n", "\\n")
    arrow = _ARROWS[frame.direction]
    return f"{frame.seconds:+9.3f} [{frame.connection}] {where}{process} {arrow} {text}"


def _is_long(frame: Frame) -> bool:
    return len(frame.text) > LONGEST_FRAME


def _bounded(lines: list[str]) -> list[str]:
    """Return the first and the last lines, and between them how many are missing."""
    first = _fitting(lines[:FIRST], MOST_CHARACTERS // 4)
    left = lines[len(first) :]
    space = MOST_CHARACTERS - sum(map(len, first))
    last = _fitting(left[::-1][: MOST_LINES - len(first)], space)[::-1]
    missing = len(left) - len(last)
    gap = [f"... ({missing:,} frames left out) ..."] if missing else []
    return [*first, *gap, *last]


def _fitting(lines: list[str], space: int) -> list[str]:
    """Return as many of the first lines as fit into a number of characters."""
    for number, line in enumerate(lines):
        space -= len(line)
        if space < 0:
            return lines[:number]
    return lines
