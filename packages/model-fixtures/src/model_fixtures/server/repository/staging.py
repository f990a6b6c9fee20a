"""Folders for files that are not whole yet, inside of the models folder but never listed.

A lock beside each tells whether its server still lives, so that nothing of a killed one stays.
"""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

PREFIX = ".downloading-"


@contextmanager
def staging(models: Path) -> Iterator[Path]:
    """A new folder on the file system of the models folder; it is gone after the block.

    Raises:
        OSError: it can't be made.
    """
    models.mkdir(parents=True, exist_ok=True)
    sweep(models)
    folder = models / f"{PREFIX}{secrets.token_hex(8)}"
    # Locked first: a folder that nobody has locked is a dead server's.
    try:
        with FileLock(_lock_of(folder)):
            folder.mkdir()
            try:
                yield folder
            finally:
                shutil.rmtree(folder, ignore_errors=True)
    finally:
        _lock_of(folder).unlink(missing_ok=True)


def sweep(models: Path) -> None:
    """Removes what killed servers have left in a models folder."""
    for lock in models.glob(f"{PREFIX}*.lock"):
        try:
            with FileLock(lock, timeout=0):
                shutil.rmtree(lock.with_suffix(""), ignore_errors=True)
        except (Timeout, OSError):  # in use, or swept by another server just now
            continue
        lock.unlink(missing_ok=True)


def _lock_of(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.lock")
