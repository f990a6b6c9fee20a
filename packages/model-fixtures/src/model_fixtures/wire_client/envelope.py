"""The client's side of the message envelope, without I/O.

An `Envelope` makes ids and frames to send, and turns received frames into messages after checking
that each belongs to an open call or channel. Its only state is the set of open ids.

`server.protocol.envelope` describes the same messages for the server. The two share no code on
purpose: tests check the server with this one, and a mistake in shared code would hide itself.
"""

from __future__ import annotations

from typing import Any, Union

import msgspec
from msgspec import UNSET, Struct, UnsetType

from .errors import LateMessageError, ProtocolError


class RpcResult(Struct, frozen=True, rename="camel", tag="rpcResult"):
    """A call succeeded; `result` is UNSET if it returned nothing."""

    call_id: int
    result: Any = UNSET


class RpcFailure(Struct, frozen=True, rename="camel", tag="rpcError"):
    """A call failed."""

    call_id: int
    error: dict[str, Any]


class ChannelPacket(Struct, frozen=True, rename="camel", tag="channelSend"):
    """A packet on a channel."""

    channel_id: int
    message: dict[str, Any]
    ack_id: int | UnsetType = UNSET


class ChannelEnd(Struct, frozen=True, rename="camel", tag="channelClose"):
    """A channel ended without an error."""

    channel_id: int


class ChannelFailure(Struct, frozen=True, rename="camel", tag="channelError"):
    """A channel ended with an error."""

    channel_id: int
    error: dict[str, Any]


class CommunicationWarning(Struct, frozen=True, rename="camel", tag="communicationWarning"):
    """The host complains about the client; it answers neither call nor channel."""

    warning: str
    kind: str | UnsetType = UNSET


class KeepAliveAck(Struct, frozen=True, rename="camel", tag="keepAliveAck"):
    """The host's answer to a `keepAlive`."""


ServerMessage = Union[  # noqa: UP007 (msgspec evaluates it on Python 3.10)
    RpcResult,
    RpcFailure,
    ChannelPacket,
    ChannelEnd,
    ChannelFailure,
    CommunicationWarning,
    KeepAliveAck,
]


class AuthAnswer(Struct, frozen=True):
    """The host's answer to the authentication packet."""

    success: bool
    error: str | UnsetType = UNSET


_answer_decoder = msgspec.json.Decoder(AuthAnswer)
_message_decoder: msgspec.json.Decoder[ServerMessage] = msgspec.json.Decoder(ServerMessage)


def to_frame(message: Any) -> str:
    """Encode a value as the text of a frame; UNSET fields of structs are left out."""
    return msgspec.json.encode(message).decode()


def parse_auth_answer(frame: str | bytes) -> AuthAnswer:
    """Decode the host's answer to the authentication packet.

    Raises:
        ProtocolError: the frame holds something else.
    """
    try:
        return _answer_decoder.decode(frame)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ProtocolError(f"not an answer to authentication: {error}") from None


class Envelope:
    """Ids and frames of one connection; calls and channels are counted separately, from 1."""

    def __init__(self) -> None:
        self._last_call = 0
        self._last_channel = 0
        self._calls: set[int] = set()
        self._channels: set[int] = set()

    @property
    def open_calls(self) -> frozenset[int]:
        """Ids of calls that the host has not answered yet."""
        return frozenset(self._calls)

    @property
    def open_channels(self) -> frozenset[int]:
        """Ids of channels that the host has not ended yet."""
        return frozenset(self._channels)

    def call(self, endpoint: str, parameter: Any = UNSET) -> tuple[int, str]:
        """Return the id and frame of a new call; without a parameter the key is absent."""
        self._last_call += 1
        self._calls.add(self._last_call)
        message = {"type": "rpcCall", "endpoint": endpoint, "callId": self._last_call}
        if parameter is not UNSET:
            message["parameter"] = parameter
        return self._last_call, to_frame(message)

    def create_channel(self, endpoint: str, creation_parameter: Any = UNSET) -> tuple[int, str]:
        """Return the id and frame of a new channel; without a parameter the key is absent."""
        self._last_channel += 1
        self._channels.add(self._last_channel)
        message = {"type": "channelCreate", "endpoint": endpoint, "channelId": self._last_channel}
        if creation_parameter is not UNSET:
            message["creationParameter"] = creation_parameter
        return self._last_channel, to_frame(message)

    def channel_send(self, channel_id: int, message: dict[str, Any]) -> str:
        """Return the frame of a packet on a channel."""
        return to_frame({"type": "channelSend", "channelId": channel_id, "message": message})

    def receive(self, frame: str | bytes) -> ServerMessage:
        """Return the message in a received frame, and note the call or channel that it ends.

        Raises:
            LateMessageError: the message is for a call or channel that has ended.
            ProtocolError: the frame is binary, holds no message of the protocol, or holds one for
                an id that was never open.
        """
        if isinstance(frame, bytes):
            raise ProtocolError(f"binary frame of {len(frame)} bytes")
        try:
            message = _message_decoder.decode(frame)
        except msgspec.DecodeError as error:
            raise ProtocolError(f"not a message of the protocol: {error}") from None
        if isinstance(message, (RpcResult, RpcFailure)):
            _check(message.call_id, self._calls, self._last_call, "call")
            self._calls.remove(message.call_id)
        elif isinstance(message, (ChannelPacket, ChannelEnd, ChannelFailure)):
            _check(message.channel_id, self._channels, self._last_channel, "channel")
            if not isinstance(message, ChannelPacket):
                self._channels.remove(message.channel_id)
        return message


def _check(number: int, opened: set[int], last: int, what: str) -> None:
    if number not in opened:
        known = 1 <= number <= last
        msg = f"message for {what} {number}, which {'has ended' if known else 'was never open'}"
        raise LateMessageError(msg) if known else ProtocolError(msg)
