"""The server's side of the message envelope: what travels around every payload.

There is one JSON object per text frame. The client chooses the ids, which are scoped to one
connection; calls and channels have separate ids.

`wire_client.envelope` describes the same messages once more, and shares no code with this module on
purpose: tests use it to check the server, and a mistake in shared code would hide itself.
"""

from __future__ import annotations

import json
from typing import Any, Union

import msgspec
from msgspec import UNSET, Struct, UnsetType

from .unusable_frames import Unusable, is_too_much, nested, too_much, undecodable
from .whole_number_ids import decode_whole_ids


class AuthPacket(Struct, rename="camel"):
    """The first frame of a client."""

    auth_version: int
    client_identifier: str
    client_passkey: str

    def __repr__(self) -> str:
        return f"AuthPacket(client_identifier={self.client_identifier!r})"


class RpcCall(Struct, rename="camel", tag="rpcCall"):
    """A remote procedure call; `parameter` is absent when the endpoint takes none."""

    endpoint: str
    call_id: int
    parameter: Any = UNSET


class ChannelCreate(Struct, rename="camel", tag="channelCreate"):
    """The opening of a channel; `creation_parameter` is absent when it would be empty."""

    endpoint: str
    channel_id: int
    creation_parameter: Any = UNSET


class ChannelSend(Struct, rename="camel", tag="channelSend"):
    """A packet on an open channel. An `ackId` may come along and is ignored, as by the app."""

    channel_id: int
    message: Any = UNSET
    ack_id: int | UnsetType = UNSET


class ChannelAck(Struct, rename="camel", tag="channelAck"):
    """The acknowledgement of a packet, which nobody asks for."""

    channel_id: int
    ack_id: int


class SignalSubscribe(Struct, rename="camel", tag="signalSubscribe"):
    """The subscription to a signal; no namespace has one."""

    endpoint: str
    subscribe_id: int
    creation_parameter: Any = UNSET


class SignalUnsubscribe(Struct, rename="camel", tag="signalUnsubscribe"):
    """The end of a subscription."""

    subscribe_id: int


class WritableSignalSubscribe(Struct, rename="camel", tag="writableSignalSubscribe"):
    """The subscription to a writable signal; no namespace has one."""

    endpoint: str
    subscribe_id: int
    creation_parameter: Any = UNSET


class WritableSignalUnsubscribe(Struct, rename="camel", tag="writableSignalUnsubscribe"):
    """The end of a writable subscription."""

    subscribe_id: int


class WritableSignalUpdate(Struct, rename="camel", tag="writableSignalUpdate"):
    """An update of a writable signal."""

    subscribe_id: int
    patches: list[Any]
    tags: list[str]


class KeepAlive(Struct, rename="camel", tag="keepAlive"):
    """A request for a `keepAliveAck`."""


class ClientWarning(Struct, rename="camel", tag="communicationWarning"):
    """A complaint of the client about the server."""

    warning: str
    kind: str | UnsetType = UNSET


ClientMessage = Union[  # noqa: UP007 (msgspec evaluates it on Python 3.10)
    RpcCall,
    ChannelCreate,
    ChannelSend,
    ChannelAck,
    SignalSubscribe,
    SignalUnsubscribe,
    WritableSignalSubscribe,
    WritableSignalUnsubscribe,
    WritableSignalUpdate,
    KeepAlive,
    ClientWarning,
]

_auth_decoder = msgspec.json.Decoder(AuthPacket)
_message_decoder: msgspec.json.Decoder[ClientMessage] = msgspec.json.Decoder(ClientMessage)
_encoder = msgspec.json.Encoder()


def decode_auth(frame: str | bytes) -> AuthPacket | None:
    """Return the authentication packet in a frame, or None if it holds anything else."""
    packet: AuthPacket
    try:
        packet = _auth_decoder.decode(frame)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        try:
            packet = decode_whole_ids(frame, AuthPacket)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None
    fits = len(packet.client_identifier) <= 256 and len(packet.client_passkey) <= 256
    return packet if packet.auth_version == 1 and fits else None


def decode_message(frame: str | bytes) -> ClientMessage | Unusable | None:
    """Return the message in a frame, or None if it is not JSON or matches no message type."""
    if is_too_much(frame):
        return too_much(frame)
    try:
        return _message_decoder.decode(frame)
    except RecursionError:
        return nested(frame)
    except (msgspec.DecodeError, UnicodeDecodeError):
        pass
    message: ClientMessage
    try:
        message = decode_whole_ids(frame, ClientMessage)
    except RecursionError:
        return nested(frame)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return undecodable(frame)
    return message


def encode(message: dict[str, Any]) -> bytes:
    """Return a server message as JSON; values may be structs, UNSET fields are left out."""
    try:
        return _encoder.encode(message)
    except UnicodeEncodeError:
        # A file's name may not be UTF-8, for example; its odd bytes become question marks.
        plain = msgspec.to_builtins(message)
        return json.dumps(plain, ensure_ascii=False).encode("utf-8", "replace")
