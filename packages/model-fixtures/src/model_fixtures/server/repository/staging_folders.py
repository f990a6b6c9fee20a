"""Folders for files that are not whole yet, inside of the models folder but never listed.

A lock beside each tells whether its server still lives, so that nothing of a killed one stays.
"""

from __future__ import annotations

import secrets
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import anyio.to_thread
from filelock import BaseFileLock, FileLock, Timeout

PREFIX = ".downloading-"


@asynccontextmanager
async def staging(models: Path) -> AsyncIterator[Path]:
    """Provide a new folder on the file system of the models folder; it is gone after the block.

    Raises:
        OSError: it can't be made.
    """
    folder = models / f"{PREFIX}{secrets.token_hex(8)}"
    # It is taken in one thread and released in another.
    lock = FileLock(_lock_of(folder), thread_local=False)
    try:
        await anyio.to_thread.run_sync(_make, folder, lock)
        yield folder
    finally:
        with anyio.CancelScope(shield=True):
            await anyio.to_thread.run_sync(_remove, folder, lock)


def _make(folder: Path, lock: BaseFileLock) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    sweep(folder.parent)
    # Locked first: a folder that nobody has locked is a dead server's.
    lock.acquire()
    folder.mkdir()


def _remove(folder: Path, lock: BaseFileLock) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    lock.release()
    _lock_of(folder).unlink(missing_ok=True)


def sweep(models: Path) -> None:
    """Remove what killed servers have left in a models folder."""
    for lock in models.glob(f"{PREFIX}*.lock"):
        try:
            with FileLock(lock, timeout=0):
                shutil.rmtree(lock.with_suffix(""), ignore_errors=True)
        except (Timeout, OSError):  # in use, or swept by another server just now
            continue
        lock.unlink(missing_ok=True)


def _lock_of(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.lock")
