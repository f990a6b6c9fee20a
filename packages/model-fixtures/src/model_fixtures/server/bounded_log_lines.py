"""The format of the server's log, in which no single event can make a line long.

An error's text, or the line of code in a traceback, can hold whatever a client has sent.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import traceback
from types import TracebackType
from typing import TextIO

MOST_CHARACTERS = 16_000  # of one event
MOST_IN_ENTRY = 1_000  # of one entry of a traceback
END = 2_000  # characters at the end of an event that are kept: they say what went wrong
QUIET = ("httpx", "uvicorn")  # loggers that log each request


class BoundedFormatter(logging.Formatter):
    """Formats events; long ones lose their middle."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the text of an event."""
        return shortened(super().format(record), MOST_CHARACTERS, END)

    def formatException(  # noqa: N802 (logging's own name)
        self,
        ei: tuple[type[BaseException], BaseException, TracebackType | None]
        | tuple[None, None, None],
    ) -> str:
        """Return the text of a traceback, each of its entries bounded."""
        if ei[0] is None:
            return ""
        entries = traceback.TracebackException(*ei, compact=True).format()
        return "".join(shortened(entry, MOST_IN_ENTRY) for entry in entries).rstrip("\n")


def shortened(text: str, most: int, end: int = 100) -> str:
    """Return a text, without its middle if it is longer than `most` characters.

    The last `end` characters are kept.
    """
    if len(text) <= most:
        return text
    left_out = f"... ({len(text) - most:,} characters left out) ..."
    return text[: most - end] + left_out + text[len(text) - end :]


def without_traceback(record: logging.LogRecord) -> bool:
    """Return whether to log a record, and take the traceback of a client's mistake out of it.

    The mistake is bytes that are not UTF-8. Requests that an ending server gives up are not logged.
    """
    error = record.exc_info[1] if record.exc_info else None
    if record.name.startswith("uvicorn") and isinstance(error, asyncio.CancelledError):
        return False
    if record.name.startswith("uvicorn") and isinstance(error, UnicodeDecodeError):
        record.exc_info = None
        record.levelno, record.levelname = logging.WARNING, "WARNING"
    return True


def set_up_logging(stream: TextIO = sys.stderr) -> None:
    """Have all loggers write to a stream, unless something has set them up already."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(BoundedFormatter("%(asctime)s %(levelname)s %(message)s"))
    handler.addFilter(without_traceback)
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
