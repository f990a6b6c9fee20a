"""What every handler is given."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

import anyio
from msgspec import Struct

from model_fixtures.server.models.models_of_server import ModelsOfServer
from model_fixtures.server.protocol.client_identities import Client
from model_fixtures.server.protocol.errors import ServerError
from model_fixtures.server.protocol.payloads.files import Stop
from model_fixtures.server.protocol.payloads.models import Cancel
from model_fixtures.server.server_state import ServerState

Packet = dict[str, Any]


class Context(Struct, frozen=True):
    """The client that asks, and the state of the server.

    Args:
        client: the identity of the client.
        state: the server's.
        url: `ws://host:port` of this server, where the client or a proxy before it has connected.
    """

    client: Client
    state: ServerState
    url: str

    @property
    def models(self) -> ModelsOfServer:
        """The server's models."""
        return self.state.models


class Outlet(Protocol):
    """Where a channel's packets go."""

    def put(self, packet: Packet) -> None:
        """Queue a packet for the client."""

    async def room(self) -> None:
        """Wait while the client is slow to read."""


class ChannelPort:
    """The server's end of an open channel."""

    def __init__(self, outlet: Outlet) -> None:
        self._outlet = outlet
        self._sender, self.packets = anyio.create_memory_object_stream[Any](math.inf)
        self._cancelled = False
        self._scope: anyio.CancelScope | None = None
        self._progress: Packet | None = None
        self._quiet = False
        self._ended = False
        self.failure: ServerError | None = None  # why the handler is ended from outside
        self._whole = anyio.CancelScope()

    async def send(self, packet: Packet) -> None:
        """Send a packet; waits while the client is slow to read."""
        self._progress = None
        self.put(packet)
        await self._outlet.room()

    def put(self, packet: Packet) -> None:
        """Send a packet at once, whether or not the client reads; after the end, nothing."""
        if not self._ended:
            self._outlet.put(packet)

    def progress(self, packet: Packet) -> None:
        """Send a progress packet at once; it is repeated while nothing else is sent.

        SDKs give up after 60 s of silence, and ignore repeated values.
        """
        self._progress = packet
        self._quiet = False
        self.put(packet)

    def repeat(self) -> None:
        """Send the last progress packet again if nothing was sent since the last call."""
        if self._progress is not None and self._quiet:
            self.put(self._progress)
        self._quiet = True

    def end(self) -> None:
        """Send nothing more: the channel's handler has ended."""
        self._ended = True
        self._sender.close()
        self.packets.close()

    def fail(self, error: ServerError) -> None:
        """End the channel's handler with an error."""
        self.failure = error
        self._whole.cancel()

    @contextmanager
    def failable(self) -> Iterator[None]:
        """Provide a block for the channel's handler, which `fail` ends.

        Raises:
            ServerError: that of `fail`, if it was called.
        """
        with self._whole:
            yield
        if self.failure is not None:
            raise self.failure

    def deliver(self, packet: Struct) -> None:
        """Take a packet from the client."""
        if isinstance(packet, (Cancel, Stop)):
            self._cancelled = True
            if self._scope is not None:
                self._scope.cancel()
        else:
            self._sender.send_nowait(packet)

    @contextmanager
    def cancellable(self) -> Iterator[anyio.CancelScope]:
        """Provide a block that ends when the client cancels or stops, or has done so before."""
        with anyio.CancelScope() as scope:
            self._scope = scope
            if self._cancelled:
                scope.cancel()
            try:
                yield scope
            finally:
                self._scope = None
