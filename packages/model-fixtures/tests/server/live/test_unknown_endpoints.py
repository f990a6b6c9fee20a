"""Calls and channels that do not exist, or whose parameter is bad."""

from __future__ import annotations

from typing import Any

import pytest
from model_fixtures.hosts.embedded_server import EmbeddedServer

from .talking import answers

pytestmark = pytest.mark.anyio

UNKNOWN_CALL = {"type": "rpcCall", "endpoint": "fly", "callId": 1}
BAD_CALL = {"type": "rpcCall", "endpoint": "tokenize", "callId": 2, "parameter": {"specifier": 5}}
UNKNOWN_CHANNEL = {"type": "channelCreate", "endpoint": "fly", "channelId": 3}
BAD_CHANNEL = {"type": "channelCreate", "endpoint": "predict", "channelId": 4}
REFUSED: list[tuple[dict[str, Any], str, str]] = [
    (UNKNOWN_CALL, "rpcEndpointUnknown", "rpcError"),
    (BAD_CALL, "rpcParameterTypeError", "rpcError"),
    (UNKNOWN_CHANNEL, "channelEndpointUnknown", "channelError"),
    (BAD_CHANNEL, "channelCreationParameterTypeError", "channelError"),
]


async def test_warning_alone(address: str) -> None:
    """Each gets one warning and no answer, as in the app."""
    received = await answers(address, "llm", *(message for message, _, _ in REFUSED))
    assert [(each["type"], each["kind"]) for each in received] == [
        ("communicationWarning", kind) for _, kind, _ in REFUSED
    ]


async def test_error_on_request() -> None:
    """With --answer-unknown each gets the warning, and an error with the same text."""
    with EmbeddedServer(["--answer-unknown"]) as server:
        received = await answers(server.address, "llm", *(message for message, _, _ in REFUSED))
    for (message, kind, failure), warning, error in zip(
        REFUSED, received[::2], received[1::2], strict=True
    ):
        assert (warning["type"], warning["kind"]) == ("communicationWarning", kind)
        key = "callId" if failure == "rpcError" else "channelId"
        assert (error["type"], error[key]) == (failure, message[key])
        assert error["error"]["title"] == warning["warning"]
