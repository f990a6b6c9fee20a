"""Malformed packets of plugins: whoever waits, the plugin and the log get one clear error."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from model_fixtures.hosts.embedded_server import EmbeddedServer
from model_fixtures.wire_client import Channel, ChannelError

from .wire_plugin import plugin_with

pytestmark = pytest.mark.anyio
MANIFEST = {"type": "plugin", "runner": "node", "owner": "tester", "name": "odd"}
USE = {
    "pluginIdentifier": "tester/odd",
    "pluginConfigSpecifier": {"type": "direct", "config": {"fields": []}},
}
GENERATE = {**USE, "tools": [], "history": {"messages": []}}
SENT = "The plugin tester/odd has sent a malformed packet on"
DEEP = "[" * 3000 + "]" * 3000

PREPROCESSOR = [
    ({"type": "complete"}, "Object missing required field `processed`"),
    ({"type": "complete", "processed": "text"}, "Expected `object`, got `str` - at `$.processed`"),
    ({"type": "error", "error": "text"}, "Expected `object`, got `str` - at `$.error`"),
    ({"type": "fragmentGenerated"}, "Invalid value 'fragmentGenerated' - at `$.type`"),
]
GENERATOR = [
    ({"type": "fragmentGenerated", "opts": {}}, "Object missing required field `content`"),
    (
        {"type": "fragmentGenerated", "content": 5, "opts": {}},
        "Expected `str`, got `int` - at `$.content`",
    ),
    (
        {"type": "fragmentGenerated", "content": "a", "opts": {"tokenCount": "many"}},
        "Expected `int`, got `str` - at `$.opts.tokenCount`",
    ),
    (
        {"type": "fragmentGenerated", "content": "a", "opts": {"reasoningType": "deep"}},
        "Invalid enum value 'deep' - at `$.opts.reasoningType`",
    ),
    ({"type": "toolCallGenerationEnded"}, "Object missing required field `toolCallRequest`"),
    ({"type": "complete", "taskId": 5}, "Expected `str`, got `int` - at `$.taskId`"),
    (
        {"type": "x" * 100_000},
        f"Invalid value '{'x' * 85}... (99,830 characters left out) ...{'x' * 85}' - at `$.type`",
    ),
    ({}, "Object missing required field `type`"),
]
TOOLS_PROVIDER = [
    (
        {"type": "sessionInitialized", "toolDefinitions": [{"type": "function"}]},
        "Object missing required field `function` - at `$.toolDefinitions[0]`",
    ),
    ({"type": "sessionInitialized"}, "Object missing required field `toolDefinitions`"),
    ({"type": "toolCallComplete", "result": 1}, "Object missing required field `callId`"),
    (
        {"type": "toolCallStatus", "callId": "1", "statusText": None},
        "Expected `str`, got `null` - at `$.statusText`",
    ),
]


class Server:
    """A server with control routes, and its log."""

    def __init__(self, address: str, log: Path) -> None:
        self.address = address
        self._log = log

    def logged(self) -> list[str]:
        """Return the lines of the log, without the time."""
        return self._log.read_text(encoding="utf-8").splitlines()


@pytest.fixture(scope="module")
def talkative(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Provide a server of the file's own."""
    log = tmp_path_factory.mktemp("talkative") / "log"
    with EmbeddedServer(["--scenarios"], log=log) as running:
        yield Server(running.address, log)


async def error_of(channel: Channel) -> str:
    """Return the title of the error that ends a channel."""
    with pytest.raises(ChannelError) as caught:
        await anext(channel)
    return str(caught.value.error["title"])


async def drive(address: str, hook: Channel, packet: Any) -> dict[str, Any]:
    """Return the last event of a turn, in which the plugin answers its task with a packet."""
    turn = {"text": "Hi", "plugins": ["tester/odd"]}
    async with (
        httpx.AsyncClient(timeout=60) as http,
        http.stream("POST", f"http://{address}/control/turns", json=turn) as response,
    ):
        task = await anext(hook)
        if isinstance(packet, dict):
            packet = {"taskId": task["taskId"], **packet}
        await hook.send(packet)
        (event,) = [msgspec.json.decode(line) async for line in response.aiter_lines()]
    assert isinstance(event, dict)
    return event


@pytest.mark.difference("plugin-mistakes")
@pytest.mark.parametrize(("packet", "reason"), [*PREPROCESSOR, (5, "Expected `object`, got `int`")])
async def test_preprocessor(talkative: Server, packet: Any, reason: str) -> None:
    """The turn, the plugin's channel and the log say what is wrong with a preprocessor's packet."""
    before = len(talkative.logged())
    async with plugin_with(talkative.address, "setPromptPreprocessor", MANIFEST) as plugin:
        event = await drive(talkative.address, plugin.hook, packet)
        assert event["error"]["title"] == f"{SENT} setPromptPreprocessor: {reason}"
        assert await error_of(plugin.hook) == event["error"]["title"]
    (line,) = talkative.logged()[before:]
    assert line.endswith(event["error"]["title"])


@pytest.mark.difference("plugin-mistakes")
async def test_prediction_loop_handler(talkative: Server) -> None:
    """The turn and the plugin's channel say what is wrong with a loop handler's packet."""
    async with plugin_with(talkative.address, "setPredictionLoopHandler", MANIFEST) as plugin:
        event = await drive(talkative.address, plugin.hook, {"type": "done"})
        title = f"{SENT} setPredictionLoopHandler: Invalid value 'done' - at `$.type`"
        assert event["error"]["title"] == title
        assert await error_of(plugin.hook) == title


@pytest.mark.difference("plugin-mistakes")
@pytest.mark.parametrize(("packet", "reason"), GENERATOR)
async def test_generator(talkative: Server, packet: dict[str, Any], reason: str) -> None:
    """The client, the plugin's channel and the log say what is wrong with a generator's packet."""
    before = len(talkative.logged())
    async with (
        plugin_with(talkative.address, "setGenerator", MANIFEST) as (owner, _, _, hook),
        owner.channel("generateWithGenerator", GENERATE) as generation,
    ):
        task = await anext(hook)
        await hook.send({"taskId": task["taskId"], **packet})
        title = f"{SENT} setGenerator: {reason}"
        assert await error_of(generation) == title
        assert await error_of(hook) == title
    (line,) = talkative.logged()[before:]
    assert line.endswith(title)


@pytest.mark.difference("plugin-mistakes")
@pytest.mark.parametrize(("packet", "reason"), TOOLS_PROVIDER)
async def test_tools_provider(talkative: Server, packet: dict[str, Any], reason: str) -> None:
    """The client and the plugin's channel say what is wrong with a tools provider's packet."""
    async with (
        plugin_with(talkative.address, "setToolsProvider", MANIFEST) as (owner, _, _, hook),
        owner.channel("startToolUseSession", USE) as session,
    ):
        began = await anext(hook)
        await hook.send({"sessionId": began["sessionId"], **packet})
        title = f"{SENT} setToolsProvider: {reason}"
        assert await error_of(session) == title


@pytest.mark.difference("plugin-mistakes")
async def test_packet_that_is_not_decoded(talkative: Server) -> None:
    """A packet that the server refuses for its depth ends what waits for it as well."""
    before = len(talkative.logged())
    async with (
        plugin_with(talkative.address, "setGenerator", MANIFEST) as (owner, _, own, hook),
        owner.channel("generateWithGenerator", GENERATE) as generation,
    ):
        await anext(hook)
        await own.raw.send(
            f'{{"type":"channelSend","channelId":{hook.id},"message":{{"content":{DEEP}}}}}'
        )
        title = await error_of(generation)
        assert title.startswith(f"{SENT} setGenerator: the message has ")
    (line,) = talkative.logged()[before:]
    assert line.endswith(title)


async def test_huge_packet(talkative: Server) -> None:
    """A packet over 16 MiB ends the hook and what waits for it, not the client's connection."""
    before = len(talkative.logged())
    async with (
        plugin_with(talkative.address, "setGenerator", MANIFEST) as (owner, _, _, hook),
        owner.channel("generateWithGenerator", GENERATE) as generation,
    ):
        task = (await anext(hook))["taskId"]
        fragment = {"type": "fragmentGenerated", "taskId": task, "opts": {}}
        await hook.send({**fragment, "content": "x" * (16 * 2**20)})
        title = "The plugin tester/odd has sent over 16 MiB on setGenerator that nobody has read"
        assert await error_of(generation) == title
        assert await error_of(hook) == title
    (line,) = talkative.logged()[before:]
    assert line.endswith(title)


@pytest.mark.difference("plugin-mistakes")
async def test_packets_after_the_end(talkative: Server) -> None:
    """Packets about an ended or an unknown task are dropped, and the hook goes on."""
    fragment = {"type": "fragmentGenerated", "content": "a", "opts": {}}
    async with plugin_with(talkative.address, "setGenerator", MANIFEST) as (owner, _, _, hook):
        for _ in range(2):
            async with owner.channel("generateWithGenerator", GENERATE) as generation:
                task = {"taskId": (await anext(hook))["taskId"]}
                await hook.send({**fragment, "taskId": "unknown"})
                await hook.send({**fragment, **task})
                await hook.send({"type": "complete", **task})
                await hook.send({**fragment, **task})
                await hook.send({"type": "complete", **task})
                kinds = [packet["type"] async for packet in generation]
                assert kinds == ["fragment", "success"]


@pytest.mark.difference("plugin-mistakes")
async def test_plugin_that_disconnects_in_the_middle(talkative: Server) -> None:
    """A generation ends with an error when the plugin's connection drops."""
    async with (
        plugin_with(talkative.address, "setGenerator", MANIFEST) as (owner, _, own, hook),
        owner.channel("generateWithGenerator", GENERATE) as generation,
    ):
        task = (await anext(hook))["taskId"]
        fragment = {"type": "fragmentGenerated", "taskId": task, "content": "a", "opts": {}}
        await hook.send(fragment)
        assert (await anext(generation))["type"] == "fragment"
        own.raw.drop()
        assert await error_of(generation) == "The plugin tester/odd has left"
