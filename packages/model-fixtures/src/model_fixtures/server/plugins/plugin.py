"""A registered plugin: its identity, its settings and its hooks."""

from __future__ import annotations

import secrets
from typing import Any, Literal

import anyio

from model_fixtures.server.protocol.errors import ServerError
from model_fixtures.server.protocol.payloads.plugins import Manifest, Schematics

from .hook_channel import HookChannel

Hook = Literal["promptPreprocessor", "predictionLoopHandler", "toolsProvider", "generator"]


class Plugin:
    """A plugin under development, whose hooks work while its registration is open."""

    def __init__(self, manifest: Manifest) -> None:
        self.identifier = f"{manifest.owner}/{manifest.name}"
        self.client_identifier = f"plugin:{self.identifier}:{secrets.token_hex(8)}"
        self.passkey = secrets.token_urlsafe(32)
        self.hooks: dict[Hook, HookChannel] = {}
        self.schematics: Schematics | None = None
        self.global_schematics: Schematics | None = None
        self.ready = anyio.Event()  # the plugin has said that its hooks are open
        self._left = False

    def __repr__(self) -> str:
        return f"Plugin({self.identifier!r}, hooks={sorted(self.hooks)})"

    def leave(self) -> None:
        """End all work of the plugin: its registration has ended."""
        self._left = True
        for channel in self.hooks.values():
            channel.close()

    def hook(self, name: Hook) -> HookChannel:
        """Return the open channel of a hook.

        Raises:
            ServerError: the plugin has none, or has left.
        """
        if self._left:
            raise ServerError(f"The plugin {self.identifier} has left")
        channel = self.hooks.get(name)
        if channel is None:
            raise ServerError(f"The plugin {self.identifier} has no {name}")
        return channel

    def info(self) -> dict[str, Any]:
        """Return the plugin's `remotePluginInfo`."""
        return {
            "identifier": self.identifier,
            "isDev": True,
            "isTrusted": True,
            "hasPromptPreprocessor": "promptPreprocessor" in self.hooks,
            "hasPredictionLoopHandler": "predictionLoopHandler" in self.hooks,
            "hasToolsProvider": "toolsProvider" in self.hooks,
            "hasGenerator": "generator" in self.hooks,
        }

    def declared(self, fields: dict[str, Any], *, everywhere: bool) -> dict[str, Any]:
        """Return a config of the declared keys only: an undeclared one would crash the plugin.

        Args:
            fields: values by key.
            everywhere: whether the global schematics count instead of the plugin's own.
        """
        schematics = self.global_schematics if everywhere else self.schematics
        keys = [] if schematics is None else [field.full_key for field in schematics.fields]
        return {"fields": [{"key": key, "value": fields[key]} for key in keys if key in fields]}
