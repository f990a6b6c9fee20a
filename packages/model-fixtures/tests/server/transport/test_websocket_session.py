"""Frames on their way to a client that reads slowly, or not at all."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, ClassVar, cast

import anyio
import pytest
from model_fixtures.catalog import read_catalog
from model_fixtures.server.handlers.handler_context import ChannelPort, Context
from model_fixtures.server.namespaces import NAMESPACES
from model_fixtures.server.protocol.namespace import Namespace
from model_fixtures.server.scenarios.faulty_connection import ActiveRules, FaultyConnection
from model_fixtures.server.serve_options import ServeOptions
from model_fixtures.server.server_state import ServerState
from model_fixtures.server.transport import websocket_session as module
from model_fixtures.server.transport.websocket_session import (
    MAX_QUEUED_FRAMES,
    Outbox,
    WebsocketSession,
)
from model_fixtures.wire_client import Credentials
from starlette.websockets import WebSocketState

pytestmark = pytest.mark.anyio


class Reader:
    """A client that takes every frame."""

    def __init__(self) -> None:
        self.frames: list[str] = []

    async def send_text(self, frame: str) -> None:
        """Take a frame."""
        self.frames.append(frame)


async def test_all_who_wait_for_room_go_on() -> None:
    """Several channels of a slow client wait for room at once, and each goes on when there is."""
    outbox, reader = Outbox(), Reader()
    for number in range(MAX_QUEUED_FRAMES + 1):
        outbox.put(str(number).encode())
    with anyio.fail_after(5):
        async with anyio.create_task_group() as writing:
            async with anyio.create_task_group() as waiting:
                for _ in range(3):
                    waiting.start_soon(outbox.room)
                await anyio.wait_all_tasks_blocked()
                writing.start_soon(outbox.run, cast("Any", reader))
            writing.cancel_scope.cancel()
    assert reader.frames == [str(number) for number in range(MAX_QUEUED_FRAMES + 1)]


async def test_client_that_never_reads_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is queued for a client has a limit in bytes; beyond it the connection is given up."""
    monkeypatch.setattr(module, "MAX_QUEUED_BYTES", 1000)
    overruns: list[bool] = []
    outbox = Outbox(lambda: overruns.append(True))
    outbox.put(b"x" * 800)
    assert overruns == []
    outbox.put(b"x" * 800)
    assert overruns == [True]


async def test_frames_that_were_sent_count_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that reads gets any number of bytes."""
    monkeypatch.setattr(module, "MAX_QUEUED_BYTES", 1000)
    overruns: list[bool] = []
    outbox, reader = Outbox(lambda: overruns.append(True)), Reader()
    async with anyio.create_task_group() as writing:
        writing.start_soon(outbox.run, cast("Any", reader))
        for _ in range(3):
            outbox.put(b"x" * 800)
            await anyio.wait_all_tasks_blocked()
        writing.cancel_scope.cancel()
    assert overruns == []
    assert len(reader.frames) == 3


async def test_nothing_is_kept_for_a_client_that_has_gone() -> None:
    """When the session ends, queued frames are dropped, and no more are queued."""
    outbox, reader = Outbox(), Reader()
    outbox.put(b"early")
    assert outbox.queued > 0
    outbox.close()
    outbox.put(b"late")
    assert outbox.queued == 0
    async with anyio.create_task_group() as writing:
        writing.start_soon(outbox.run, cast("Any", reader))
        await anyio.wait_all_tasks_blocked()
        writing.cancel_scope.cancel()
    assert reader.frames == []


class ShortWay:
    """The writer of a connection."""

    def __init__(self) -> None:
        self.ready = True
        self.frames: list[bytes] = []

    def write(self, frame: bytes) -> None:
        """Take a frame."""
        assert self.ready
        self.frames.append(frame)


async def test_frames_that_need_not_wait() -> None:
    """Frames take the short way while the client takes them, and are not queued."""
    way = ShortWay()
    outbox = Outbox(writer=cast("Any", way))
    outbox.put(b"one")
    outbox.put(b"two")
    assert way.frames == [b"one", b"two"]
    assert outbox.queued == 0


async def test_no_frame_overtakes() -> None:
    """While an earlier frame waits, or is being sent, a later one waits behind it."""
    way, reader, reads = ShortWay(), Reader(), anyio.Event()
    outbox = Outbox(writer=cast("Any", way))
    take = reader.send_text

    async def send_text(frame: str) -> None:
        await reads.wait()
        await take(frame)

    reader.send_text = send_text  # type: ignore[method-assign]
    way.ready = False
    outbox.put(b"one")
    async with anyio.create_task_group() as writing:
        writing.start_soon(outbox.run, cast("Any", reader))
        await anyio.wait_all_tasks_blocked()
        way.ready = True
        outbox.put(b"two")
        assert way.frames == []
        reads.set()
        await anyio.wait_all_tasks_blocked()
        outbox.put(b"three")
        writing.cancel_scope.cancel()
    assert reader.frames == ["one", "two"]
    assert way.frames == [b"three"]


async def test_scenarios_see_every_frame() -> None:
    """A client with a scenario gets no frame on the short way."""
    way = ShortWay()
    outbox = Outbox(writer=cast("Any", way))
    outbox.faults = FaultyConnection("llm", ActiveRules([]))
    outbox.put(b'{"type": "rpcResult", "callId": 1}')
    assert way.frames == []
    assert outbox.queued > 0


class Deaf:
    """The websocket of a client that asks, reads nothing, and leaves."""

    scope: ClassVar = {"server": ("127.0.0.1", 1234)}
    application_state = WebSocketState.DISCONNECTED

    def __init__(self, calls: int) -> None:
        call = {"type": "rpcCall", "endpoint": "version", "callId": 1}
        messages = [Credentials.guest().packet(), *([call] * calls)]
        self._events = [
            {"type": "websocket.receive", "text": json.dumps(message)} for message in messages
        ]

    async def accept(self) -> None:
        """Accept the connection."""

    async def receive(self) -> dict[str, Any]:
        """Return what the client sends next, once all before has been handled."""
        await anyio.wait_all_tasks_blocked()
        return self._events.pop(0) if self._events else {"type": "websocket.disconnect"}

    async def send_text(self, frame: str) -> None:
        """Wait for ever."""
        await anyio.sleep_forever()


async def test_session_keeps_nothing(tmp_path: Path) -> None:
    """The session of a client that has left without reading keeps none of its answers."""
    state = ServerState(read_catalog(), ServeOptions(home=str(tmp_path)))
    session = WebsocketSession(cast("Any", Deaf(20)), NAMESPACES["system"], state)
    queued: list[int] = []
    put = session._outbox.put

    def watched(frame: bytes) -> None:
        put(frame)
        queued.append(session._outbox.queued)

    session._outbox.put = watched  # type: ignore[method-assign]
    with anyio.fail_after(30):
        await session.run()
    assert max(queued) > 19 * len(b'{"type": "rpcResult"}')
    assert session._outbox.queued == 0


class Patient:
    """The websocket of a client that opens a channel, and waits until it has heard enough."""

    scope: ClassVar = {"server": ("127.0.0.1", 1234)}
    application_state = WebSocketState.DISCONNECTED

    def __init__(self, enough: int) -> None:
        opening = {"type": "channelCreate", "endpoint": "wait", "channelId": 1}
        self._messages = [Credentials.guest().packet(), opening]
        self._enough = enough
        self._heard = anyio.Event()
        self.packets: list[Any] = []

    async def accept(self) -> None:
        """Accept the connection."""

    async def receive(self) -> dict[str, Any]:
        """Return what the client sends next; when it has heard enough, it leaves."""
        if self._messages:
            return {"type": "websocket.receive", "text": json.dumps(self._messages.pop(0))}
        await self._heard.wait()
        return {"type": "websocket.disconnect"}

    async def send_text(self, frame: str) -> None:
        """Take a frame."""
        sent = json.loads(frame)
        if sent.get("type") == "channelSend":
            self.packets.append(sent["message"])
            if len(self.packets) == self._enough:
                self._heard.set()


@pytest.mark.difference("repeated-progress")
async def test_progress_is_repeated_while_nothing_else_is_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A client that waits for a long time gets the last progress packet again and again."""
    assert module.REPEAT_SECONDS == 10
    monkeypatch.setattr(module, "REPEAT_SECONDS", 0.01)
    namespace = Namespace("llm")

    @namespace.channel("wait", None)
    async def wait(context: Context, _: None, port: ChannelPort) -> None:
        for share in (0.25, 0.5):
            port.progress({"progress": share})
        try:
            await anyio.sleep_forever()
        finally:
            port.end()

    client = Patient(enough=5)
    state = ServerState(read_catalog(), ServeOptions(home=str(tmp_path)))
    with anyio.fail_after(30):
        await WebsocketSession(cast("Any", client), namespace, state).run()
    assert [packet["progress"] for packet in client.packets] == [0.25, 0.5, 0.5, 0.5, 0.5]
