"""Tell a silent worker from a slow one.

Signs of life are what a worker writes, the time it computes and what it reads from the disk. A slow
worker always shows one of them; one that is stopped, or waits for ever, shows none.
"""

from __future__ import annotations

import contextlib

import psutil
from msgspec import Struct

TICK = 1.0  # seconds between two looks
# What an idle worker computes meanwhile (10 ms in 10 s, measured) is no sign of life.
LEAST_COMPUTING = 0.1  # seconds


class Signs(Struct, frozen=True):
    """What a process had done up to a moment; each number only grows."""

    heard: int  # pieces that it wrote
    computed: float  # seconds
    read: int  # bytes from the disk, where the system tells


class Silence:
    """Counts the looks at a process, one a second, since its last sign of life.

    Looks are counted, not seconds: while this process doesn't run (a suspended machine, Ctrl-Z),
    no time passes.
    """

    def __init__(self) -> None:
        self._last: Signs | None = None
        self.looks = 0

    def break_off(self) -> None:
        """Start anew: nobody waits for the process, so it may be silent."""
        self._last, self.looks = None, 0

    def look(self, signs: Signs) -> None:
        """Count a look, or start anew if there was a sign of life since the last start."""
        last = self._last
        if (
            last is None
            or signs.heard != last.heard
            or signs.read != last.read
            or signs.computed >= last.computed + LEAST_COMPUTING
        ):
            self._last, self.looks = signs, 0
        else:
            self.looks += 1


def signs_of(pid: int, heard: int) -> Signs | None:
    """Return a process's signs of life, None if it can't be looked at: it may have ended."""
    try:
        process = psutil.Process(pid)
        times = process.cpu_times()
        read = 0
        # macOS has none; some containers forbid it.
        with contextlib.suppress(AttributeError, NotImplementedError, psutil.AccessDenied):
            read = process.io_counters().read_bytes
    except (psutil.Error, OSError):  # the latter when this process may open no more files
        return None
    return Signs(heard, times.user + times.system, read)
