"""A websocket to a namespace on which any frame can be sent and received, unchecked."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import msgspec
from websockets.asyncio.client import ClientConnection
from websockets.asyncio.client import connect as open_websocket
from websockets.exceptions import (
    ConnectionClosed,
    InvalidHandshake,
    InvalidMessage,
    InvalidStatus,
    InvalidURI,
)

from .credentials import Credentials
from .envelope import AuthAnswer, parse_auth_answer, to_frame
from .errors import AnswerTimeoutError, ConnectError, ConnectionLostError

MAX_FRAME = 100 * 2**20  # bytes
OPEN_TIMEOUT = 5.0  # seconds, as the next one
ANSWER_TIMEOUT = 60.0

# The library's debug log would contain every frame, including the one with the passkey.
_logger = logging.getLogger(f"{__name__}.websockets")
_logger.setLevel(logging.INFO)


class RawConnection:
    """A websocket that sends and receives frames as they are; `connect_raw` opens it."""

    def __init__(
        self, websocket: ClientConnection, answer_timeout: float | None = ANSWER_TIMEOUT
    ) -> None:
        self._websocket = websocket
        self.answer_timeout = answer_timeout

    async def send(self, frame: str | bytes, *, text: bool | None = None) -> None:
        """Send a string as a text frame and bytes as a binary one; `text` overrides that for bytes.

        Raises:
            ConnectionLostError: the connection is closed.
        """
        try:
            await self._websocket.send(frame, text=text)
        except ConnectionClosed as error:
            raise _lost(error) from None

    async def send_json(self, value: Any) -> None:
        """Send a value as JSON in a text frame."""
        await self.send(to_frame(value))

    async def receive(self) -> str | bytes:
        """Wait for the next frame: a `str` from a text frame, `bytes` from a binary one.

        Raises:
            ConnectionLostError: the connection was closed.
            AnswerTimeoutError: no frame came within `answer_timeout` seconds.
        """
        try:
            with anyio.fail_after(self.answer_timeout):
                return await self.next_frame()
        except TimeoutError:
            raise AnswerTimeoutError(f"no frame within {self.answer_timeout:g} s") from None

    async def next_frame(self) -> str | bytes:
        """Wait for the next frame without a timeout; otherwise like `receive`."""
        try:
            return await self._websocket.recv()
        except ConnectionClosed as error:
            raise _lost(error) from None

    async def receive_json(self) -> Any:
        """Wait for the next frame and decode it from JSON; raises what `receive` raises."""
        return msgspec.json.decode(await self.receive())

    async def authenticate(self, credentials: Credentials | None = None) -> AuthAnswer:
        """Send the authentication packet and return the answer, positive or negative.

        Args:
            credentials: the identity; by default a fresh guest.
        """
        await self.send_json((credentials or Credentials.guest()).packet())
        return parse_auth_answer(await self.receive())

    async def wait_closed(self) -> ConnectionLostError:
        """Wait until the connection is closed and return how; frames before that are dropped."""
        while True:
            try:
                await self._websocket.recv()
            except ConnectionClosed as error:
                return _lost(error)

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Close with a closing handshake."""
        await self._websocket.close(code, reason)

    def drop(self) -> None:
        """Cut the TCP connection without a closing handshake, as a crashed client does."""
        self._websocket.transport.abort()


def _lost(closed: ConnectionClosed) -> ConnectionLostError:
    # Without a close frame from the peer, our own says why we gave up (1009: frame too big).
    frame = closed.rcvd or closed.sent
    return ConnectionLostError(frame.code, frame.reason) if frame else ConnectionLostError()


@asynccontextmanager
async def connect_raw(
    address: str,
    namespace: str,
    *,
    headers: dict[str, str] | None = None,
    open_timeout: float = OPEN_TIMEOUT,
    answer_timeout: float | None = ANSWER_TIMEOUT,
) -> AsyncIterator[RawConnection]:
    """Open a websocket to `ws://address/namespace`; nothing is sent on it yet.

    Args:
        address: `host:port`.
        namespace: such as `llm`; a query string may follow.
        headers: extra headers of the handshake.
        open_timeout: seconds until the handshake must be done.
        answer_timeout: seconds that `receive` waits for a frame; None waits for ever.

    Raises:
        ConnectError: nothing listens there, or the handshake was refused.
    """
    try:
        websocket = await open_websocket(
            f"ws://{address}/{namespace}",
            additional_headers=headers,
            logger=_logger,
            # Hosts are on this machine or network: ignore proxies of the environment.
            proxy=None,
            compression=None,
            max_size=MAX_FRAME,
            open_timeout=open_timeout,
            close_timeout=2,
            # A busy host answers pings late, so only a long silence means that it is gone.
            ping_timeout=120,
        )
    except InvalidStatus as error:
        status = error.response.status_code
        raise ConnectError(address, f"HTTP status {status} for /{namespace}", status) from None
    except (InvalidHandshake, InvalidMessage, InvalidURI) as error:
        raise ConnectError(address, f"not a websocket: {_one_line(error)}") from None
    except (TimeoutError, asyncio.TimeoutError):
        raise ConnectError(address, f"no answer within {open_timeout:g} s") from None
    except OSError as error:
        raise ConnectError(address, _one_line(error)) from None
    try:
        yield RawConnection(websocket, answer_timeout)
    finally:
        await websocket.close()


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__
