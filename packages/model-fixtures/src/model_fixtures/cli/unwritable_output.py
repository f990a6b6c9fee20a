"""What happens when the output can't be written: a closed pipe, a full disk."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from typing import TextIO

from model_fixtures.errors import ModelFixturesError


class FileAccessError(ModelFixturesError):
    """A file or the output can't be read or written; the message says which and why."""


@contextlib.contextmanager
def explained_os_errors() -> Iterator[None]:
    """Flush the output at the end, and turn errors of the system into errors of one line.

    Click would end the process without a word when a pipe is closed.

    Raises:
        FileAccessError: the output or a file can't be written or read.
    """
    try:
        yield
        if sys.stdout is not None:  # which it is in a process that was started without
            sys.stdout.flush()
    except ModelFixturesError:
        raise
    except OSError as error:
        reason = error.strerror or type(error).__name__
        if error.filename is not None:
            raise FileAccessError(f"{error.filename}: {reason}") from error
        raise FileAccessError(f"the output cannot be written: {reason}") from error


def complain(message: str) -> None:
    """Write a line to stderr, and nothing if that can't be written either."""
    with contextlib.suppress(OSError):
        print(message, file=sys.stderr, flush=True)


def leave_unwritten() -> None:
    """Keep Python from writing at its exit what could not be written before."""
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            try:
                stream.flush()
            except OSError:
                _point_to_nothing(stream)


def _point_to_nothing(stream: TextIO) -> None:
    with contextlib.suppress(OSError, ValueError):  # a stream without a descriptor
        nothing = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, stream.fileno())
        os.close(nothing)
