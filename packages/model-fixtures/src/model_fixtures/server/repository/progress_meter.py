"""How far a download is, and how fast."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

from msgspec import Struct

WINDOW = 3.0  # seconds over which the rate is averaged


class Progress(Struct, frozen=True):
    """The state of a download: bytes so far, bytes in all, bytes per second at present."""

    downloaded: int
    total: int
    rate: int


class ProgressMeter:
    """The progress of one download. Any thread may count; one thread reads.

    Args:
        total: bytes in all.
        clock: seconds.
    """

    def __init__(self, total: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._total = total
        self._clock = clock
        self._counted = 0
        self._finished = False
        self._samples = deque([(clock(), 0)])

    def count(self, done: int) -> None:
        """Take the number of bytes that have come so far; it never falls."""
        self._counted = max(self._counted, min(done, self._total))

    def finish(self) -> None:
        """Mark the file as complete. Bytes that were already on disk do not count for the rate."""
        self._finished = True

    def read(self) -> Progress:
        """Return the progress now."""
        now, counted = self._clock(), self._counted
        self._samples.append((now, counted))
        while len(self._samples) > 2 and self._samples[1][0] <= now - WINDOW:
            self._samples.popleft()
        since, before = self._samples[0]
        rate = round((counted - before) / (now - since)) if now > since else 0
        return Progress(self._total if self._finished else counted, self._total, rate)
