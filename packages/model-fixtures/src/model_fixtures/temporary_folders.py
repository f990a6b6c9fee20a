"""Temporary folders whose process may be killed: the next process removes what was left behind.

A lock beside each folder tells whether its process still lives. The lock is taken before the folder
is made and released when the folder is gone: a folder that nobody has locked is a dead process's.
"""

from __future__ import annotations

import os
import secrets
import shutil
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from filelock import FileLock, Timeout

LOCK = ".lock"  # ends the name of a folder's lock


class TemporaryFolder:
    """A new folder that only its owner may read. A context manager that makes and removes it.

    Args:
        parent: where the folder is made; it need not exist.
        prefix: how the folder's name begins. A process's id comes next.
    """

    def __init__(self, parent: Path, prefix: str) -> None:
        self.path = parent / f"{prefix}{os.getpid()}-{secrets.token_hex(8)}"
        self._prefix = prefix
        # One thread may take it and another one release it.
        self._lock = FileLock(_lock_of(self.path), thread_local=False)

    def __enter__(self) -> Path:
        try:
            self.make()
        except BaseException:
            self.remove()
            raise
        return self.path

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.remove()

    def make(self) -> None:
        """Make the folder, and remove those of dead processes with the same prefix.

        Raises:
            OSError: it can't be made.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        remove_abandoned(self.path.parent, self._prefix)
        # Where the file system has no locks, nothing is ever taken for a dead process's.
        with suppress(NotImplementedError):
            self._lock.acquire()
            while not _lock_of(self.path).exists():  # swept between its making and its locking
                self._lock.release()
                self._lock.acquire()
        self.path.mkdir(mode=0o700)

    def remove(self) -> None:
        """Remove the folder with all that is in it, as far as that is possible."""
        shutil.rmtree(self.path, ignore_errors=True)
        self._lock.release()
        with suppress(OSError):
            _lock_of(self.path).unlink()


def remove_abandoned(parent: Path, prefix: str) -> None:
    """Remove the folders with this prefix that killed processes have left in a folder."""
    for name in {path.name.removesuffix(LOCK) for path in parent.glob(f"{prefix}*")}:
        folder = parent / name
        lock = _lock_of(folder)
        if folder.is_symlink() or lock.is_symlink():  # somebody else's doing
            continue
        try:
            with FileLock(lock, timeout=0):
                shutil.rmtree(folder, ignore_errors=True)
                # While it is locked, so that whoever locks it next sees that it has gone: later
                # another lock may have its name. On Windows filelock removes it.
                with suppress(OSError):
                    lock.unlink()
        except (Timeout, OSError, NotImplementedError):  # in use, or removed by another just now
            continue


def _lock_of(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}{LOCK}")
