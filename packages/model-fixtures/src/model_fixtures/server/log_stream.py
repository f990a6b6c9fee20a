"""Log events for whoever listens on `diagnostics.streamLogs`."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

Listener = Callable[[dict[str, Any]], None]


class LogStream:
    """Passes events on to all listeners; without one an event costs nothing."""

    def __init__(self) -> None:
        self._listeners: list[Listener] = []

    @contextmanager
    def listening(self, listener: Listener) -> Iterator[None]:
        """Provide a block during which a listener gets every event."""
        self._listeners.append(listener)
        try:
            yield
        finally:
            self._listeners.remove(listener)

    @property
    def heard(self) -> bool:
        """Whether anybody listens."""
        return bool(self._listeners)

    def publish(self, data: dict[str, Any]) -> None:
        """Tell all listeners; the time is in milliseconds since 1970."""
        event = {"timestamp": time.time_ns() // 1_000_000, "data": data}
        for listener in self._listeners:
            listener(event)
