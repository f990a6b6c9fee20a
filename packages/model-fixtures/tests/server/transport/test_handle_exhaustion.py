"""The log when no connection can be accepted."""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from model_fixtures.server.transport.handle_exhaustion import (
    ACCEPTED_AT_ONCE,
    REPEAT_SECONDS,
    HandleExhaustion,
)


class Loop:
    """The part of an event loop that an exception handler uses."""

    def __init__(self) -> None:
        self.now = 0.0
        self.others: list[Any] = []

    def time(self) -> float:
        """Return the time that the test has set."""
        return self.now

    def default_exception_handler(self, context: dict[str, Any]) -> None:
        """Keep what asyncio itself would log."""
        self.others.append(context["exception"])


@pytest.fixture
def exhausted() -> dict[str, Any]:
    """Provide the context that asyncio has for a failed accept."""
    error = OSError(errno.EMFILE, os.strerror(errno.EMFILE))
    return {"message": "socket.accept() out of system resource", "exception": error, "socket": None}


@pytest.fixture
def listening() -> Iterator[socket.socket]:
    """Provide a socket of a server."""
    with socket.create_server(("127.0.0.1", 0)) as opened:
        yield opened


def test_one_line_a_minute(exhausted: dict[str, Any], caplog: pytest.LogCaptureFixture) -> None:
    """However often accepting fails, the log gets a line, and another after a minute."""
    handler, loop = HandleExhaustion(), Loop()
    for expected in (1, 2):
        for _ in range(ACCEPTED_AT_ONCE * int(REPEAT_SECONDS)):
            handler(loop, exhausted)  # type: ignore[arg-type]
            loop.now += 0.9 / ACCEPTED_AT_ONCE
        loop.now += REPEAT_SECONDS
        assert [record.levelno for record in caplog.records] == [logging.WARNING] * expected
    assert loop.others == []


def test_other_errors_are_told(exhausted: dict[str, Any]) -> None:
    """asyncio itself logs any other error, with its traceback."""
    handler, loop = HandleExhaustion(), Loop()
    errors = [OSError(errno.EMFILE, "elsewhere"), OSError(errno.EPIPE, "x"), ValueError("x")]
    contexts = [{"exception": errors[0]}, {"exception": errors[1], "socket": None}]
    handler(loop, exhausted)  # type: ignore[arg-type]
    for context in [*contexts, {"exception": errors[2]}]:
        handler(loop, context)  # type: ignore[arg-type]
    assert loop.others == errors


def test_server_that_stops_meanwhile(
    exhausted: dict[str, Any], listening: socket.socket, caplog: pytest.LogCaptureFixture
) -> None:
    """A server that stops before asyncio tries again writes no traceback about that."""

    async def stop() -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(handler := HandleExhaustion())
        handler(loop, exhausted)
        listening.close()
        again = asyncio.Event()
        # As asyncio does after a second.
        loop.call_later(0, loop.add_reader, listening.fileno(), again.set)
        loop.call_later(0.01, again.set)
        await again.wait()

    asyncio.run(stop())
    assert len(caplog.records) == 1
