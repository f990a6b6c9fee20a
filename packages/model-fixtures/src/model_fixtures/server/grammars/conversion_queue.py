"""Runs the conversions of schemas and grammars beside the event loop, one at a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import anyio
import anyio.to_thread

AT_ONCE = 1  # threads that compute take turns anyway, and each keeps the event loop waiting

Result = TypeVar("Result")


class Conversions:
    """Threads of one server; what they do has a budget, so that each ends soon."""

    def __init__(self) -> None:
        self._limiter = anyio.CapacityLimiter(AT_ONCE)

    async def run(self, convert: Callable[[], Result]) -> Result:
        """Return what a function returns, which runs in a thread as soon as it is its turn."""
        return await anyio.to_thread.run_sync(convert, limiter=self._limiter)
