"""Log streams: the input and output of models, for all who listen."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from model_fixtures.wire_client import Channel, RpcError, connect

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
            # The answer to a later message proves that the channel is open.
            with pytest.raises(RpcError):
                await listening.rpc("noSuchCall")
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


@pytest.mark.parametrize("route", ["chat/completions", "completions"])
@pytest.mark.parametrize("stream", [False, True])
async def test_predictions_over_rest_are_heard(address: str, route: str, stream: bool) -> None:
    """What a prediction over REST reads and writes is in the log stream as over a websocket."""
    async with (
        connect(address, "diagnostics") as diagnostics,
        connect(address, "llm") as llm,
        httpx.AsyncClient(base_url=f"http://{address}/v1/", trust_env=False, timeout=60) as rest,
        loaded(llm) as identifier,
        diagnostics.channel("streamLogs") as logs,
    ):
        with pytest.raises(RpcError):  # its answer proves that the channel is open
            await diagnostics.rpc("noSuchCall")
        said = [{"role": "user", "content": "Say hi."}]
        given = {"messages": said} if route == "chat/completions" else {"prompt": "Say hi."}
        body = {"model": identifier, "max_tokens": 3, "stream": stream, **given}
        answer = await rest.post(route, json=body)
        assert answer.status_code == httpx.codes.OK
        read, written = [packet["log"]["data"] for packet in await two(logs)]
    assert (read["type"], written["type"]) == ("llm.prediction.input", "llm.prediction.output")
    assert "Say hi." in read["input"]
    assert read["modelIdentifier"] == written["modelIdentifier"] == identifier
    assert written["stats"]["predictedTokensCount"] == 3
    if not stream:
        choice = answer.json()["choices"][0]
        assert written["output"] in {choice.get("text"), choice.get("message", {}).get("content")}


async def test_stop_ends_the_stream(address: str) -> None:
    """`stop` closes the channel without an error."""
    async with (
        connect(address, "diagnostics") as diagnostics,
        diagnostics.channel("streamLogs") as channel,
    ):
        await channel.send({"type": "stop"})
        assert [packet async for packet in channel] == []
