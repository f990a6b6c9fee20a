"""Where the frames are taken: websockets of httpx-ws, on a server of the websockets library."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import httpx
import pytest
from httpx_ws import AsyncWebSocketSession, WebSocketDisconnect, aconnect_ws
from model_fixtures.wire_log import WireLog, start_recording, stop_recording
from websockets.asyncio.server import ServerConnection, serve

AUTH = {"authVersion": 1, "clientIdentifier": "me", "clientPasskey": "open-sesame"}

pytestmark = pytest.mark.anyio


@pytest.fixture
def log() -> Iterator[WireLog]:
    """Provide a log that records."""
    recording = WireLog()
    assert start_recording(recording)
    yield recording
    stop_recording(recording)


@asynccontextmanager
async def echo(headers: dict[str, str] | None = None) -> AsyncIterator[AsyncWebSocketSession]:
    """Open a websocket to a server that echoes frames, and closes after the frame "close"."""

    async def answer(connection: ServerConnection) -> None:
        async for frame in connection:
            if frame == "close":
                await connection.close(4000, "as you wish")
            else:
                await connection.send(frame)

    async with (
        serve(answer, "127.0.0.1", 0) as server,
        httpx.AsyncClient(headers=headers, trust_env=False) as client,
    ):
        port = server.sockets[0].getsockname()[1]
        socket: AsyncWebSocketSession
        async with aconnect_ws(f"ws://127.0.0.1:{port}/llm", client) as socket:
            yield socket


async def test_headers_and_passkey(log: WireLog) -> None:
    """Of a handshake's headers the names are kept, and the passkey is masked at once."""
    async with echo({"X-API-Key": "sesame-opens", "Authorization": "Bearer abcdefgh"}) as socket:
        await socket.send_json(AUTH)
    opened, sent, closed = log.frames()
    assert opened.text == "x-api-key: *** authorization: ***"
    assert sent.message == {**AUTH, "clientPasskey": "***"}
    assert (closed.direction, closed.text) == ("closed", "by the client")
    assert {"open-sesame", "sesame-opens", "abcdefgh"} <= log.secrets()


async def test_end_by_the_host(log: WireLog) -> None:
    """Of a connection that the host closes, code and reason are kept, once."""
    async with echo() as socket:
        await socket.send_json(AUTH)
        await socket.receive_json()
        await socket.send_text("close")
        with pytest.raises(WebSocketDisconnect):
            await socket.receive_text()
    assert [frame.direction for frame in log.frames()] == [
        *("opened", "sent", "received", "sent", "closed"),
    ]
    assert log.frames()[-1].text == "by the host, code 4000: as you wish"


@pytest.mark.parametrize("first", ["hello", "[1]", json.dumps({"type": "subscribe", "key": "k"})])
async def test_foreign_websockets(log: WireLog, first: str) -> None:
    """A websocket that does not begin as one of LM Studio's protocol is not recorded."""
    async with echo() as socket:
        await socket.send_text(first)
        await socket.receive_text()
        await socket.send_json(AUTH)
    assert log.frames() == []


async def test_open_connections(log: WireLog) -> None:
    """A connection that is open when the recording begins is recorded from then on."""
    stop_recording(log)
    async with echo() as socket:
        await socket.send_json(AUTH)
        await socket.receive_json()
        assert start_recording(log)
        await socket.send_json({"type": "rpcCall", "endpoint": "version", "callId": 1})
    assert [frame.endpoint for frame in log.frames()] == ["version", ""]
