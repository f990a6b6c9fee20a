"""A small client for LM Studio's protocol, which loads the models and serves protocol tests.

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
    RemoteError,
    RpcError,
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
    "RemoteError",
    "RpcError",
    "WireError",
    "connect",
    "connect_raw",
]
