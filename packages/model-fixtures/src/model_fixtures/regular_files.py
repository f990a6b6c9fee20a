"""Opening what lies where only files should: a FIFO, a device or a socket may lie there, too.

Opening a FIFO waits until somebody writes to it, and a device need never end.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO


class UnfitFileError(OSError):
    """Something is no regular file, or a larger one than it may be; `strerror` says which."""


def open_regular(path: Path) -> BinaryIO:
    """Open a regular file, or a link to one, for reading.

    Raises:
        UnfitFileError: it is a FIFO, a device, a socket or a folder.
        OSError: it cannot be read.
    """
    # Looked at first, since opening a device can have effects; and again when it is open, since
    # another thing may have taken its place.
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
        UnfitFileError: it is larger, or no regular file.
        OSError: it cannot be read.
    """
    with open_regular(path) as file:
        content = file.read(most + 1)
    if len(content) > most:
        problem = f"has more than {most} bytes"
        raise UnfitFileError(errno.EFBIG, problem, str(path))
    return content


def has_sendable_name(path: Path) -> bool:
    """Return whether a path is text that can be sent and logged: names on Linux may be any bytes."""
    try:
        str(path).encode()
    except UnicodeEncodeError:
        return False
    return True


def _flags() -> int:
    """O_NONBLOCK keeps the opening of a FIFO from waiting; Windows has none of these but binary."""
    names = ("O_NONBLOCK", "O_NOCTTY", "O_CLOEXEC", "O_BINARY", "O_NOINHERIT")
    flags = 0
    for name in names:
        flags |= getattr(os, name, 0)
    return flags


def _check(status: os.stat_result, path: Path) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise UnfitFileError(errno.EINVAL, "is no regular file", str(path))
