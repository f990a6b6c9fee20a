"""Log streams: the input and output of models, for all who listen."""

from __future__ import annotations

from typing import Any

import pytest
from model_fixtures.wire_client import Channel, connect

from .talking import limit, loaded, predict, text_of

pytestmark = pytest.mark.anyio


async def two(channel: Channel) -> list[dict[str, Any]]:
    """Return the next two log events."""
    return [await channel.__anext__() for _ in range(2)]


async def test_every_listener_hears_input_and_output(address: str) -> None:
    """A prediction's prompt and its text reach each listener, in this order."""
    async with (
        connect(address, "diagnostics") as first,
        connect(address, "diagnostics") as second,
        connect(address, "llm") as llm,
        loaded(llm) as identifier,
        first.channel("streamLogs") as one,
        second.channel("streamLogs") as other,
    ):
        for listening in (first, second):
            # The end of a later channel proves that the first one is open.
            async with listening.channel("streamLogs") as later:
                await later.send({"type": "stop"})
                assert [packet async for packet in later] == []
        packets = await predict(llm, "Say hi.", limit(3), identifier)
        heard = [await two(one), await two(other)]
    assert heard[0] == heard[1]
    given, said = (packet["log"] for packet in heard[0])
    assert given["data"]["type"] == "llm.prediction.input"
    assert given["data"]["modelIdentifier"] == identifier
    assert "Say hi." in given["data"]["input"]
    assert given["data"]["input"].endswith("<|im_start|>assistant\n")
    text = text_of(packets)
    assert said["data"]["type"] == "llm.prediction.output"
    assert said["data"]["output"] == text
    assert said["data"]["stats"]["predictedTokensCount"] == 3
    assert given["timestamp"] <= said["timestamp"]


async def test_stop_ends_the_stream(address: str) -> None:
    """`stop` closes the channel without an error."""
    async with (
        connect(address, "diagnostics") as diagnostics,
        diagnostics.channel("streamLogs") as channel,
    ):
        await channel.send({"type": "stop"})
        assert [packet async for packet in channel] == []
