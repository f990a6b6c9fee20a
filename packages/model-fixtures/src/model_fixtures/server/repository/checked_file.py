"""A file that arrives in pieces, and must have the right digest in the end."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from types import TracebackType

from model_fixtures.errors import ModelFixturesError
from model_fixtures.regular_files import open_regular

CHUNK_BYTES = 1 << 20


class DownloadError(ModelFixturesError):
    """A file can't be downloaded. The message is one line: what is wrong and what to do."""


class CheckedFile:
    """A file that is written and checked. A context manager that closes it.

    Args:
        path: where it is written.
        size: bytes that it must have in the end.
        sha256: its digest, in lower-case hex.
    """

    def __init__(self, path: Path, size: int, sha256: str) -> None:
        self.path = path
        self.done = 0
        self._size = size
        self._sha256 = sha256
        self._digest = hashlib.sha256()
        self._file = path.open("wb")

    def __enter__(self) -> CheckedFile:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()

    def write(self, piece: bytes) -> None:
        """Write the next piece.

        Raises:
            DownloadError: the file is larger than it should be.
            OSError: it can't be written.
        """
        self.done += len(piece)
        if self.done > self._size:
            raise DownloadError(
                f"the hub sends more than {self._size} bytes: correct 'size' or 'url'"
            )
        self._digest.update(piece)
        self._file.write(piece)

    def check(self) -> None:
        """Check the complete file, and flush it to the disk.

        Raises:
            DownloadError: bytes are missing or wrong.
            OSError: it can't be written.
        """
        if self.done != self._size:
            raise DownloadError(
                f"the hub sent {self.done} of {self._size} bytes: try again, or correct 'size'"
            )
        if self._digest.hexdigest() != self._sha256:
            raise DownloadError(
                f"it has SHA-256 {self._digest.hexdigest()} instead of {self._sha256}:"
                " correct 'sha256' or 'url'"
            )
        self._file.flush()
        os.fsync(self._file.fileno())


def has_digest(path: Path, sha256: str) -> bool:
    """Return whether a file is there and has this digest (about 0.1 s for 100 MB)."""
    digest = hashlib.sha256()
    try:
        with open_regular(path) as file:
            while piece := file.read(CHUNK_BYTES):
                digest.update(piece)
    except OSError:
        return False
    return digest.hexdigest() == sha256
