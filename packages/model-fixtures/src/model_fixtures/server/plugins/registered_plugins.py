"""The registered plugins of a server."""

from __future__ import annotations

import anyio

from model_fixtures.server.background_tasks import BackgroundTasks
from model_fixtures.server.protocol.client_identities import Client, ClientIdentities
from model_fixtures.server.protocol.errors import ServerError
from model_fixtures.server.protocol.payloads.plugins import Manifest

from .plugin import Plugin
from .prediction_process import PredictionProcesses

# One Ctrl-C in a terminal reaches the runner and its plugin. The plugin needs time to end by
# itself: one that is cut off meanwhile reports a failed connection.
LEAVING_SECONDS = 10.0


class RegisteredPlugins:
    """The registered plugins, by their identifier and by their client identity.

    Args:
        identities: those of the server, to which plugins add their own.
        tasks: run what waits for plugins that are leaving.
    """

    def __init__(self, identities: ClientIdentities, tasks: BackgroundTasks) -> None:
        self._identities = identities
        self._tasks = tasks
        self._plugins: dict[str, Plugin] = {}
        self._leaving: dict[str, Plugin] = {}
        self.processes = PredictionProcesses()

    def register(self, manifest: Manifest) -> Plugin:
        """Register a plugin, and give it an identity of its own; the newest of a name counts."""
        plugin = Plugin(manifest)
        self._identities.grant(plugin.client_identifier, plugin.passkey)
        self._plugins[plugin.client_identifier] = plugin
        return plugin

    def remove(self, plugin: Plugin) -> None:
        """End a registration: all work of the plugin fails, and it can open no connection.

        The connections that it has are closed only if it does not end by itself.
        """
        if self._plugins.pop(plugin.client_identifier, None) is None:
            return
        plugin.leave()
        client = self._identities.withdraw(plugin.client_identifier)
        if client is not None:
            self._leaving[plugin.client_identifier] = plugin
            self._tasks.group.start_soon(self._see_out, client)

    async def _see_out(self, client: Client) -> None:
        """Wait until a plugin is gone, and close its connections if that takes too long."""
        gone = anyio.Event()
        client.on_release(gone.set)
        with anyio.move_on_after(LEAVING_SECONDS):
            await gone.wait()
        client.close_all()
        del self._leaving[client.identifier]

    def of_client(self, client: Client) -> Plugin:
        """Return the plugin that a client is, also while it is leaving.

        Raises:
            ServerError: the client is no plugin.
        """
        plugin = self._plugins.get(client.identifier) or self._leaving.get(client.identifier)
        if plugin is None:
            raise ServerError(
                "Only a plugin may do this",
                suggestion="Connect with the credentials that registerDevelopmentPlugin gives",
            )
        return plugin

    def find(self, identifier: str) -> Plugin:
        """Return the plugin of an identifier `owner/name`.

        Raises:
            ServerError: none is registered under it.
        """
        for plugin in reversed(self._plugins.values()):
            if plugin.identifier == identifier:
                return plugin
        raise ServerError(f"Plugin not found: {identifier}")

    def all(self) -> list[Plugin]:
        """Return all plugins, oldest first."""
        return list(self._plugins.values())
