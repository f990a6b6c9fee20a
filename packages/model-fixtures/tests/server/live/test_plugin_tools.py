"""A tools provider that sends odd packets, as a client sees it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from model_fixtures.hosts.embedded_server import EmbeddedServer
from model_fixtures.wire_client import (
    AuthenticationError,
    Channel,
    ChannelError,
    Credentials,
    connect,
)

from .wire_plugin import plugin_with

pytestmark = pytest.mark.anyio
MANIFEST = {"type": "plugin", "runner": "node", "owner": "tester", "name": "odd-tools"}
USE = {
    "pluginIdentifier": "tester/odd-tools",
    "pluginConfigSpecifier": {"type": "direct", "config": {"fields": []}},
}


@asynccontextmanager
async def session_with_provider(address: str) -> AsyncIterator[tuple[Channel, Channel, Channel]]:
    """Provide a plugin's registration, its tools provider's channel, and a client's session."""
    async with (
        plugin_with(address, "setToolsProvider", MANIFEST) as plugin,
        plugin.owner.channel("startToolUseSession", USE) as session,
    ):
        yield plugin.registration, plugin.hook, session


async def test_odd_packets_of_a_tools_provider(address: str) -> None:
    """Packets about unknown calls are dropped, a result may be missing; the session continues."""
    async with session_with_provider(address) as (_, hook, session):
        began = await anext(hook)
        about = {"sessionId": began["sessionId"]}
        opened = {"type": "sessionInitialized", "toolDefinitions": [], **about}
        await hook.send(opened)
        assert await anext(session) == {"type": "sessionReady", "toolDefinitions": []}
        await session.send({"type": "callTool", "callId": 7, "name": "t", "arguments": {}})
        called = await anext(hook)
        await hook.send(opened)
        await hook.send({"type": "toolCallStatus", "callId": "x", "statusText": "", **about})
        await hook.send({"type": "toolCallComplete", "callId": called["callId"], **about})
        assert await anext(session) == {"type": "toolCallComplete", "callId": 7}
        await session.send({"type": "discardSession"})
        assert [packet async for packet in session] == []


async def test_tools_provider_that_leaves(address: str) -> None:
    """A session ends with an error when the registration of its plugin ends."""
    async with session_with_provider(address) as (registration, hook, session):
        assert (await anext(hook))["type"] == "initSession"
        await registration.send({"type": "end"})
        with pytest.raises(ChannelError, match="has left"):
            await anext(session)


@pytest.mark.difference("plugin-base-url")
async def test_plugin_whose_registration_ends(address: str) -> None:
    """It keeps its connection, so that it can end in its own way, and can open no other."""
    async with (
        connect(address, "plugins") as owner,
        owner.channel("registerDevelopmentPlugin", {"manifest": MANIFEST}) as registration,
    ):
        ready = await anext(registration)
        identity = Credentials(ready["clientIdentifier"], ready["clientPasskey"])
        async with connect(address, "plugins", identity) as plugin:
            await registration.send({"type": "end"})
            assert [packet async for packet in registration] == []
            with pytest.raises(AuthenticationError, match="No plugin is registered"):
                async with connect(address, "plugins", identity):
                    pass
            assert await plugin.rpc("pluginInitCompleted") is None


async def test_address_for_the_plugin() -> None:
    """A plugin is told the server's own address at which its registration has come in."""
    with EmbeddedServer(["--port", "0"]) as server:
        for address in server.wait_ready():
            name = f"localhost:{address.rpartition(':')[2]}"
            async with (
                connect(name, "plugins") as owner,
                owner.channel("registerDevelopmentPlugin", {"manifest": MANIFEST}) as registration,
            ):
                ready = await anext(registration)
                assert ready["baseUrl"] == f"ws://{address}"
