"""Frames on the short way to a websocket."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, cast

import pytest
import uvicorn.server
from model_fixtures.server.transport.connection_deadlines import ConnectionConfig, HttpConnection
from model_fixtures.server.transport.frame_writer import EXTENSION, MOST_HELD, FrameWriter
from starlette.types import Receive, Scope, Send
from websockets.asyncio.client import connect
from websockets.protocol import State
from websockets.server import ServerProtocol

# On both sides of where the head of a frame gets longer, and of what is held back.
SIZES = [0, 1, 125, 126, 2**16 - 1, 2**16, 2, MOST_HELD + 1, 3]


class Websocket:
    """uvicorn's end of a websocket, as far as the writer uses it: also its loop and transport."""

    def __init__(self) -> None:
        self.loop = self.transport = self
        self.conn = ServerProtocol(state=State.OPEN)
        self.writable = asyncio.Event()
        self.writable.set()
        self.close_sent = False
        self.closing = False
        self.written: list[bytes] = []
        self.callbacks: list[Callable[[], None]] = []

    def call_soon(self, callback: Callable[[], None]) -> None:
        """Note what is to run at the end of the step."""
        self.callbacks.append(callback)

    def write(self, data: bytes) -> None:
        """Note what is sent."""
        self.written.append(data)

    def is_closing(self) -> bool:
        """Return whether nothing more can be sent."""
        return self.closing


@pytest.fixture
def websocket() -> Websocket:
    """Provide an open websocket."""
    return Websocket()


@pytest.fixture
def writer(websocket: Websocket) -> FrameWriter:
    """Provide its writer."""
    return FrameWriter(cast("Any", websocket))


def test_one_write_for_a_step(websocket: Websocket, writer: FrameWriter) -> None:
    """Frames of one step of the event loop leave together at its end, in order."""
    writer.write(b"one")
    writer.write(b"two")
    assert websocket.written == []
    (end_of_step,) = websocket.callbacks
    end_of_step()
    assert websocket.written == [b"\x81\x03one\x81\x03two"]
    writer.write(b"three")
    assert len(websocket.callbacks) == 2


def test_little_is_held_back(websocket: Websocket, writer: FrameWriter) -> None:
    """A step that writes much sends it at once, so that a client that does not read is noticed."""
    writer.write(b"x" * MOST_HELD)
    assert websocket.written == []
    writer.write(b"y")
    (data,) = websocket.written
    assert data.endswith(b"x\x81\x01y")
    websocket.callbacks[0]()
    assert len(websocket.written) == 1


def test_ready(websocket: Websocket, writer: FrameWriter) -> None:
    """The writer is ready only while the websocket is open and takes what is written."""
    seen = [writer.ready]
    websocket.writable.clear()
    seen.append(writer.ready)
    websocket.writable.set()
    for name in ("close_sent", "closing"):
        setattr(websocket, name, True)
        seen.append(writer.ready)
        setattr(websocket, name, False)
    seen.append(writer.ready)
    websocket.conn.send_close()
    seen.append(writer.ready)
    assert seen == [True, False, False, False, True, False]


def test_nothing_is_sent_after_the_end(websocket: Websocket, writer: FrameWriter) -> None:
    """What is held back when the connection ends is dropped."""
    writer.write(b"late")
    websocket.closing = True
    websocket.callbacks[0]()
    assert websocket.written == []


@pytest.mark.anyio
async def test_order_on_a_real_connection() -> None:
    """Frames of all sizes, a message through ASGI and the closing frame arrive in order."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        writer: FrameWriter = scope["extensions"][EXTENSION]
        for size in SIZES:
            while not writer.ready:
                await asyncio.sleep(0)
            writer.write(b"x" * size)
        await send({"type": "websocket.send", "text": "through ASGI"})
        writer.write(b"before the end")
        await send({"type": "websocket.close"})

    config = ConnectionConfig(
        app, request_seconds=10, ws_per_message_deflate=False, log_config=None, access_log=False
    )
    config.load()
    state = uvicorn.server.ServerState()
    listening = await asyncio.get_running_loop().create_server(
        lambda: HttpConnection(config, state, {}), "127.0.0.1", 0
    )
    async with listening:
        port = listening.sockets[0].getsockname()[1]
        async with connect(f"ws://127.0.0.1:{port}/", proxy=None, compression=None) as client:
            received = [message async for message in client]
    assert received == [*("x" * size for size in SIZES), "through ASGI", "before the end"]
