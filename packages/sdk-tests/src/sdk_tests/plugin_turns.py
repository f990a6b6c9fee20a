"""Turns of a chat with plugins, driven through the embedded server's control route."""

import http.client
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from .expected_items import Items

Event = dict[str, Any]


def turn(address: str, text: str, **options: object) -> Items[Event]:
    """Drive a turn and return its events.

    Args:
        address: of the embedded server.
        text: the user's message.
        options: as in `model_fixtures.server.plugins.chat_turn`.
    """
    with started_turn(address, text, **options) as events:
        return Items(events)


@contextmanager
def started_turn(address: str, text: str, **options: object) -> Iterator[Iterator[Event]]:
    """Drive a turn and yield its events as they arrive; leaving the block early aborts the turn."""
    connection = http.client.HTTPConnection(address, timeout=60)
    try:
        connection.request("POST", "/control/turns", json.dumps({"text": text, **options}))
        response = connection.getresponse()
        assert response.status == 200, response.read()
        yield (json.loads(line) for line in response)
    finally:
        connection.close()


def events_of_kind(events: list[Event], kind: str) -> Items[Event]:
    """Return the events of one kind, without the key that names the kind."""
    return Items(
        {key: value for key, value in event.items() if key != "event"}
        for event in events
        if event["event"] == kind
    )
