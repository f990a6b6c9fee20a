"""Threads for what takes long or may hang: the event loop serves all clients and must never wait.

Python code in a thread lets the loop run every few milliseconds. One call into C may not (decoding
JSON, base64, text), so such calls are kept short: their input is cut into pieces or bounded.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

import anyio
import anyio.to_thread

T = TypeVar("T")


class ThreadPool:
    """Threads for one kind of work: those that hang hold up no other kind.

    Args:
        most: how many may run at a time; others wait.
    """

    def __init__(self, most: int) -> None:
        self._limiter = anyio.CapacityLimiter(most)

    async def run(self, work: Callable[..., T], *arguments: Any) -> T:
        """Run a function in a thread and return its result. Cancellation waits for its end."""
        return await anyio.to_thread.run_sync(partial(work, *arguments), limiter=self._limiter)
