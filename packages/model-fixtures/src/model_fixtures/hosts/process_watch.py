"""Notice the end of a process that is not a child of this one."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from .process_identity import start_mark

_POLL = 0.5  # seconds


def call_after_end_of(pid: int, call: Callable[[], None]) -> None:
    """Call from a thread of its own once the process has ended; soon if there is no such process.

    The thread is a daemon: it does not keep this process alive.
    """

    def watch() -> None:
        mark = _mark(pid)
        while mark is not None and _mark(pid) == mark:
            time.sleep(_POLL)
        call()

    threading.Thread(target=watch, daemon=True, name=f"end of {pid}").start()


def _mark(pid: int) -> str | None:
    """Return the start mark of a process; wait while the system does not tell it."""
    while True:
        try:
            return start_mark(pid)
        except OSError:  # no file handle is left, which says nothing about the process
            time.sleep(_POLL)
