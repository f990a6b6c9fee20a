"""A host that accepts what a client sends and leaves it without an answer."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable

from .origin_websocket import OriginWebsocket
from .recording_origin import GREETING_ANSWER
from .tcp_server import TcpServer

_CHUNK = 65536
_HEAD_END = b"\r\n\r\n"


class SilentHost(TcpServer):
    """A host that calls `on_waiting` when a client begins to wait for it; a context manager.

    It accepts websockets, but does not answer a client that identifies itself; with `silent_probe`
    it does not answer the HTTP probe either. `hung_up` is set when a waiting client has closed its
    connection.
    """

    def __init__(self, on_waiting: Callable[[], object], *, silent_probe: bool = False) -> None:
        """Choose the behaviour; the port is taken on entering."""
        super().__init__(self._converse)
        self.hung_up = threading.Event()
        self._on_waiting = on_waiting
        self._silent_probe = silent_probe

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(_HEAD_END)
        if b"upgrade: websocket" in head.lower():
            writer.write(OriginWebsocket().receive(head))
            await reader.read(_CHUNK)  # the client's identity
        elif not self._silent_probe:
            writer.write(GREETING_ANSWER.encode())
            await writer.drain()
            return
        self._on_waiting()
        with contextlib.suppress(ConnectionError):  # closed without notice
            while await reader.read(_CHUNK):
                pass
        self.hung_up.set()
