"""Log events for whoever listens on `diagnostics.streamLogs`."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import anyio

from .log_sources import tapped_logs

Event = dict[str, Any]
MOST_EVENTS = 1_000  # that wait for one listener
MOST_CHARACTERS = 8 * 2**20  # of these, together


class LogStream:
    """Passes events on to all listeners; without one nothing is collected."""

    def __init__(self) -> None:
        self._listeners: list[Listener] = []
        self._sources = ExitStack()

    @contextmanager
    def listening(self, kinds: Sequence[str] | None = None) -> Iterator[Listener]:
        """Provide what gets every event, or those of some kinds, during the block."""
        listener = Listener(kinds)
        if not self._listeners:
            self._sources.enter_context(tapped_logs(self.publish))
        self._listeners.append(listener)
        try:
            yield listener
        finally:
            self._listeners.remove(listener)
            if not self._listeners:
                self._sources.close()

    @property
    def heard(self) -> bool:
        """Whether anybody listens."""
        return bool(self._listeners)

    def publish(self, data: dict[str, Any]) -> None:
        """Tell all listeners; the time is in milliseconds since 1970."""
        event = _event(data)
        for listener in self._listeners:
            listener.put(event)


class Listener(AsyncIterator[Event]):
    """The events that a client has yet to take, in order; what does not fit is left out.

    Args:
        kinds: those that it knows, None = all.
    """

    def __init__(self, kinds: Sequence[str] | None = None) -> None:
        self._kinds = kinds
        self._events: deque[Event] = deque()
        self._characters = 0
        self._left_out = 0
        self._filled = anyio.Event()

    def put(self, event: Event) -> None:
        """Keep an event for the client, or count it if too much waits already."""
        if self._kinds is not None and event["data"]["type"] not in self._kinds:
            return
        characters = self._characters + _characters(event)
        full = len(self._events) >= MOST_EVENTS or characters > MOST_CHARACTERS
        if full and self._events:
            if self._kinds is None:  # the event that tells it is of a newer kind
                self._left_out += 1
            return
        if self._left_out:
            self._keep(self._gap())
        self._keep(event)

    def _keep(self, event: Event) -> None:
        self._events.append(event)
        self._characters += _characters(event)
        self._filled.set()

    async def __anext__(self) -> Event:
        """Return the next event."""
        while not self._events:
            if self._left_out:
                return self._gap()
            self._filled = anyio.Event()
            await self._filled.wait()
        event = self._events.popleft()
        self._characters -= _characters(event)
        return event

    def _gap(self) -> Event:
        """Return an event that says how many are missing at its place."""
        text = f"This client reads too slowly; log events left out here: {self._left_out}"
        self._left_out = 0
        return _event({"type": "server.log", "level": "warn", "content": text})


def _event(data: dict[str, Any]) -> Event:
    return {"timestamp": time.time_ns() // 1_000_000, "data": data}


def _characters(event: Event) -> int:
    return sum(len(value) for value in event["data"].values() if isinstance(value, str))
