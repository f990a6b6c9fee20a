"""A plugin that the tests themselves are, on the wire."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import NamedTuple

from model_fixtures.wire_client import Channel, Connection, Credentials, connect


class WirePlugin(NamedTuple):
    """A plugin: who has registered it and on which channel, its connection, its hook's channel."""

    owner: Connection
    registration: Channel
    own: Connection
    hook: Channel


@asynccontextmanager
async def plugin_with(
    address: str, endpoint: str, manifest: Mapping[str, str]
) -> AsyncIterator[WirePlugin]:
    """Provide a registered plugin with one hook, which `endpoint` sets."""
    async with (
        connect(address, "plugins") as owner,
        owner.channel("registerDevelopmentPlugin", {"manifest": manifest}) as registration,
    ):
        ready = await anext(registration)
        identity = Credentials(ready["clientIdentifier"], ready["clientPasskey"])
        async with connect(address, "plugins", identity) as own, own.channel(endpoint) as hook:
            await own.rpc("pluginInitCompleted")
            yield WirePlugin(owner, registration, own, hook)
