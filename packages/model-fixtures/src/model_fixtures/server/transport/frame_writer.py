"""Text frames on the short way to a websocket: around ASGI, and many in one write."""

from __future__ import annotations

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.protocol import State

EXTENSION = "model_fixtures.frame_writer"  # in a scope's `extensions`
MOST_HELD = 64 * 1024  # bytes that are held back for the end of the event loop's step

_TEXT = 0x81  # a complete text message


class FrameWriter:
    """Writes text frames; those of one step of the event loop leave together.

    Args:
        connection: the websocket to write to.
    """

    def __init__(self, connection: WebSocketsSansIOProtocol) -> None:
        self._connection = connection
        self._held: list[bytes] = []
        self._size = 0

    @property
    def ready(self) -> bool:
        """Whether the client takes what is written; otherwise frames have to wait."""
        connection = self._connection
        return (
            connection.writable.is_set()
            and not connection.close_sent
            and not connection.transport.is_closing()
            and connection.conn.state is State.OPEN
        )

    def write(self, text: bytes) -> None:
        """Write a text in UTF-8; the writer must be ready."""
        if not self._held:
            self._connection.loop.call_soon(self.flush)
        self._held += (_head(len(text)), text)
        self._size += len(text)
        if self._size > MOST_HELD:
            self.flush()

    def flush(self) -> None:
        """Send what is held back."""
        if self._held:
            data = b"".join(self._held)
            self._held.clear()
            self._size = 0
            if not self._connection.transport.is_closing():
                self._connection.transport.write(data)


def _head(length: int) -> bytes:
    """Return what stands before a text of so many bytes in a server's frame."""
    if length < 126:
        return bytes((_TEXT, length))
    if length < 2**16:
        return bytes((_TEXT, 126)) + length.to_bytes(2, "big")
    return bytes((_TEXT, 127)) + length.to_bytes(8, "big")
