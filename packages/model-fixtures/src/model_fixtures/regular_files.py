"""Reading files at paths where there may be a FIFO, a device or a socket instead.

Opening a FIFO waits until somebody writes to it, and reading a device may never end.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO

from model_fixtures.errors import ModelFixturesError


class UnfitFileError(ModelFixturesError, OSError):
    """The path is not a regular file, or the file is too large; `strerror` says which."""


def open_regular(path: Path) -> BinaryIO:
    """Open a regular file, or a link to one, for reading.

    Raises:
        UnfitFileError: the path is a FIFO, a device, a socket or a folder.
        OSError: it cannot be read.
    """
    # Check before opening, since opening a device can have effects, and again afterwards, since
    # something else may have taken the file's place.
    _check(path.stat(), path)
    descriptor = os.open(path, os.O_RDONLY | _flags())
    try:
        _check(os.fstat(descriptor), path)
        return os.fdopen(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise


def read_regular(path: Path, most: int) -> bytes:
    """Read a whole regular file of at most `most` bytes.

    Raises:
        UnfitFileError: the file is larger, or not a regular file.
        OSError: it cannot be read.
    """
    with open_regular(path) as file:
        content = file.read(most + 1)
    if len(content) > most:
        problem = f"has more than {most} bytes"
        raise UnfitFileError(errno.EFBIG, problem, str(path))
    return content


def has_sendable_name(path: Path) -> bool:
    """Return whether a path can be sent and logged as text; on Linux, names may be any bytes."""
    try:
        str(path).encode()
    except UnicodeEncodeError:
        return False
    return True


def _flags() -> int:
    """Return the flags for opening a file; those that the system does not have are left out.

    O_NONBLOCK keeps the opening of a FIFO from waiting.
    """
    names = ("O_NONBLOCK", "O_NOCTTY", "O_CLOEXEC", "O_BINARY", "O_NOINHERIT")
    flags = 0
    for name in names:
        flags |= getattr(os, name, 0)
    return flags


def _check(status: os.stat_result, path: Path) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise UnfitFileError(errno.EINVAL, "is not a regular file", str(path))
