"""A registered plugin and the channels on which it offers its hooks."""

from __future__ import annotations

import math
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal, Protocol

import anyio
from anyio.abc import ObjectReceiveStream
from anyio.streams.memory import MemoryObjectSendStream

from model_fixtures.server.protocol.errors import ServerError
from model_fixtures.server.protocol.payloads.hook_packets import HookPacket, OfTask
from model_fixtures.server.protocol.payloads.plugins import Manifest, Schematics

Hook = Literal["promptPreprocessor", "predictionLoopHandler", "toolsProvider", "generator"]


class Outlet(Protocol):
    """Where packets for the plugin go."""

    def put(self, packet: dict[str, Any]) -> None:
        """Send a packet."""


class HookChannel:
    """The open channel of a hook: tasks go out, and the plugin's packets about them come back."""

    def __init__(self, outlet: Outlet) -> None:
        self._outlet = outlet
        self._waiting: dict[str, MemoryObjectSendStream[HookPacket]] = {}
        self._closed = False
        self.end = "has left"

    def send(self, packet: dict[str, Any]) -> None:
        """Send a packet to the plugin."""
        self._outlet.put(packet)

    @contextmanager
    def replies(self, number: str) -> Iterator[ObjectReceiveStream[HookPacket]]:
        """Provide what the plugin says about a task or a session, while the block lasts."""
        sender, receiver = anyio.create_memory_object_stream[HookPacket](math.inf)
        if self._closed:
            sender.close()
        else:
            self._waiting[number] = sender
        try:
            with receiver:
                yield receiver
        finally:
            self._waiting.pop(number, None)
            sender.close()

    def deliver(self, packet: HookPacket) -> None:
        """Hand a packet to whoever waits for it; one for an ended task is dropped."""
        number = packet.task_id if isinstance(packet, OfTask) else packet.session_id
        if number in self._waiting:
            self._waiting[number].send_nowait(packet)

    def close(self, end: str | None = None) -> None:
        """End all waiting, now and later.

        Args:
            end: what the plugin has done, if it is neither gone nor leaving; the first one counts.
        """
        if not self._closed and end is not None:
            self.end = end
        self._closed = True
        for sender in self._waiting.values():
            sender.close()
        self._waiting.clear()


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
