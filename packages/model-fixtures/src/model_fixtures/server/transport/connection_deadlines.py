"""uvicorn's connections, closed when their client holds them up or its machine has gone.

No pings are sent, as by the app: a client that computes, or stands in a debugger, answers none.
"""

from __future__ import annotations

import asyncio
import socket
import struct
import sys
from typing import Any, cast

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.http11 import Request

from .frame_writer import EXTENSION, FrameWriter
from .keep_alive import keep_alive

STALL_SECONDS = 20.0  # in which a client must take something of what waits for it
CLOSE_SECONDS = 1.0  # the same once nothing more will come
LEAST_RATE = 64 * 1024  # bytes a second of a request that may take longer than its time
MAX_UNSENT_BYTES = 64 * 2**20  # of one connection
SMALL_MESSAGE = 64 * 1024  # bytes of a message, after which more may be read before it is handled

_RESET = struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)


class ConnectionConfig(uvicorn.Config):
    """uvicorn's settings, and how patient connections are.

    Args:
        app: the ASGI application.
        request_seconds: how long a client may take for a request.
        stall_seconds: how long it may take nothing of an answer.
        more: as for uvicorn.
    """

    def __init__(
        self,
        app: Any,
        *,
        request_seconds: float,
        stall_seconds: float = STALL_SECONDS,
        **more: Any,
    ) -> None:
        super().__init__(
            app, http=HttpConnection, ws=WebSocketConnection, ws_ping_interval=None, **more
        )
        self.request_seconds = request_seconds
        self.stall_seconds = stall_seconds


class HttpConnection(H11Protocol):
    """An HTTP connection, closed if a request isn't complete in time or its answer isn't read."""

    _deadline = 0.0  # for the request that has begun
    _timer: asyncio.TimerHandle | None = None
    _unsent: _Unsent

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for the first request."""
        super().connection_made(transport)
        keep_alive(transport.get_extra_info("socket"))
        self._unsent = _Unsent(transport, self.loop, _config(self.config).stall_seconds)
        self._begin()

    def connection_lost(self, exc: Exception | None) -> None:
        """End all waiting."""
        self._unsent.end()
        self._end()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take bytes; a request that keeps coming at a fair rate may take its time."""
        self._deadline += len(data) / LEAST_RATE
        super().data_received(data)

    def handle_events(self) -> None:
        """Handle what has arrived, and wait for the rest of an incomplete request."""
        super().handle_events()
        their_state = self.conn.their_state
        if self.transport.get_protocol() is not self:
            self._unsent.end()  # a websocket now
            self._end()
        elif their_state not in (h11.IDLE, h11.SEND_BODY):
            self._end()
        elif self._timer is None and (their_state is h11.SEND_BODY or self.conn.trailing_data[0]):
            # While nothing of the next request is there, uvicorn keeps the time itself.
            self._begin()

    def pause_writing(self) -> None:
        """Have the answer wait: something could not be sent."""
        super().pause_writing()
        self._unsent.begin()

    def resume_writing(self) -> None:
        """Go on: all has been sent."""
        self._unsent.end()
        super().resume_writing()

    def _begin(self) -> None:
        seconds = _config(self.config).request_seconds
        self._deadline = self.loop.time() + seconds
        self._timer = self.loop.call_later(seconds, self._look)

    def _end(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        left = self._deadline - self.loop.time()
        if left > 0:
            self._timer = self.loop.call_later(left, self._look)
        else:
            self.transport.close()


class WebSocketConnection(WebSocketsSansIOProtocol):
    """A websocket, cut off if the client doesn't read."""

    _unsent: _Unsent
    _frames: FrameWriter

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take over the connection from HTTP."""
        super().connection_made(transport)
        self._frames = FrameWriter(self)
        self._unsent = _Unsent(self.transport, self.loop, _config(self.config).stall_seconds)

    def connection_lost(self, exc: Exception | None) -> None:
        """End all waiting."""
        self._unsent.end()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take bytes; whoever sends pings without reading the answers is cut off."""
        super().data_received(data)
        if self.transport.get_write_buffer_size() > MAX_UNSENT_BYTES:
            _cut_off(self.transport)

    def handle_connect(self, event: Request) -> None:
        """Start the session; it may write frames on the short way."""
        super().handle_connect(event)
        if not self.close_sent:
            self.scope["extensions"] = {**(self.scope["extensions"] or {}), EXTENSION: self._frames}  # type: ignore[dict-item]

    def send_receive_event_to_app(self) -> None:
        """Hand a message to the session, and read on while the session keeps up."""
        if self.read_paused or not self.queue.empty() or len(self.frames[-1]) > SMALL_MESSAGE:
            super().send_receive_event_to_app()
            return
        self.read_paused = True  # otherwise uvicorn stops and starts reading for every message
        super().send_receive_event_to_app()
        self.read_paused = False

    def pause_writing(self) -> None:
        """Have the session wait: something could not be sent."""
        super().pause_writing()
        self._unsent.begin()

    def resume_writing(self) -> None:
        """Go on: all has been sent."""
        self._unsent.end()
        super().resume_writing()

    async def send(self, message: Any) -> None:
        """Send a message of the session's."""
        await super().send(message)
        if self.initial_response is not None and self.close_sent:
            # Refused with an answer of the session's own. uvicorn would log that none was given.
            self.handshake_complete = True

    async def run_asgi(self) -> None:
        """Run the session; the client must read the rest soon after its end."""
        await super().run_asgi()
        self._unsent.hurry()


class _Unsent:
    """What a client has yet to take; a client that takes nothing is cut off."""

    def __init__(
        self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop, seconds: float
    ) -> None:
        self._transport = transport
        self._loop = loop
        self._seconds = seconds
        self._size = 0
        self._timer: asyncio.TimerHandle | None = None
        # Whatever can't be sent at once counts, however little it is.
        transport.set_write_buffer_limits(high=0)

    def begin(self) -> None:
        """Start watching."""
        self.end()
        self._size = self._transport.get_write_buffer_size()
        self._timer = self._loop.call_later(self._seconds, self._look)

    def hurry(self) -> None:
        """Wait less long than before: nothing more will come."""
        self._seconds = min(self._seconds, CLOSE_SECONDS)
        if self._transport.get_write_buffer_size():
            self.begin()

    def end(self) -> None:
        """Stop watching."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        if self._transport.get_write_buffer_size() < self._size:
            self.begin()
        else:
            _cut_off(self._transport)


def _cut_off(transport: asyncio.Transport) -> None:
    """Reset a connection: neither this process nor the system keeps anything for the client."""
    connection = cast("socket.socket | None", transport.get_extra_info("socket"))
    if connection is not None and connection.fileno() != -1:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    transport.abort()


def _config(config: uvicorn.Config) -> ConnectionConfig:
    assert isinstance(config, ConnectionConfig)
    return config
