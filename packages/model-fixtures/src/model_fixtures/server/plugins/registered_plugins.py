"""The registered plugins of a server."""

from __future__ import annotations

from model_fixtures.server.protocol.client_identities import Client, ClientIdentities
from model_fixtures.server.protocol.errors import ServerError
from model_fixtures.server.protocol.payloads.plugins import Manifest

from .plugin import Plugin
from .prediction_process import PredictionProcesses


class RegisteredPlugins:
    """The registered plugins, by their identifier and by their client identity."""

    def __init__(self, identities: ClientIdentities) -> None:
        self._identities = identities
        self._plugins: dict[str, Plugin] = {}
        self.processes = PredictionProcesses()

    def register(self, manifest: Manifest) -> Plugin:
        """Register a plugin, and give it an identity of its own; the newest of a name counts."""
        plugin = Plugin(manifest)
        self._identities.grant(plugin.client_identifier, plugin.passkey)
        self._plugins[plugin.client_identifier] = plugin
        return plugin

    def remove(self, plugin: Plugin) -> None:
        """End a registration: hooks fail, and the plugin's sockets are closed."""
        if self._plugins.pop(plugin.client_identifier, None) is None:
            return
        for hook in plugin.hooks.values():
            hook.close()
        self._identities.revoke(plugin.client_identifier)

    def of_client(self, client: Client) -> Plugin:
        """Return the plugin that a client is.

        Raises:
            ServerError: the client is no plugin.
        """
        plugin = self._plugins.get(client.identifier)
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
