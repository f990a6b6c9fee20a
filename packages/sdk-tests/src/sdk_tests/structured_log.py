"""Reads the SDK's structured log events back from pytest's log capture."""

import json
import threading
from collections.abc import Container
from typing import Any

import pytest


def other_threads() -> frozenset[str]:
    """Return the names of the threads beside this one: closed clients may still log from theirs."""
    names = {thread.name for thread in threading.enumerate()}
    return frozenset(names - {threading.current_thread().name})


def logged_events(
    caplog: pytest.LogCaptureFixture, logger: str, without: Container[str | None] = ()
) -> list[tuple[str, dict[str, Any]]]:
    """Return (level name, event fields) of everything that the named SDK logger wrote, in order.

    Every message of the SDK is one JSON object with the text under "event"; anything else fails.

    Args:
        caplog: pytest's.
        logger: its name.
        without: names of threads whose messages are left out.
    """
    return [
        (record.levelname, json.loads(record.getMessage()))
        for record in caplog.records
        if record.name == logger and record.threadName not in without
    ]
