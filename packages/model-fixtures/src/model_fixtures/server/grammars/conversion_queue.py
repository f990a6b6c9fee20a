"""Convert schemas and grammars beside the event loop, one at a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import anyio
import anyio.to_thread

AT_ONCE = 1  # computing threads share the interpreter anyway, and each delays the event loop

Result = TypeVar("Result")


class Conversions:
    """The conversions of one server; each has a budget, so that it ends soon."""

    def __init__(self) -> None:
        self._limiter = anyio.CapacityLimiter(AT_ONCE)

    async def run(self, convert: Callable[[], Result]) -> Result:
        """Run a conversion in a thread as soon as those before it have ended; return its result."""
        return await anyio.to_thread.run_sync(convert, limiter=self._limiter)
