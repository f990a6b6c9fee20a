"""What is logged, as events: by the server, and by llama.cpp in the workers."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from .bounded_log_lines import BoundedFormatter, without_traceback
from .engine.engine_description import ENGINE, NAME, engine_version
from .engine.runtime_log import OFF, RuntimeLog, runtime_logger

Publish = Callable[[dict[str, Any]], None]


@contextmanager
def tapped_logs(publish: Publish) -> Iterator[None]:
    """Publish what is logged during the block; `publish` is called in this thread only."""
    server = _Publisher(publish, _server_event)
    server.setFormatter(BoundedFormatter("%(message)s"))
    server.addFilter(without_traceback)
    runtime = _Publisher(publish, _runtime_event)
    root = logging.getLogger()
    root.addHandler(server)
    runtime_logger.addHandler(runtime)
    runtime_logger.setLevel(logging.DEBUG)
    try:
        yield
    finally:
        root.removeHandler(server)
        runtime_logger.removeHandler(runtime)
        if not any(isinstance(handler, _Publisher) for handler in runtime_logger.handlers):
            runtime_logger.setLevel(OFF)


class _Publisher(logging.Handler):
    """Publishes records as events, in the thread of the event loop."""

    def __init__(
        self, publish: Publish, event: Callable[[logging.LogRecord, str], dict[str, Any]]
    ) -> None:
        super().__init__()
        self._publish = publish
        self._event = event
        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()

    def emit(self, record: logging.LogRecord) -> None:
        data = self._event(record, self.format(record))
        if threading.get_ident() == self._thread:
            self._publish(data)
            return
        with contextlib.suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(self._publish, data)


def _server_event(record: logging.LogRecord, text: str) -> dict[str, Any]:
    return {"type": "server.log", "level": _level(record), "content": text}


def _runtime_event(record: logging.LogRecord, text: str) -> dict[str, Any]:
    worker: RuntimeLog = vars(record)["worker"]
    return {
        "type": "runtime.log",
        "level": _level(record),
        "message": text,
        "engineName": NAME,
        "engineVersion": engine_version(),
        "engineType": ENGINE,
        "modelIdentifier": worker.identifier,
        "pid": worker.pid,
    }


def _level(record: logging.LogRecord) -> str:
    if record.levelno >= logging.ERROR:
        return "error"
    if record.levelno >= logging.WARNING:
        return "warn"
    return "info" if record.levelno >= logging.INFO else "debug"
