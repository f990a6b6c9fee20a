"""Clients that hold a connection up, with half a request or by reading no answer.

Time is the test's own: nothing here waits.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any, cast

import anyio
import pytest
import uvicorn.server
from model_fixtures.server.transport.connection_deadlines import (
    CLOSE_SECONDS,
    LEAST_RATE,
    MAX_UNSENT_BYTES,
    ConnectionConfig,
    HttpConnection,
)
from starlette.types import Receive, Scope, Send
from websockets.client import ClientProtocol
from websockets.uri import parse_uri

pytestmark = pytest.mark.anyio

REQUEST_SECONDS = 10.0
STALL_SECONDS = 20.0
GET = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n"
CHUNKED = b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n500\r\nab"
UNFINISHED = {
    "nothing": b"",
    "half a request line": b"GET /lmstud",
    "no headers": b"GET / HTTP/1.1\r\n",
    "half the headers": b"GET / HTTP/1.1\r\nHost: localhost\r\nAcc",
    "no body": POST % 10,
    "half a body": POST % 10 + b"12345",
    "half a chunk": CHUNKED,
}


class Timer:
    """A callback that is due."""

    def __init__(self, when: float, callback: Callable[[], None]) -> None:
        self.when, self.callback = when, callback
        self.cancelled = False

    def cancel(self) -> None:
        """Never call back."""
        self.cancelled = True


class Clock:
    """An event loop whose time stands still until the test lets it pass."""

    def __init__(self) -> None:
        self.now = 0.0
        self.timers: list[Timer] = []
        self.create_task = asyncio.get_running_loop().create_task

    def time(self) -> float:
        """Return the time that the test has set."""
        return self.now

    def call_later(self, delay: float, callback: Callable[[], None]) -> Timer:
        """Call back when the time has come."""
        self.timers.append(Timer(self.now + delay, callback))
        return self.timers[-1]

    async def turn_on(self, seconds: float) -> None:
        """Let time pass, and run all timers and tasks that are due."""
        until = self.now + seconds
        await anyio.wait_all_tasks_blocked()
        while due := [one for one in self.timers if not one.cancelled and one.when <= until]:
            first = min(due, key=lambda one: one.when)
            self.timers.remove(first)
            self.now = max(self.now, first.when)
            first.callback()
            await anyio.wait_all_tasks_blocked()
        self.now = until


class Pipe(asyncio.Transport):
    """A connection to a client that takes bytes as the test lets it."""

    def __init__(self) -> None:
        super().__init__()
        self.protocol: Any = None
        self.reads = True
        self.reading = True
        self.sent = bytearray()
        self.unsent = bytearray()
        self.closing = False
        self._gone = False

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """Hand the connection over."""
        self.protocol = protocol

    def get_protocol(self) -> asyncio.BaseProtocol:
        """Return who has the connection."""
        return cast("asyncio.BaseProtocol", self.protocol)

    def write(self, data: Any) -> None:
        """Send data, or keep what the client does not take."""
        if self.closing:
            return
        if self.reads:
            self.sent += data
            return
        waited = bool(self.unsent)
        self.unsent += data
        if not waited:
            self.protocol.pause_writing()

    def take(self, count: int) -> None:
        """Let the client read."""
        self.sent += self.unsent[:count]
        del self.unsent[:count]
        if not self.unsent:
            self.protocol.resume_writing()
            self._end_if_closing()

    def close(self) -> None:
        """Close once all has been sent."""
        self.closing = True
        self._end_if_closing()

    def abort(self) -> None:
        """Close without sending the rest."""
        self.closing = True
        self.unsent.clear()
        self._end_if_closing()

    def is_gone(self) -> bool:
        """Return whether it has been closed."""
        return self._gone

    def _end_if_closing(self) -> None:
        if self.closing and not self.unsent and not self._gone:
            self._gone = True
            self.protocol.connection_lost(None)

    def is_closing(self) -> bool:
        """Return whether it closes."""
        return self.closing

    def get_write_buffer_size(self) -> int:
        """Return what the client has yet to take."""
        return len(self.unsent)

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Count what has not been sent."""
        assert high == 0

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """Return None: there is no socket."""
        return default

    def pause_reading(self) -> None:
        """Note it, and read on: the test knows what it sends."""
        self.reading = False

    def resume_reading(self) -> None:
        """Note it."""
        self.reading = True


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer a request once its body is complete; on a websocket, repeat what arrives."""
    if scope["type"] == "websocket":
        await send({"type": "websocket.accept"})
        await receive()
        while (message := await receive())["type"] == "websocket.receive":
            if message["text"] == "end":
                return
            await send({"type": "websocket.send", "text": message["text"]})
        return
    while (message := await receive())["type"] == "http.request" and message["more_body"]:
        pass
    if message["type"] == "http.request":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"answer"})


@pytest.fixture
async def clock() -> Clock:
    """Provide the time."""
    return Clock()


@pytest.fixture
async def pipe(clock: Clock) -> AsyncIterator[Pipe]:
    """Provide a connection that has just been made."""
    config = ConnectionConfig(
        app,
        request_seconds=REQUEST_SECONDS,
        stall_seconds=STALL_SECONDS,
        ws_per_message_deflate=False,
        log_config=None,
        access_log=False,
    )
    config.load()
    pipe = Pipe()
    state = uvicorn.server.ServerState()
    pipe.protocol = HttpConnection(config, state, {}, cast("Any", clock))
    pipe.protocol.connection_made(pipe)
    yield pipe
    pipe.abort()
    await anyio.wait_all_tasks_blocked()


@pytest.mark.difference("unfinished-requests")
@pytest.mark.parametrize("bytes_", UNFINISHED.values(), ids=UNFINISHED)
async def test_unfinished_request(pipe: Pipe, clock: Clock, bytes_: bytes) -> None:
    """The connection ends in time whichever part of a request is missing."""
    if bytes_:
        pipe.protocol.data_received(bytes_)
    await clock.turn_on(REQUEST_SECONDS - 0.1)
    assert not pipe.is_gone()
    await clock.turn_on(0.2)
    assert pipe.is_gone()
    assert not pipe.sent


@pytest.mark.parametrize("bytes_", list(UNFINISHED.values())[1:], ids=list(UNFINISHED)[1:])
@pytest.mark.parametrize("at_once", [True, False], ids=["at once", "later"])
async def test_unfinished_second_request(
    pipe: Pipe, clock: Clock, bytes_: bytes, at_once: bool
) -> None:
    """The request after a complete one has as much time as the first, and no more."""
    for part in [GET + bytes_] if at_once else [GET, bytes_]:
        pipe.protocol.data_received(part)
        await clock.turn_on(3)
        assert not pipe.is_gone()
    assert b"answer" in pipe.sent
    await clock.turn_on(REQUEST_SECONDS)
    assert pipe.is_gone()


@pytest.mark.difference("unfinished-requests")
@pytest.mark.parametrize("head", [b"GET / HTTP/1.1\r\nX: ", POST % 1000, CHUNKED])
async def test_dribbled_request(pipe: Pipe, clock: Clock, head: bytes) -> None:
    """A byte a second is no progress."""
    pipe.protocol.data_received(head)
    for _ in range(int(REQUEST_SECONDS) + 1):
        assert not pipe.is_gone()
        pipe.protocol.data_received(b"x")
        await clock.turn_on(1)
    assert pipe.is_gone()


@pytest.mark.difference("unfinished-requests")
async def test_long_upload(pipe: Pipe, clock: Clock) -> None:
    """A body that keeps coming at a fair rate may take longer than a request's time."""
    seconds = 3 * int(REQUEST_SECONDS)
    pipe.protocol.data_received(POST % (seconds * LEAST_RATE))
    for _ in range(seconds):
        await clock.turn_on(1)
        pipe.protocol.data_received(b"x" * LEAST_RATE)
    await clock.turn_on(0)
    assert b"answer" in pipe.sent
    assert not pipe.is_gone()


async def test_waiting_between_requests(pipe: Pipe, clock: Clock) -> None:
    """A client that comes back after a pause finds its connection still open, each time."""
    for _ in range(20):
        pipe.protocol.data_received(GET)
        await clock.turn_on(4)
        assert not pipe.is_gone()
    assert pipe.sent.count(b"answer") == 20


@pytest.mark.difference("client-never-reads")
async def test_answer_that_nobody_reads(pipe: Pipe, clock: Clock) -> None:
    """A client that takes nothing of its answer is cut off; one that takes a little is not."""
    pipe.reads = False
    pipe.protocol.data_received(GET)
    for _ in range(3):
        await clock.turn_on(STALL_SECONDS - 0.1)
        assert not pipe.is_gone()
        pipe.take(1)
    await clock.turn_on(2 * STALL_SECONDS)
    assert pipe.is_gone()


async def opened(pipe: Pipe, clock: Clock) -> ClientProtocol:
    """Return a websocket over the connection."""
    client = ClientProtocol(parse_uri("ws://localhost/llm"))
    client.send_request(client.connect())
    with pytest.MonkeyPatch.context() as patch:
        # uvicorn hands no loop on from HTTP to the websocket.
        patch.setattr(asyncio, "get_event_loop", lambda: clock)
        pipe.protocol.data_received(b"".join(client.data_to_send()))
    await clock.turn_on(0)
    client.receive_data(bytes(pipe.sent))
    pipe.sent.clear()
    return client


async def say(pipe: Pipe, clock: Clock, client: ClientProtocol, text: str) -> None:
    """Send a text frame."""
    client.send_text(text.encode())
    pipe.protocol.data_received(b"".join(client.data_to_send()))
    await clock.turn_on(0)


async def test_quiet_websocket(pipe: Pipe, clock: Clock) -> None:
    """A websocket has no time limit: it gets no pings, and stays open and works after any pause."""
    client = await opened(pipe, clock)
    await clock.turn_on(1000)
    assert not pipe.sent
    await say(pipe, clock, client, "hello")
    assert pipe.sent.endswith(b"hello")


@pytest.mark.parametrize(
    ("texts", "reading"), [(["x"], True), (["x", "y"], False), (["x" * 2**17], False)]
)
async def test_messages_that_wait(
    pipe: Pipe, clock: Clock, texts: list[str], reading: bool
) -> None:
    """Reading pauses where messages wait, or a long one does, and goes on when none waits."""
    client = await opened(pipe, clock)
    for text in texts:
        client.send_text(text.encode())
    pipe.protocol.data_received(b"".join(client.data_to_send()))
    assert pipe.reading is reading
    await clock.turn_on(0)
    assert pipe.reading
    assert pipe.sent.endswith(texts[-1].encode())


@pytest.mark.difference("client-never-reads")
async def test_websocket_that_nobody_reads(pipe: Pipe, clock: Clock) -> None:
    """A websocket client that takes nothing of what is sent to it is cut off."""
    client = await opened(pipe, clock)
    pipe.reads = False
    await say(pipe, clock, client, "hello")
    await clock.turn_on(STALL_SECONDS - 0.1)
    assert not pipe.is_gone()
    await clock.turn_on(0.2)
    assert pipe.is_gone()


@pytest.mark.parametrize("reads", [False, True])
async def test_rest_after_a_session(pipe: Pipe, clock: Clock, reads: bool) -> None:
    """After the end of a session, a client that does not read the rest soon is cut off."""
    client = await opened(pipe, clock)
    pipe.reads = False
    await say(pipe, clock, client, "hello")
    await say(pipe, clock, client, "end")
    assert not pipe.is_gone()
    if reads:
        pipe.take(1000)
        assert pipe.is_gone()
        assert pipe.sent.endswith(b"hello")
    await clock.turn_on(CLOSE_SECONDS + 0.1)
    assert pipe.is_gone()


async def test_pings_without_end(pipe: Pipe, clock: Clock) -> None:
    """Answers to pings that nobody reads don't pile up."""
    client = await opened(pipe, clock)
    pipe.reads = False
    for _ in range(1000):
        client.send_ping(b"x" * 100)
    pings = b"".join(client.data_to_send())
    for _ in range(MAX_UNSENT_BYTES // (1000 * 102) + 1):
        assert not pipe.is_gone()
        pipe.protocol.data_received(pings)
    assert pipe.is_gone()
