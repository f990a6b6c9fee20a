"""A relay of bytes that sends websockets one way, and all other HTTP another."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

_CHUNK = 65536
_LONGEST_HEAD = 2**20  # bytes
_HEAD_END = b"\r\n\r\n"
_UPGRADE = re.compile(rb"^upgrade:[ \t]*websocket[ \t]*\r$", re.IGNORECASE | re.MULTILINE)
_CONNECTION = re.compile(rb"\r\n(?:connection|keep-alive):[^\r\n]*", re.IGNORECASE)
_UNREACHABLE = b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"

Place = tuple[str, int]


class PlainRelay:
    """A relay on a free loopback port.

    Args:
        plain: where HTTP requests go.
        websockets: where the handshakes of websockets go.
    """

    def __init__(self, plain: Place, websockets: Place) -> None:
        self._plain = plain
        self._websockets = websockets
        self._open: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def listen(self) -> AsyncIterator[int]:
        """Relay in the block, and yield the port."""
        server = await asyncio.start_server(self._accept, "127.0.0.1", 0, limit=_LONGEST_HEAD)
        try:
            yield server.sockets[0].getsockname()[1]
        finally:
            server.close()
            for task in self._open:
                task.cancel()
            await asyncio.gather(*self._open, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._open.add(task)
        try:
            await self._relay(reader, writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # one side is gone, or it was no HTTP
        except asyncio.CancelledError:
            pass  # the end of the block; asyncio would log it
        finally:
            self._open.discard(task)
            writer.close()  # after what is still to be sent

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(_HEAD_END)
        if _UPGRADE.search(head):
            place = self._websockets
        else:
            place = self._plain
            # One request for each connection: a later one might open a websocket.
            head = _CONNECTION.sub(b"", head[: -len(_HEAD_END)]) + b"\r\nConnection: close"
            head += _HEAD_END
        try:
            behind, to_behind = await asyncio.open_connection(*place)
        except OSError:
            writer.write(_UNREACHABLE)
            return
        try:
            to_behind.write(head)
            await asyncio.gather(_copy(reader, to_behind), _copy(behind, writer))
        finally:
            to_behind.transport.abort()


async def _copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    while chunk := await source.read(_CHUNK):
        target.write(chunk)
        await target.drain()
    with suppress(OSError, RuntimeError):
        target.write_eof()
