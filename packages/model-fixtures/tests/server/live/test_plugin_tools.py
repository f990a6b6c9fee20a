"""A tools provider that sends odd packets, and a client that uses it."""

from __future__ import annotations

import pytest
from model_fixtures.wire_client import ChannelError, Credentials, connect

pytestmark = pytest.mark.anyio
MANIFEST = {"type": "plugin", "runner": "node", "owner": "tester", "name": "odd-tools"}
USE = {
    "pluginIdentifier": "tester/odd-tools",
    "pluginConfigSpecifier": {"type": "direct", "config": {"fields": []}},
}


async def test_odd_packets_of_a_tools_provider(address: str) -> None:
    """Packets about no call are dropped, a result may be missing, and the session goes on."""
    async with (
        connect(address, "plugins") as owner,
        owner.channel("registerDevelopmentPlugin", {"manifest": MANIFEST}) as registration,
    ):
        ready = await anext(registration)
        identity = Credentials(ready["clientIdentifier"], ready["clientPasskey"])
        async with (
            connect(address, "plugins", identity) as plugin,
            plugin.channel("setToolsProvider") as hook,
        ):
            await plugin.rpc("pluginInitCompleted")
            async with owner.channel("startToolUseSession", USE) as session:
                began = await anext(hook)
                about = {"sessionId": began["sessionId"]}
                opened = {"type": "sessionInitialized", "toolDefinitions": [], **about}
                await hook.send(opened)
                assert await anext(session) == {"type": "sessionReady", "toolDefinitions": []}
                await session.send({"type": "callTool", "callId": 7, "name": "t", "arguments": {}})
                called = await anext(hook)
                await hook.send(opened)
                await hook.send({"type": "toolCallStatus", "callId": "x", **about})
                await hook.send({"type": "toolCallComplete", **about})
                await hook.send({"type": "toolCallComplete", "callId": called["callId"], **about})
                assert await anext(session) == {"type": "toolCallComplete", "callId": 7}
                await session.send({"type": "discardSession"})
                assert [packet async for packet in session] == []


async def test_tools_provider_that_leaves(address: str) -> None:
    """A session ends with an error when its plugin's registration does."""
    async with (
        connect(address, "plugins") as owner,
        owner.channel("registerDevelopmentPlugin", {"manifest": MANIFEST}) as registration,
    ):
        ready = await anext(registration)
        identity = Credentials(ready["clientIdentifier"], ready["clientPasskey"])
        async with (
            connect(address, "plugins", identity) as plugin,
            plugin.channel("setToolsProvider") as hook,
        ):
            await plugin.rpc("pluginInitCompleted")
            async with owner.channel("startToolUseSession", USE) as session:
                assert (await anext(hook))["type"] == "initSession"
                await registration.send({"type": "end"})
                with pytest.raises(ChannelError, match="has left"):
                    await anext(session)
