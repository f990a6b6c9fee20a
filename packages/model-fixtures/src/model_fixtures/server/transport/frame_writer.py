"""Text frames on the short way to a websocket: around ASGI, and many in one write."""

from __future__ import annotations

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.protocol import State

EXTENSION = "model_fixtures.frame_writer"  # in a scope's `extensions`
MOST_HELD = 64 * 1024  # bytes that are held back for the end of the event loop's step


class FrameWriter:
    """Writes text frames; those of one step of the event loop leave together.

    Args:
        connection: the websocket to write to.
    """

    def __init__(self, connection: WebSocketsSansIOProtocol) -> None:
        self._connection = connection
        self._size = 0  # bytes held back, about
        self._scheduled = False

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
        self._connection.conn.send_text(text)
        self._size += len(text)
        if self._size > MOST_HELD:
            self._send()
        elif not self._scheduled:
            self._scheduled = True
            self._connection.loop.call_soon(self._end_of_step)

    def _end_of_step(self) -> None:
        self._scheduled = False
        self._send()

    def _send(self) -> None:
        """Send what is held back, unless uvicorn has sent it with something else."""
        self._size = 0
        data = b"".join(self._connection.conn.data_to_send())
        if data and not self._connection.transport.is_closing():
            self._connection.transport.write(data)
