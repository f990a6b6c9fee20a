"""The channel on which a plugin offers a hook."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

import anyio
import msgspec

from model_fixtures.server.protocol.errors import ServerError
from model_fixtures.server.protocol.payloads.hook_packets import HookPacket, OfTask

MOST_WAITING = 16  # MiB of packets about one task or session that nobody has taken yet


class Outlet(Protocol):
    """Where packets for the plugin go."""

    def put(self, packet: dict[str, Any]) -> None:
        """Send a packet."""


class Replies:
    """What the plugin says about one task or session."""

    def __init__(self, channel: HookChannel) -> None:
        self._channel = channel
        self._sender, self._receiver = anyio.create_memory_object_stream[HookPacket](math.inf)
        self._waiting = 0  # bytes

    def put(self, packet: HookPacket) -> None:
        """Keep a packet until it is taken.

        Raises:
            OverflowError: too much is kept already, or the packet is too large.
        """
        self._waiting += _size(packet)
        if self._waiting > MOST_WAITING * 2**20:
            raise OverflowError
        self._sender.send_nowait(packet)

    async def take(self) -> HookPacket:
        """Return the next packet.

        Raises:
            ServerError: none comes any more; it says what the plugin has done.
        """
        try:
            packet = await self._receiver.receive()
        except anyio.EndOfStream:
            raise self._channel.error() from None
        self._waiting -= _size(packet)
        return packet

    def end(self) -> None:
        """Let no packet come any more."""
        self._sender.close()

    def close(self) -> None:
        """Drop the packets that nobody has taken."""
        self._sender.close()
        self._receiver.close()


class HookChannel:
    """The open channel of a hook: tasks go out, and the plugin's packets about them come back.

    Args:
        identifier: the plugin's.
        outlet: takes what the plugin is sent.
    """

    def __init__(self, identifier: str, outlet: Outlet) -> None:
        self._identifier = identifier
        self._outlet = outlet
        self._waiting: dict[str, Replies] = {}
        self._closed = False
        self._end = "has left"

    def send(self, packet: dict[str, Any]) -> None:
        """Send a packet to the plugin."""
        self._outlet.put(packet)

    @contextmanager
    def replies(self, number: str) -> Iterator[Replies]:
        """Provide what the plugin says about a task or a session, while the block lasts."""
        replies = Replies(self)
        if self._closed:
            replies.end()
        else:
            self._waiting[number] = replies
        try:
            yield replies
        finally:
            self._waiting.pop(number, None)
            replies.close()

    def deliver(self, packet: HookPacket) -> None:
        """Hand a packet to whoever waits for it; one for an ended task is dropped.

        Raises:
            OverflowError: too much waits there already, or the packet is too large.
        """
        number = packet.task_id if isinstance(packet, OfTask) else packet.session_id
        if number in self._waiting:
            self._waiting[number].put(packet)

    def close(self, end: str | None = None) -> None:
        """End all waiting, now and later.

        Args:
            end: what the plugin has done, if it is neither gone nor leaving; the first one counts.
        """
        if not self._closed and end is not None:
            self._end = end
        self._closed = True
        for replies in self._waiting.values():
            replies.end()
        self._waiting.clear()

    def error(self) -> ServerError:
        """Return the error of all who wait after the end."""
        return ServerError(f"The plugin {self._identifier} {self._end}")


def _size(packet: HookPacket) -> int:
    return len(msgspec.json.encode(packet))
