"""A small wire client of our own: what loads the models and what protocol tests speak with.

It is independent of the SDK under test, so a bug in the SDK cannot hide one in the server.
"""

from __future__ import annotations

from .connection import Channel, Connection, connect
from .credentials import Credentials
from .envelope import CommunicationWarning, Envelope
from .errors import (
    AnswerTimeoutError,
    AuthenticationError,
    ChannelError,
    ConnectError,
    ConnectionLostError,
    LateMessageError,
    ProtocolError,
    RpcError,
    ServerError,
    WireError,
)
from .raw_connection import RawConnection, connect_raw

__all__ = [
    "AnswerTimeoutError",
    "AuthenticationError",
    "Channel",
    "ChannelError",
    "CommunicationWarning",
    "ConnectError",
    "Connection",
    "ConnectionLostError",
    "Credentials",
    "Envelope",
    "LateMessageError",
    "ProtocolError",
    "RawConnection",
    "RpcError",
    "ServerError",
    "WireError",
    "connect",
    "connect_raw",
]
