"""The lines that single events write to the server's log."""

from __future__ import annotations

import asyncio
import io
import logging
import threading

import pytest
from model_fixtures.server.bounded_log_lines import set_up_logging

LONG = 5_000_000  # characters


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """Provide what is written, with logging set up as the server does."""
    root = logging.getLogger()
    monkeypatch.setattr(root, "handlers", [])
    monkeypatch.setattr(root, "level", root.level)
    written = io.StringIO()
    set_up_logging(written)
    here = threading.get_ident()
    for handler in root.handlers:
        # Threads of other tests' clients may still log that their connection has ended.
        handler.addFilter(lambda record: record.thread == here)
    return written


def test_long_message(log: io.StringIO) -> None:
    """A message keeps its beginning and its end, and says how much is missing."""
    logging.getLogger("any").warning("begin%send", "x" * LONG)
    text = log.getvalue()
    assert "WARNING begin" in text
    assert text.endswith("end\n")
    assert "characters left out" in text
    assert len(text) < 20_000


def test_long_traceback(log: io.StringIO) -> None:
    """The text of an error, and the line of code where it came up, are bounded, too."""
    code = f"{'x' * 10_000} = 1 + 'a'  # " + "y" * LONG
    for failure in (ValueError("z" * LONG), RuntimeError("many\n" * LONG)):
        log.truncate(0)
        try:
            try:
                exec(compile(code, "<template>", "exec"))  # noqa: S102
            except TypeError as error:
                raise failure from error
        except (RuntimeError, ValueError):
            logging.getLogger("any").exception("it failed")
        text = log.getvalue()
        assert "it failed" in text
        assert type(failure).__name__ in text
        assert len(text) < 20_000


def test_mistake_of_a_client_is_one_line(log: io.StringIO) -> None:
    """uvicorn's report of bytes that are no UTF-8 has no traceback; other errors keep theirs."""
    logger = logging.getLogger("uvicorn.error")
    try:
        b"\xff".decode()
    except UnicodeDecodeError:
        logger.exception("Invalid UTF-8 sequence received from client.")
    assert len(log.getvalue().splitlines()) == 1
    assert "WARNING Invalid UTF-8" in log.getvalue()
    try:
        raise KeyError("a")
    except KeyError:
        logger.exception("Exception in ASGI application")
    assert "Traceback" in log.getvalue()


def test_request_of_an_ending_server_is_no_news(log: io.StringIO) -> None:
    """A request that the server gives up when it ends leaves nothing in the log."""
    logger = logging.getLogger("uvicorn.error")
    try:
        raise asyncio.CancelledError("Task cancelled, timeout graceful shutdown exceeded")
    except asyncio.CancelledError:
        logger.exception("Exception in ASGI application")
    assert log.getvalue() == ""
