"""One connection as a state machine without I/O.

Frames go in and events come out; `transport` sends frames, starts handlers and keeps time.
"""

from __future__ import annotations

import enum
from typing import Any, Union

import msgspec
from msgspec import Struct

from . import envelope
from .errors import ServerError
from .namespace import Channel, Namespace, Rpc, check
from .unusable_frames import CallHead, CreateHead, Unusable

MAX_WARNINGS = 5


class Send(Struct, frozen=True):
    """A frame for the client."""

    frame: bytes


class Authenticate(Struct, frozen=True):
    """The identity that the client presents; answer with `accept` or `refuse`."""

    identifier: str
    passkey: str

    def __repr__(self) -> str:
        return f"Authenticate(identifier={self.identifier!r})"


class StartRpc(Struct, frozen=True):
    """A call to run; answer with `rpc_result` or `rpc_error`."""

    call_id: int
    rpc: Rpc
    parameter: Any


class OpenChannel(Struct, frozen=True):
    """A channel whose handler to run; end it with `channel_close` or `channel_error`."""

    channel_id: int
    channel: Channel
    parameter: Any


class Packet(Struct, frozen=True):
    """A checked packet for an open channel."""

    channel_id: int
    packet: Any


class Fail(Struct, frozen=True):
    """An error that ends the handler of an open channel."""

    channel_id: int
    error: ServerError


class Ignored(Struct, frozen=True):
    """A frame to ignore, as the app does."""

    reason: str


Event = Union[Send, Authenticate, StartRpc, OpenChannel, Packet, Fail, Ignored]  # noqa: UP007


class State(enum.Enum):
    """What the connection waits for."""

    AUTHENTICATING = "authenticating"
    OPEN = "open"


class Connection:
    """The server's side of one websocket.

    Args:
        namespace: what its path offers.
        answer_unknown: whether a call or channel that is unknown, or has a bad parameter, gets an
            error after the warning. The app sends nothing but the warning.
    """

    def __init__(self, namespace: Namespace, *, answer_unknown: bool = False) -> None:
        self.namespace = namespace
        self._answer_unknown = answer_unknown
        self.state = State.AUTHENTICATING
        self._channels: dict[int, Channel] = {}
        self._warnings = 0

    def receive(self, frame: str | bytes) -> list[Event]:
        """Return what one inbound frame asks for, in order."""
        if self.state is State.AUTHENTICATING:
            auth = envelope.decode_auth(frame)
            if auth is None:
                return [Ignored("not an authentication packet")]
            return [Authenticate(auth.client_identifier, auth.client_passkey)]
        message = envelope.decode_message(frame)
        if message is None:
            return [Ignored("not a message of this protocol")]
        if isinstance(message, Unusable):
            return self._unusable(message)
        if isinstance(message, envelope.RpcCall):
            return self._rpc_call(message)
        if isinstance(message, envelope.ChannelCreate):
            return self._channel_create(message)
        if isinstance(message, envelope.ChannelSend):
            return self._channel_send(message)
        if isinstance(message, envelope.ChannelAck) and message.channel_id not in self._channels:
            return self._warn("channelUnknown", f"channel {message.channel_id} is not open")
        if isinstance(message, envelope.SignalSubscribe):
            return self._warn("signalEndpointUnknown", f"no signal {message.endpoint}")
        if isinstance(message, envelope.WritableSignalSubscribe):
            return self._warn("writableSignalEndpointUnknown", f"no signal {message.endpoint}")
        if isinstance(message, envelope.WritableSignalUpdate):
            return self._warn(
                "writableSignalUnknown", f"no signal subscription {message.subscribe_id} is open"
            )
        if isinstance(message, envelope.KeepAlive):
            return [Send(envelope.encode({"type": "keepAliveAck"}))]
        if isinstance(message, envelope.ClientWarning):
            return [Ignored(f"the client warns: {message.warning}")]
        return [Ignored(f"{type(message).__name__} needs no answer")]

    def accept(self) -> bytes:
        """Return the frame that lets the client in."""
        self.state = State.OPEN
        return envelope.encode({"success": True})

    @staticmethod
    def refuse(error: str) -> bytes:
        """Return the last frame for an identity that may not enter."""
        return envelope.encode({"success": False, "error": error})

    @staticmethod
    def rpc_result(call_id: int, result: Any) -> bytes:
        """Return the answer to a call; without a result the key is left out."""
        message: dict[str, Any] = {"type": "rpcResult", "callId": call_id}
        if result is not None:
            message["result"] = result
        return envelope.encode(message)

    @staticmethod
    def rpc_error(call_id: int, error: ServerError) -> bytes:
        """Return the answer to a call that failed."""
        return envelope.encode({"type": "rpcError", "callId": call_id, "error": error.to_wire()})

    @staticmethod
    def channel_send(channel_id: int, message: Any) -> bytes:
        """Return a packet for the client."""
        return envelope.encode({"type": "channelSend", "channelId": channel_id, "message": message})

    def channel_close(self, channel_id: int) -> bytes:
        """Return the frame that ends a channel after its last packet; the id is free again."""
        self._channels.pop(channel_id, None)
        return envelope.encode({"type": "channelClose", "channelId": channel_id})

    def channel_error(self, channel_id: int, error: ServerError) -> bytes:
        """Return the frame that ends a channel with an error; the id is free again."""
        self._channels.pop(channel_id, None)
        return envelope.encode(
            {"type": "channelError", "channelId": channel_id, "error": error.to_wire()}
        )

    def _rpc_call(self, message: envelope.RpcCall) -> list[Event]:
        rpc = self.namespace.rpcs.get(message.endpoint)
        if rpc is None:
            text = f"{self.namespace.name} has no call {message.endpoint}"
            return self._reject_call(message.call_id, "rpcEndpointUnknown", text)
        try:
            parameter = check(message.parameter, rpc.parameter)
        except msgspec.ValidationError as error:
            text = f"parameter of {message.endpoint}: {error}"
            return self._reject_call(message.call_id, "rpcParameterTypeError", text)
        return [StartRpc(message.call_id, rpc, parameter)]

    def _channel_create(self, message: envelope.ChannelCreate) -> list[Event]:
        channel = self.namespace.channels.get(message.endpoint)
        if channel is None:
            text = f"{self.namespace.name} has no channel {message.endpoint}"
            return self._reject_channel(message.channel_id, "channelEndpointUnknown", text)
        if message.channel_id in self._channels:
            # No channelError here: it would end the channel that is open under this id.
            return self._warn("channelAlreadyOpen", f"channel {message.channel_id} is open")
        try:
            parameter = check(message.creation_parameter, channel.parameter)
        except msgspec.ValidationError as error:
            text = f"creation parameter of {message.endpoint}: {error}"
            return self._reject_channel(
                message.channel_id, "channelCreationParameterTypeError", text
            )
        self._channels[message.channel_id] = channel
        return [OpenChannel(message.channel_id, channel, parameter)]

    def _channel_send(self, message: envelope.ChannelSend) -> list[Event]:
        channel = self._channels.get(message.channel_id)
        if channel is None:
            return self._warn("channelUnknown", f"channel {message.channel_id} is not open")
        if channel.packets is None:
            return self._warn("channelMessageTypeError", f"{channel.name} takes no packets")
        try:
            packet = msgspec.convert(message.message, channel.packets)
        except msgspec.ValidationError as error:
            return self._warn("channelMessageTypeError", f"packet of {channel.name}: {error}")
        return [Packet(message.channel_id, packet)]

    def _unusable(self, message: Unusable) -> list[Event]:
        """Refuse what the app may accept: its client has made no mistake, and must not hang."""
        head, text = message.head, f"the message has {message.reason}"
        if isinstance(head, CallHead):
            warning = self._warn("rpcParameterTypeError", text)
            return [*warning, self._call_error(head.call_id, text)]
        is_open = head.channel_id in self._channels
        if isinstance(head, CreateHead):
            warning = self._warn("channelCreationParameterTypeError", text)
            # An error would end the channel that is open under this id.
            return warning if is_open else [*warning, self._open_error(head.channel_id, text)]
        warning = self._warn("channelMessageTypeError", text)
        if not is_open:
            return warning
        # Otherwise whoever waits for the packet would wait for ever.
        return [*warning, Fail(head.channel_id, ServerError(text))]

    def _reject_call(self, call_id: int, kind: str, text: str) -> list[Event]:
        warning = self._warn(kind, text)
        return [*warning, self._call_error(call_id, text)] if self._answer_unknown else warning

    def _reject_channel(self, channel_id: int, kind: str, text: str) -> list[Event]:
        warning = self._warn(kind, text)
        return [*warning, self._open_error(channel_id, text)] if self._answer_unknown else warning

    def _call_error(self, call_id: int, text: str) -> Event:
        return Send(self.rpc_error(call_id, ServerError(text)))

    def _open_error(self, channel_id: int, text: str) -> Event:
        return Send(self.channel_error(channel_id, ServerError(text)))

    def _warn(self, kind: str, text: str) -> list[Event]:
        self._warnings += 1
        if self._warnings > MAX_WARNINGS:
            return [Ignored(text)]
        message = {"type": "communicationWarning", "warning": text, "kind": kind}
        return [Send(envelope.encode(message))]
