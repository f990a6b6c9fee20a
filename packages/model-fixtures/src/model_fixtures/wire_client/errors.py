"""What can go wrong on the wire. Every message is one line."""

from __future__ import annotations

from typing import Any

from model_fixtures.errors import ModelFixturesError


class WireError(ModelFixturesError):
    """Base of everything that this client raises."""


class ConnectError(WireError):
    """No websocket could be opened: nobody listens, or the handshake was refused.

    Args:
        address: `host:port`.
        reason: what happened, one line.
        status: HTTP status of a refused handshake.
    """

    def __init__(self, address: str, reason: str, status: int | None = None) -> None:
        super().__init__(f"cannot connect to {address}: {reason}")
        self.address = address
        self.status = status


class AuthenticationError(WireError):
    """The host does not accept the identity; the text is the host's own."""


class ConnectionLostError(WireError):
    """The connection ended while something was still expected from it.

    Args:
        code: websocket close code, 1006 when the peer just vanished.
        reason: the peer's close reason, may be empty.
    """

    def __init__(self, code: int = 1006, reason: str = "") -> None:
        super().__init__(f"connection closed ({code}{': ' if reason else ''}{reason})")
        self.code = code
        self.reason = reason


class ProtocolError(WireError):
    """The host sent something that the protocol does not allow."""


class LateMessageError(ProtocolError):
    """The host sent something for a call or channel that it had ended before."""


class AnswerTimeoutError(WireError):
    """The host did not answer in time."""


class ServerError(WireError):
    """An error object that the host answered with.

    Args:
        endpoint: which call or channel failed.
        error: the error object as it came.
    """

    def __init__(self, endpoint: str, error: dict[str, Any]) -> None:
        self.endpoint = endpoint
        self.error = error
        lines = [self.title, *(str(error[key]) for key in ("cause", "suggestion") if key in error)]
        super().__init__(f"{endpoint}: {' - '.join(' '.join(line.split()) for line in lines)}")

    @property
    def title(self) -> str:
        """The main text."""
        return str(self.error.get("title", "Unknown error"))

    @property
    def code(self) -> str | None:
        """The machine-readable code, such as `generic.pathNotFound`."""
        display_data = self.error.get("displayData")
        code = display_data.get("code") if isinstance(display_data, dict) else None
        return code if isinstance(code, str) else None


class RpcError(ServerError):
    """A call was answered with an error."""


class ChannelError(ServerError):
    """A channel ended with an error."""
