"""Errors of the wire client."""

from __future__ import annotations

from typing import Any

from model_fixtures.errors import ModelFixturesError


class WireError(ModelFixturesError):
    """The base of all errors of this client."""


class ConnectError(WireError):
    """No websocket could be opened: nothing listens there, or the handshake was refused.

    Args:
        address: `host:port`.
        reason: what happened, one line.
        status: HTTP status of a refused handshake; None without one.
    """

    def __init__(self, address: str, reason: str, status: int | None = None) -> None:
        super().__init__(f"cannot connect to {address}: {reason}")
        self.address = address
        self.status = status


class AuthenticationError(WireError):
    """The host refused the client's identity, or the API token is malformed."""


class ConnectionLostError(WireError):
    """The connection was closed.

    Args:
        code: websocket close code; 1006 if the peer vanished without one.
        reason: the peer's reason; may be empty.
    """

    def __init__(self, code: int = 1006, reason: str = "") -> None:
        super().__init__(f"connection closed ({code}{': ' if reason else ''}{reason})")
        self.code = code
        self.reason = reason


class ProtocolError(WireError):
    """The host sent something that the protocol does not allow."""


class LateMessageError(ProtocolError):
    """The host sent a message for a call or channel that it had ended before."""


class AnswerTimeoutError(WireError):
    """The host did not answer in time."""


class RemoteError(WireError):
    """The host answered with an error object.

    Args:
        endpoint: the endpoint of the call or channel that failed.
        error: the error object as the host sent it.
    """

    def __init__(self, endpoint: str, error: dict[str, Any]) -> None:
        self.endpoint = endpoint
        self.error = error
        lines = [self.title, *(str(error[key]) for key in ("cause", "suggestion") if key in error)]
        super().__init__(f"{endpoint}: {' - '.join(' '.join(line.split()) for line in lines)}")

    @property
    def title(self) -> str:
        """The main text of the error object."""
        return str(self.error.get("title", "Unknown error"))

    @property
    def code(self) -> str | None:
        """The machine-readable code, such as `generic.pathNotFound`."""
        display_data = self.error.get("displayData")
        code = display_data.get("code") if isinstance(display_data, dict) else None
        return code if isinstance(code, str) else None


class RpcError(RemoteError):
    """A call was answered with an error."""


class ChannelError(RemoteError):
    """A channel ended with an error."""
