"""The I/O around a `Connection`: it reads and writes frames, runs handlers and keeps time."""

from __future__ import annotations

import contextlib
import logging
import math
from collections import deque
from collections.abc import Callable
from functools import partial
from itertools import count
from typing import Any

import anyio
import anyio.lowlevel
from anyio.abc import TaskGroup
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from model_fixtures.server.client_errors import client_error
from model_fixtures.server.handlers.handler_context import ChannelPort, Context
from model_fixtures.server.protocol.client_identities import (
    AuthenticationRefusedError,
    Client,
)
from model_fixtures.server.protocol.connection_state import (
    Authenticate,
    Connection,
    Event,
    Fail,
    Ignored,
    OpenChannel,
    Packet,
    Send,
    StartRpc,
)
from model_fixtures.server.protocol.namespace import Namespace
from model_fixtures.server.scenarios.faulty_connection import (
    FaultyConnection,
    SendFrame,
    Step,
    Wait,
)
from model_fixtures.server.server_state import ServerState

from .frame_writer import FrameWriter

REPEAT_SECONDS = 10.0
REVOKED = 1008  # close code
MESSAGES_AT_ONCE = 64  # of one client, before others get their turn
MAX_QUEUED_FRAMES = 64  # before a handler waits for a slow reader
MAX_QUEUED_BYTES = 64 * 2**20  # before a client that doesn't read at all is dropped
FRAME_OVERHEAD = 100  # bytes that a queued frame takes beside its own, about
CLOSE_SECONDS = 1.0

logger = logging.getLogger("model_fixtures.server")


class Outbox:
    """Frames on their way to the client, in order.

    Args:
        on_overrun: called when far too much is queued: the client doesn't read.
        writer: the short way for frames that need not wait.
    """

    def __init__(
        self, on_overrun: Callable[[], None] = lambda: None, writer: FrameWriter | None = None
    ) -> None:
        self.on_overrun = on_overrun
        self._writer = writer
        self.queued = 0  # bytes
        self._closed = False
        self._steps: deque[Step] = deque()
        self._filled = anyio.Event()
        self._drained = anyio.Event()
        self.faults: FaultyConnection | None = None  # of a client that has a scenario

    def put(self, frame: bytes) -> None:
        """Send a frame, or queue it behind others; none is kept once the outbox is closed."""
        if self._closed:
            return
        writer = self._writer
        if writer is not None and self.faults is None and not self._steps and writer.ready:
            writer.write(frame)
            return
        steps = [SendFrame(frame)] if self.faults is None else self.faults.outbound(frame)
        self._steps.extend(steps)
        self.queued += sum(map(_size, steps))
        self._filled.set()
        if self.queued > MAX_QUEUED_BYTES:
            self.on_overrun()

    def close(self) -> None:
        """Drop what nobody will read, before the garbage collector gets to it."""
        self._closed = True
        self._steps.clear()
        self.queued = 0

    async def room(self) -> None:
        """Wait until few frames are queued."""
        while len(self._steps) > MAX_QUEUED_FRAMES:
            if self._drained.is_set():  # otherwise others wait for it
                self._drained = anyio.Event()
            await self._drained.wait()

    async def run(self, websocket: WebSocket) -> None:
        """Send what is queued, for ever."""
        while True:
            await self._filled.wait()
            self._filled = anyio.Event()
            while self._steps:
                step = self._steps[0]
                await self._take(step, websocket)
                if self._closed:
                    return
                self._steps.popleft()  # not before it is sent: no later frame may overtake it
                self.queued -= _size(step)
            self._drained.set()

    @staticmethod
    async def _take(step: Step, websocket: WebSocket) -> None:
        if isinstance(step, SendFrame):
            await websocket.send_text(step.frame.decode())
        elif isinstance(step, Wait):
            await anyio.sleep(math.inf if step.seconds is None else step.seconds)
        else:
            await websocket.close(step.code, step.reason)


def _size(step: Step) -> int:
    return FRAME_OVERHEAD + len(step.frame) if isinstance(step, SendFrame) else FRAME_OVERHEAD


class _ChannelOutlet:
    def __init__(self, outbox: Outbox, channel_id: int) -> None:
        self._outbox = outbox
        self._channel_id = channel_id

    def put(self, packet: Any) -> None:
        self._outbox.put(Connection.channel_send(self._channel_id, packet))

    async def room(self) -> None:
        await self._outbox.room()


class WebsocketSession:
    """One websocket, from its first frame to its last.

    Args:
        websocket: the connection, not yet accepted.
        namespace: what its path offers.
        state: that of the server.
        writer: the connection's short way for frames, if it has one.
    """

    def __init__(
        self,
        websocket: WebSocket,
        namespace: Namespace,
        state: ServerState,
        writer: FrameWriter | None = None,
    ) -> None:
        self._websocket = websocket
        self._connection = Connection(namespace, answer_unknown=state.options.answer_unknown)
        self._state = state
        self._outbox = Outbox(writer=writer)
        self._ports: dict[int, ChannelPort] = {}
        self._repeats = False

    async def run(self) -> None:
        """Serve the client until it leaves; what it has started ends then."""
        await self._websocket.accept()
        try:
            client = await self._authenticate()
            if client is None:
                return
            try:
                await self._serve(client)
            finally:
                self._state.identities.leave(client)
        except WebSocketDisconnect:
            pass
        finally:
            self._outbox.close()

    async def _authenticate(self) -> Client | None:
        refusal = "Authentication timed out"
        with anyio.move_on_after(self._state.options.authentication_timeout):
            while True:
                for event in self._connection.receive(await self._receive()):
                    if isinstance(event, Authenticate):
                        try:
                            client = self._state.identities.enter(event.identifier, event.passkey)
                        except AuthenticationRefusedError as error:
                            await self._refuse(str(error))
                            return None
                        self._outbox.faults = self._faults(event.identifier)
                        self._outbox.put(self._connection.accept())
                        return client
                    self._log(event)
        await self._refuse(refusal)
        return None

    def _faults(self, identifier: str) -> FaultyConnection | None:
        scenarios = self._state.scenarios
        if scenarios is None:
            return None
        return scenarios.connection(identifier, self._connection.namespace.name)

    async def _refuse(self, error: str) -> None:
        await self._websocket.send_text(Connection.refuse(error).decode())
        await self._websocket.close()

    async def _serve(self, client: Client) -> None:
        # Not the Host header, with which a client or a proxy may name another server.
        host, port = self._websocket.scope["server"]
        context = Context(client, self._state, f"ws://{host}:{port}")
        async with anyio.create_task_group() as tasks:
            self._outbox.on_overrun = tasks.cancel_scope.cancel
            tasks.start_soon(self._write)
            try:
                with client.closable(tasks.cancel_scope.cancel):
                    for number in count(1):
                        for event in self._connection.receive(await self._receive()):
                            self._handle(event, context, tasks)
                        if number % MESSAGES_AT_ONCE == 0:
                            await anyio.lowlevel.checkpoint()
            except WebSocketDisconnect:
                pass
            finally:
                tasks.cancel_scope.cancel()
        if self._websocket.application_state is WebSocketState.CONNECTED:
            # A client that doesn't read would make this wait for ever.
            with (
                contextlib.suppress(RuntimeError, WebSocketDisconnect),
                anyio.move_on_after(CLOSE_SECONDS),
            ):
                await self._websocket.close(REVOKED, "the identity was revoked, or nothing is read")

    async def _receive(self) -> str | bytes:
        message = await self._websocket.receive()
        if message["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(message.get("code", 1005))
        text: str | None = message.get("text")
        # Binary frames with UTF-8 JSON are tolerated, as by the app.
        frame: str | bytes = message["bytes"] if text is None else text
        if self._outbox.faults is not None:
            self._outbox.faults.inbound(frame)
        return frame

    async def _write(self) -> None:
        try:
            await self._outbox.run(self._websocket)
        except (WebSocketDisconnect, RuntimeError):
            # The reader sees the disconnect, too, and ends the session.
            if self._websocket.application_state is WebSocketState.CONNECTED:
                logger.debug("the client left while it was written to")

    async def _repeat_progress(self) -> None:
        while True:
            await anyio.sleep(REPEAT_SECONDS)
            for port in self._ports.values():
                port.repeat()

    def _handle(self, event: Event, context: Context, tasks: TaskGroup) -> None:
        if isinstance(event, Send):
            self._outbox.put(event.frame)
        elif isinstance(event, StartRpc):
            if event.rpc.waits:
                tasks.start_soon(self._run_rpc, event, context)
            else:
                self._outbox.put(self._answer(event, context))
        elif isinstance(event, OpenChannel):
            port = ChannelPort(_ChannelOutlet(self._outbox, event.channel_id))
            self._ports[event.channel_id] = port
            if not self._repeats:
                self._repeats = True
                tasks.start_soon(self._repeat_progress)
            tasks.start_soon(self._run_channel, event, context, port)
        elif isinstance(event, Packet):
            self._ports[event.channel_id].deliver(event.packet)
        elif isinstance(event, Fail):
            self._ports[event.channel_id].fail(event.error)
        else:
            self._log(event)

    @staticmethod
    def _answer(event: StartRpc, context: Context) -> bytes:
        try:
            result = event.rpc.handler(context, event.parameter)
            return Connection.rpc_result(event.call_id, result)
        except Exception as error:  # noqa: BLE001 (it would end the connection)
            return Connection.rpc_error(event.call_id, client_error(error, event.rpc.name))

    async def _run_rpc(self, event: StartRpc, context: Context) -> None:
        try:
            result = await event.rpc.handler(context, event.parameter)
            answer = Connection.rpc_result(event.call_id, result)
        except Exception as error:  # noqa: BLE001 (it would end the connection)
            answer = Connection.rpc_error(event.call_id, client_error(error, event.rpc.name))
        self._outbox.put(answer)

    async def _run_channel(self, event: OpenChannel, context: Context, port: ChannelPort) -> None:
        number = event.channel_id
        end = partial(self._connection.channel_close, number)
        try:
            with port.failable():
                await event.channel.handler(context, event.parameter, port)
        except Exception as error:  # noqa: BLE001 (it would end the connection)
            failure = client_error(error, event.channel.name)
            end = partial(self._connection.channel_error, number, failure)
        self._ports.pop(number).end()
        self._outbox.put(end())

    @staticmethod
    def _log(event: Event) -> None:
        if isinstance(event, Ignored):
            logger.debug("ignored a frame: %s", event.reason)
