"""Calls and channels over one websocket; `Envelope` has the protocol, this module the I/O."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import anyio
from msgspec import UNSET

from .credentials import Credentials
from .envelope import (
    ChannelEnd,
    ChannelFailure,
    ChannelPacket,
    CommunicationWarning,
    Envelope,
    RpcFailure,
    RpcResult,
    ServerMessage,
)
from .errors import (
    AnswerTimeoutError,
    AuthenticationError,
    ChannelError,
    ConnectionLostError,
    LateMessageError,
    RpcError,
    WireError,
)
from .raw_connection import ANSWER_TIMEOUT, OPEN_TIMEOUT, RawConnection, connect_raw

_Mail = ServerMessage | WireError


class Channel:
    """An open channel; iterating over it yields its packets until the host closes it.

    Iterating raises `ChannelError` if the host ends the channel with an error, and
    `ConnectionLostError` if the connection is lost.
    """

    def __init__(self, connection: Connection, endpoint: str, channel_id: int) -> None:
        self._connection = connection
        self._mail: asyncio.Queue[_Mail] = asyncio.Queue()
        self.endpoint = endpoint
        self.id = channel_id
        self.ended = False

    async def send(self, message: dict[str, Any]) -> None:
        """Send a packet, such as `{"type": "cancel"}`."""
        frame = self._connection.envelope.channel_send(self.id, message)
        await self._connection.raw.send(frame)

    async def cancel(self) -> None:
        """Ask the host to stop; the channel stays open until the host ends it."""
        await self.send({"type": "cancel"})

    def __aiter__(self) -> Channel:
        return self

    async def __anext__(self) -> dict[str, Any]:
        if self.ended:
            raise StopAsyncIteration
        mail = await self._mail.get()
        if isinstance(mail, ChannelPacket):
            return mail.message
        self.ended = True
        if isinstance(mail, ChannelFailure):
            raise ChannelError(self.endpoint, mail.error)
        if isinstance(mail, WireError):
            raise mail
        raise StopAsyncIteration

    def deliver(self, mail: _Mail) -> None:
        """Put a message or an error into the channel's mailbox; the connection calls this."""
        self._mail.put_nowait(mail)


class Connection:
    """An authenticated connection to one namespace; `connect` opens it.

    `warnings` collects the host's complaints, and `late` its messages for calls and channels that
    have ended. Tests that mix both levels also use `raw` and `envelope`.
    """

    def __init__(self, raw: RawConnection, *, strict: bool = True) -> None:
        self.raw = raw
        self.strict = strict
        self.late: list[LateMessageError] = []
        self.envelope = Envelope()
        self.warnings: list[CommunicationWarning] = []
        self._calls: dict[int, asyncio.Future[RpcResult | RpcFailure]] = {}
        self._channels: dict[int, Channel] = {}
        self._lost: WireError | None = None

    async def rpc(self, endpoint: str, parameter: Any = UNSET) -> Any:
        """Call an endpoint and return its result, None if there is none.

        Args:
            endpoint: name within the namespace.
            parameter: JSON value or msgspec struct; the key is absent if it is not given.

        Raises:
            RpcError: the host answered with an error.
            ConnectionLostError, ProtocolError: the connection has ended.
            AnswerTimeoutError: no answer came within `raw.answer_timeout` seconds. To an unknown
                endpoint or a bad parameter, hosts answer with nothing but a warning.
        """
        timeout = self.raw.answer_timeout
        warned = len(self.warnings)
        self._check()
        call_id, frame = self.envelope.call(endpoint, parameter)
        answer: asyncio.Future[RpcResult | RpcFailure] = asyncio.get_running_loop().create_future()
        self._calls[call_id] = answer
        try:
            with anyio.fail_after(timeout):
                await self.raw.send(frame)
                message = await answer
        except TimeoutError:
            why = "".join(f"; the host warned: {_text(each)}" for each in self.warnings[warned:])
            raise AnswerTimeoutError(f"{endpoint}: no answer within {timeout:g} s{why}") from None
        finally:
            del self._calls[call_id]
        if isinstance(message, RpcFailure):
            raise RpcError(endpoint, message.error)
        return None if message.result is UNSET else message.result

    @asynccontextmanager
    async def channel(
        self, endpoint: str, creation_parameter: Any = UNSET, *, cancel_on_exit: bool = False
    ) -> AsyncIterator[Channel]:
        """Open a channel for the block; packets that come after the block are dropped.

        Args:
            endpoint: name within the namespace.
            creation_parameter: JSON value or msgspec struct; the key is absent if it is not given.
            cancel_on_exit: send `{"type": "cancel"}` if the block is left before the host has ended
                the channel, by cancellation too.
        """
        self._check()
        channel_id, frame = self.envelope.create_channel(endpoint, creation_parameter)
        channel = self._channels[channel_id] = Channel(self, endpoint, channel_id)
        try:
            await self.raw.send(frame)
            yield channel
        finally:
            del self._channels[channel_id]
            if cancel_on_exit and channel_id in self.envelope.open_channels:
                with anyio.move_on_after(1, shield=True), suppress(WireError):
                    await channel.cancel()

    async def receive_messages(self) -> None:
        """Hand out messages until the connection ends; `connect` runs this in a task."""
        try:
            while True:
                frame = await self.raw.next_frame()
                try:
                    self._dispatch(self.envelope.receive(frame))
                except LateMessageError as error:
                    if self.strict:
                        raise
                    self.late.append(error)
        except WireError as error:
            self._lost = error
            for answer in self._calls.values():
                if not answer.done():
                    answer.set_exception(_again(error))
            for channel in self._channels.values():
                channel.deliver(_again(error))

    def _dispatch(self, message: ServerMessage) -> None:
        if isinstance(message, (RpcResult, RpcFailure)):
            answer = self._calls.get(message.call_id)
            if answer is not None and not answer.done():
                answer.set_result(message)
        elif isinstance(message, (ChannelPacket, ChannelEnd, ChannelFailure)):
            channel = self._channels.get(message.channel_id)
            if channel is not None:
                channel.deliver(message)
        elif isinstance(message, CommunicationWarning):
            self.warnings.append(message)

    def _check(self) -> None:
        if self._lost is not None:
            raise _again(self._lost)


def _text(warning: CommunicationWarning) -> str:
    return " ".join(warning.warning.split())


def _again(error: WireError) -> WireError:
    """Return a copy, since an exception that is raised in many tasks collects their tracebacks."""
    if isinstance(error, ConnectionLostError):
        return ConnectionLostError(error.code, error.reason)
    return type(error)(*error.args)


@asynccontextmanager
async def connect(
    address: str,
    namespace: str,
    credentials: Credentials | None = None,
    *,
    open_timeout: float = OPEN_TIMEOUT,
    answer_timeout: float | None = ANSWER_TIMEOUT,
    strict: bool = True,
) -> AsyncIterator[Connection]:
    """Connect to `ws://address/namespace` and authenticate.

    Args:
        address: `host:port`.
        namespace: `llm`, `embedding`, `system`, `files`, `repository`, `plugins`, `diagnostics`.
        credentials: the identity; by default that of `LMSTUDIO_API_TOKEN`, else a fresh guest.
        open_timeout: seconds until the handshake must be done.
        answer_timeout: seconds until a call must be answered; None waits for ever.
        strict: whether a message for an ended call or channel ends the connection; SDKs only log
            it.

    Raises:
        ConnectError: nothing listens there, or the handshake was refused.
        AuthenticationError: the host refused the identity, or the token is malformed.
    """
    try:
        identity = credentials or Credentials.from_environment()
    except ValueError as error:
        raise AuthenticationError(str(error)) from None
    async with connect_raw(
        address, namespace, open_timeout=open_timeout, answer_timeout=answer_timeout
    ) as raw:
        answer = await raw.authenticate(identity)
        if not answer.success:
            reason = "no reason given" if answer.error is UNSET else " ".join(answer.error.split())
            raise AuthenticationError(f"{address} refuses the client: {reason}")
        connection = Connection(raw, strict=strict)
        # This is no task group, which would wrap the caller's own errors in exception groups.
        reader = asyncio.create_task(connection.receive_messages())
        try:
            yield connection
        finally:
            reader.cancel()
            with suppress(asyncio.CancelledError):
                await reader
