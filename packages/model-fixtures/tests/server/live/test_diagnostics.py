"""Log streams: the input and output of models, and what is logged, for all who listen."""

from __future__ import annotations

import os
import sys
from importlib.metadata import version
from typing import Any

import httpx
import pytest
from model_fixtures.hosts.embedded_server import EmbeddedServer
from model_fixtures.hosts.spawn_server import SERVER_TOKEN_VARIABLE
from model_fixtures.wire_client import Channel, Connection, connect
from model_fixtures.wire_client.credentials import Credentials

from .talking import limit, loaded, predict, text_of, workers_of

pytestmark = pytest.mark.anyio

TOKEN = "sk-lm-abcd1234:abcdefghij0123456789"


async def two(channel: Channel) -> list[dict[str, Any]]:
    """Return the next two log events about predictions."""
    found: list[dict[str, Any]] = []
    while len(found) < 2:
        packet = await channel.__anext__()
        if packet["log"]["data"]["type"].startswith("llm.prediction."):
            found.append(packet)
    return found


async def next_log(channel: Channel, kind: str, text: str) -> dict[str, Any]:
    """Return the data of the next event of a kind whose text contains another."""
    while True:
        data: dict[str, Any] = (await channel.__anext__())["log"]["data"]
        if data["type"] == kind and text in data.get("content", data.get("message", "")):
            return data


async def opened(diagnostics: Connection) -> None:
    """Wait until the channels that were opened before are open, which the end of another proves."""
    async with diagnostics.channel("streamLogs") as last:
        await last.send({"type": "stop"})
        async for _ in last:
            pass


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
            await opened(listening)
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
        await opened(diagnostics)
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


@pytest.mark.difference("old-log-readers")
async def test_what_an_old_client_hears(address: str) -> None:
    """The JavaScript SDK 1.5.0, which would warn of other kinds, gets the input of models only."""
    old = Credentials("abcDEF012+/abcDEF012+/ab", "passkey")
    async with (
        connect(address, "diagnostics", old) as diagnostics,
        connect(address, "llm") as llm,
        loaded(llm) as identifier,
        diagnostics.channel("streamLogs") as channel,
    ):
        await opened(diagnostics)
        await predict(llm, "Say hi.", limit(1), identifier)
        await predict(llm, "Say ho.", limit(1), identifier)
        heard = [(await channel.__anext__())["log"]["data"] for _ in range(2)]
    assert [data["type"] for data in heard] == ["llm.prediction.input"] * 2
    assert "Say ho." in heard[1]["input"]


async def test_stop_ends_the_stream(address: str) -> None:
    """`stop` closes the channel without an error."""
    async with (
        connect(address, "diagnostics") as diagnostics,
        diagnostics.channel("streamLogs") as channel,
    ):
        await channel.send({"type": "stop"})
        assert [packet async for packet in channel] == []


async def test_what_the_server_logs(address: str) -> None:
    """A record of the server's log has its text and its level; a plugin's error is one line."""
    async with (
        connect(address, "diagnostics") as diagnostics,
        connect(address, "system") as system,
        connect(address, "plugins") as plugins,
        diagnostics.channel("streamLogs") as channel,
    ):
        await opened(diagnostics)
        await system.rpc("notify", {"title": "the tea is ready"})
        told = await next_log(channel, "server.log", "tea")
        assert told == {
            "type": "server.log",
            "level": "info",
            "content": "notification: the tea is ready",
        }
        report = {
            "type": "networkUnavailable",
            "pluginRunId": "1",
            "serverUrl": "https://me:secret@example.com",
            "message": "no\nroute " + "x" * 100_000,
            "unavailableHost": "example.com",
        }
        assert await plugins.rpc("reportError", report) is None
        told = await next_log(channel, "server.log", "a plugin reports networkUnavailable: no r")
        assert told["level"] == "warn"
        assert "characters left out" in told["content"]
        assert len(told["content"]) < 1_200
        assert "secret" not in told["content"]


async def test_what_the_runtime_logs(address: str, server: EmbeddedServer) -> None:
    """A line of llama.cpp's log names the engine, the instance and the worker's process."""
    async with (
        connect(address, "diagnostics") as diagnostics,
        connect(address, "llm") as llm,
        loaded(llm) as identifier,
        diagnostics.channel("streamLogs") as channel,
    ):
        await opened(diagnostics)
        await predict(llm, "Say hi.", limit(1), identifier)
        told = await next_log(channel, "runtime.log", "processing task")
        workers = workers_of(server) if sys.platform == "linux" else {told["pid"]}
    assert told.pop("pid") in workers
    assert told.pop("message").startswith("slot ")
    assert told == {
        "type": "runtime.log",
        "level": "info",
        "engineName": "xllamacpp",
        "engineVersion": version("xllamacpp"),
        "engineType": "llama.cpp",
        "modelIdentifier": identifier,
    }


@pytest.mark.slow
async def test_no_secrets() -> None:
    """A stream shows neither the server's token nor anything of a worker's key."""
    environ = {**os.environ, SERVER_TOKEN_VARIABLE: TOKEN}
    credentials = Credentials.from_token(TOKEN)
    with EmbeddedServer(environ=environ) as server:
        async with (
            connect(server.address, "diagnostics", credentials) as diagnostics,
            connect(server.address, "llm", credentials) as llm,
            diagnostics.channel("streamLogs") as channel,
        ):
            await opened(diagnostics)
            seen: list[dict[str, Any]] = []
            async with loaded(llm) as identifier:
                await predict(llm, "Say hi.", limit(1), identifier)
                async for packet in channel:
                    seen.append(packet)
                    if packet["log"]["data"]["type"] == "llm.prediction.output":
                        break
    text = str(seen)
    assert "runtime.log" in text
    assert "loaded meta data" in text
    assert "api_key" not in text
    assert not any(part in text for part in TOKEN.removeprefix("sk-lm-").split(":"))
