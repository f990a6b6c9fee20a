"""A host that a client waits for in vain: it takes what is sent and does not answer."""

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
    """Context manager around a listening port; calls `on_waiting` when a client begins to wait.

    Websockets are opened, but nobody who says who he is gets an answer; with `silent_probe` the
    HTTP probe gets none either. `hung_up` is set when a client that waits has closed its side.
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
            await reader.read(_CHUNK)  # who the client is
        elif not self._silent_probe:
            writer.write(GREETING_ANSWER.encode())
            await writer.drain()
            return
        self._on_waiting()
        with contextlib.suppress(ConnectionError):  # closed without a goodbye
            while await reader.read(_CHUNK):
                pass
        self.hung_up.set()
