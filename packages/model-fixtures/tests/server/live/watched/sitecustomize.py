"""Loaded by a server's interpreter; writes a line for each slow step of its event loop.

A step is measured by the processor time of its thread, so that a busy machine changes nothing.
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
