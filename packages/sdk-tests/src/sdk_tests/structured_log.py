"""The SDK's structured log events, read back from pytest's log capture."""

import json
import threading
from collections.abc import Container
from typing import Any

import pytest


def other_threads() -> frozenset[str]:
    """Return the names of all threads but this one: closed clients may still log from theirs."""
    names = {thread.name for thread in threading.enumerate()}
    return frozenset(names - {threading.current_thread().name})


def logged_events(
    caplog: pytest.LogCaptureFixture, logger: str, without: Container[str | None] = ()
) -> list[tuple[str, dict[str, Any]]]:
    """Return the level name and the fields of each event that an SDK logger wrote, in order.

    Each message of the SDK is a JSON object with the text under "event"; anything else fails.

    Args:
        caplog: pytest's log capture.
        logger: the name of the logger.
        without: names of threads whose events are left out.
    """
    return [
        (record.levelname, json.loads(record.getMessage()))
        for record in caplog.records
        if record.name == logger and record.threadName not in without
    ]
