"""Registrations of plugins, and what happens to a plugin whose registration has ended."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator

import anyio
import pytest
from model_fixtures.server.background_tasks import BackgroundTasks
from model_fixtures.server.plugins import registered_plugins
from model_fixtures.server.plugins.registered_plugins import RegisteredPlugins
from model_fixtures.server.protocol.client_identities import (
    AuthenticationRefusedError,
    ClientIdentities,
)
from model_fixtures.server.protocol.errors import ServerError
from model_fixtures.server.protocol.payloads.plugins import Manifest

pytestmark = pytest.mark.anyio
MANIFEST = Manifest("plugin", "node", "me", "mine")


@pytest.fixture
def identities() -> ClientIdentities:
    """Return the identities of a server."""
    return ClientIdentities()


@pytest.fixture
async def plugins(identities: ClientIdentities) -> AsyncIterator[RegisteredPlugins]:
    """Provide the plugins of a server, which ends with the test."""
    with anyio.fail_after(30):
        async with BackgroundTasks() as tasks:
            yield RegisteredPlugins(identities, tasks)


@pytest.mark.difference("plugin-registration")
async def test_plugin_that_is_leaving(
    plugins: RegisteredPlugins, identities: ClientIdentities, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its connection stays open and is known, it gets no new one, and nobody finds the plugin.

    The server's end does not wait for it.
    """
    monkeypatch.setattr(registered_plugins, "LEAVING_SECONDS", math.inf)
    plugin = plugins.register(MANIFEST)
    client = identities.enter(plugin.client_identifier, plugin.passkey)
    closed: list[str] = []
    with client.closable(lambda: closed.append("connection")):
        plugins.remove(plugin)
        await anyio.wait_all_tasks_blocked()
    assert closed == []
    assert plugins.of_client(client) is plugin
    with pytest.raises(ServerError, match="Plugin not found: me/mine"):
        plugins.find("me/mine")
    with pytest.raises(AuthenticationRefusedError, match="No plugin is registered"):
        identities.enter(plugin.client_identifier, plugin.passkey)


@pytest.mark.difference("plugin-registration")
async def test_plugin_that_does_not_leave_is_cut_off(
    plugins: RegisteredPlugins, identities: ClientIdentities, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the time to leave, the plugin's connections are closed."""
    monkeypatch.setattr(registered_plugins, "LEAVING_SECONDS", 0)
    plugin = plugins.register(MANIFEST)
    client = identities.enter(plugin.client_identifier, plugin.passkey)
    closed = anyio.Event()
    with client.closable(closed.set):
        plugins.remove(plugin)
        await closed.wait()


async def test_plugin_that_has_left_is_forgotten(
    plugins: RegisteredPlugins, identities: ClientIdentities, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With its last connection the plugin is gone, and nothing waits for it any more."""
    monkeypatch.setattr(registered_plugins, "LEAVING_SECONDS", math.inf)
    plugin = plugins.register(MANIFEST)
    client = identities.enter(plugin.client_identifier, plugin.passkey)
    plugins.remove(plugin)
    await anyio.wait_all_tasks_blocked()
    identities.leave(client)
    await anyio.wait_all_tasks_blocked()
    with pytest.raises(ServerError, match="Only a plugin may do this"):
        plugins.of_client(client)


async def test_plugin_that_never_connected(
    plugins: RegisteredPlugins, identities: ClientIdentities
) -> None:
    """A registration may end before its plugin has connected, which is then refused."""
    plugin = plugins.register(MANIFEST)
    plugins.remove(plugin)
    with pytest.raises(AuthenticationRefusedError, match="No plugin is registered"):
        identities.enter(plugin.client_identifier, plugin.passkey)
