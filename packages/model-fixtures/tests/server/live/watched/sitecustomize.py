"""Loaded by a server's interpreter to write a line for each long step of its event loop.

Only the processor time of the loop's thread counts, so a busy machine makes no step longer.
"""

from __future__ import annotations

import asyncio
import os
import time

MOST = 0.5  # seconds; what is allowed takes 0.15 s at the most on a usual machine
SIGN = "held up the event loop:"
_run = asyncio.Handle._run


def _watched(self: asyncio.Handle) -> None:
    before = time.thread_time()
    try:
        _run(self)
    finally:
        taken = time.thread_time() - before
        if taken > MOST:
            # The task, where it is the step of one.
            what = getattr(self._callback, "__self__", None) or self  # type: ignore[attr-defined]
            os.write(2, f"{taken:.2f} s of work {SIGN} {what!r}\n".encode())


asyncio.Handle._run = _watched  # type: ignore[method-assign]
