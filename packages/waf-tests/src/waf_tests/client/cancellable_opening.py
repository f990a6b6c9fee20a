"""One attempt of a session to open its websocket, which the session may give up."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio

# For a bound, not a wait: closing takes one round trip at most.
CLOSE_SECONDS = 10.0


class AttemptGivenUpError(Exception):
    """The session has given this attempt up; nobody sees this but the SDK's own task."""


class Attempt:
    """A websocket that a task of the SDK opens for a session, which waits for it.

    The SDK does not end that task when the session stops waiting (Ctrl-C, a cancelled caller):
    the connection would stay open for as long as the host wants. `give_up` ends it.
    """

    def __init__(self) -> None:
        """Begin with nothing open."""
        self._scope: anyio.CancelScope | None = None
        self._given_up = False
        # Who waits is on the task's own event loop or on another thread.
        self._closed = asyncio.Event()
        self._closed_for_threads = threading.Event()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Enclose the connection's life, in its task. Raises AttemptGivenUpError if that is so."""
        if self._given_up:
            raise AttemptGivenUpError
        try:
            with anyio.CancelScope() as self._scope:
                yield
        finally:
            self._mark_closed()
        if self._scope.cancelled_caught:
            raise AttemptGivenUpError

    def give_up(self) -> None:
        """Close the connection, or let it not be opened. To be called on the task's event loop."""
        self._given_up = True
        if self._scope is None:
            self._mark_closed()
        else:
            self._scope.cancel()

    async def wait_until_closed(self) -> None:
        """Wait, on the task's event loop, until nothing is open, whoever cancels the caller."""
        with anyio.move_on_after(CLOSE_SECONDS, shield=True):
            await self._closed.wait()

    def wait_until_closed_threadsafe(self) -> None:
        """Wait, on another thread, until nothing is open."""
        self._closed_for_threads.wait(CLOSE_SECONDS)

    def _mark_closed(self) -> None:
        self._closed.set()
        self._closed_for_threads.set()
