"""Deliberate faults: an embedded server that misbehaves for one client as its rules say.

docs/scenarios.md describes the rules.
"""

import http.client
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote

from model_fixtures.hosts.embedded_server import EmbeddedServer

from .wire_watch import WATCH

Rule = dict[str, Any]
FORGING = ("replace", "insert", "fail")
"""Faults that send messages which are not the server's own and may break the schema."""


def rule(then: dict[str, Any], **when: object) -> Rule:
    """Return a rule: `then` happens at the message that `when` describes (docs/scenarios.md)."""
    return {"when": when, "then": then}


def delay(seconds: float) -> dict[str, Any]:
    """Return the fault that delays the message and all later ones."""
    return {"do": "delay", "seconds": seconds}


def drop() -> dict[str, Any]:
    """Return the fault that drops the message."""
    return {"do": "drop"}


def stall() -> dict[str, Any]:
    """Return the fault that sends nothing more and leaves the connection open."""
    return {"do": "stall"}


def close() -> dict[str, Any]:
    """Return the fault that closes the connection instead of sending the message."""
    return {"do": "close", "code": 1011}


def replace(frame: str | Mapping[str, Any]) -> dict[str, Any]:
    """Return the fault that sends another frame instead: a text, or an object as JSON."""
    return {"do": "replace", "frame": frame if isinstance(frame, str) else json.dumps(frame)}


def insert(*messages: dict[str, Any]) -> dict[str, Any]:
    """Return the fault that first sends other messages.

    "$id" in them stands for the id of the call or channel.
    """
    return {"do": "insert", "messages": list(messages)}


def insert_packets(*packets: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fault that first sends other packets on the message's channel."""
    return insert(
        *({"type": "channelSend", "channelId": "$id", "message": packet} for packet in packets)
    )


def fail(error: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fault that ends the call or channel with this error instead of the message."""
    return {"do": "fail", "error": dict(error)}


class ScenarioServer:
    """A server for scenarios, which `scenario_server` starts."""

    def __init__(self, address: str) -> None:
        self.address = address

    @contextmanager
    def scenario(self, client: Any, rules: Sequence[Rule]) -> Iterator[None]:
        """Apply rules to the connections that a client opens inside the block.

        Every rule must have happened by the end of the block: a test proves nothing about a fault
        that did not happen.
        """
        if any(each["then"]["do"] in FORGING for each in rules):
            WATCH.forged = True
        identifier = client._auth_details["clientIdentifier"]
        self.request("POST", "/control/scenarios", clientIdentifier=identifier, rules=list(rules))
        path = _path_of(client)
        try:
            yield
        except BaseException:
            self.request("DELETE", path)
            raise
        pending = self.request("DELETE", path)["pending"]
        assert pending == [], "these faults did not happen"

    def has_happened(self, client: Any) -> bool:
        """Return whether all faults of a client's scenario have happened."""
        return not self.request("GET", _path_of(client))["pending"]

    def request(self, method: str, path: str, **body: object) -> Any:
        """Send a request to a control route and return the JSON of the answer."""
        connection = http.client.HTTPConnection(self.address, timeout=30)
        try:
            headers = {"Content-Type": "application/json"}
            connection.request(method, path, json.dumps(body) if body else None, headers)
            response = connection.getresponse()
            answer = json.loads(response.read())
        finally:
            connection.close()
        assert response.status == 200, answer
        return answer


def _path_of(client: Any) -> str:
    return f"/control/scenarios/{quote(client._auth_details['clientIdentifier'], safe='')}"


@contextmanager
def scenario_server(*arguments: str) -> Iterator[ScenarioServer]:
    """Run a server for scenarios with further options of `python -m model_fixtures serve`."""
    with EmbeddedServer(["--scenarios", *arguments]) as server:
        yield ScenarioServer(server.address)
