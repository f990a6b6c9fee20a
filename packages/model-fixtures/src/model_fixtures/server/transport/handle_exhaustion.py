"""New connections where the system has no handle left for them."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from model_fixtures.server.client_errors import is_exhaustion

BACKLOG = 2048  # connections that the system keeps until they are accepted
# As many at once: asyncio goes on after a failure, so this is also how often each failure repeats.
ACCEPTED_AT_ONCE = 16
REPEAT_SECONDS = 60.0

logger = logging.getLogger("model_fixtures.server")


class HandleExhaustion:
    """The exception handler of an event loop, which logs failed accepts in a line a minute.

    asyncio itself tries again after a second, when connections may have been closed.
    """

    def __init__(self) -> None:
        self._told_at: float | None = None

    def __call__(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Log what went wrong in a callback of the loop."""
        error = context.get("exception")
        if isinstance(error, OSError) and is_exhaustion(error) and "socket" in context:
            self._tell(error, loop.time())
        elif not self._is_late_retry(error, context):
            loop.default_exception_handler(context)

    def _tell(self, error: OSError, now: float) -> None:
        if self._told_at is None or now - self._told_at >= REPEAT_SECONDS:
            self._told_at = now
            logger.warning(
                "cannot accept connections (%s): new ones wait until others are closed; "
                "raise the limit of open files (ulimit -n)",
                error.strerror,
            )

    def _is_late_retry(self, error: object, context: dict[str, Any]) -> bool:
        """Return whether asyncio retried a socket that was closed meanwhile: the server stops."""
        return (
            self._told_at is not None
            and isinstance(error, ValueError)
            and "file descriptor" in str(error)
            and isinstance(context.get("handle"), asyncio.TimerHandle)
        )
