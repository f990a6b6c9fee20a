"""Reads the SDK's structured log events back from pytest's log capture."""

import json
from typing import Any

import pytest


def logged_events(
    caplog: pytest.LogCaptureFixture, logger: str
) -> list[tuple[str, dict[str, Any]]]:
    """Return (level name, event fields) of everything that the named SDK logger wrote, in order.

    Every message of the SDK is one JSON object with the text under "event"; anything else fails.
    """
    return [
        (record.levelname, json.loads(record.getMessage()))
        for record in caplog.records
        if record.name == logger
    ]
