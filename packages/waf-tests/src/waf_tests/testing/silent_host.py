"""A host that a client waits for in vain: it takes what is sent and does not answer."""

from __future__ import annotations

import socket
import socketserver
import threading
from collections.abc import Callable
from types import TracebackType

from .origin import GREETING_ANSWER, LOOPBACK
from .websocket_peer import WebsocketPeer

_CHUNK = 65536
_HEAD_END = b"\r\n\r\n"


class SilentHost:
    """Context manager around a listening port; calls `on_waiting` when a client begins to wait.

    Websockets are opened, but nobody who says who he is gets an answer; with `silent_probe` the
    HTTP probe gets none either. `hung_up` is set when a client that waits has closed its side.
    """

    def __init__(self, on_waiting: Callable[[], object], *, silent_probe: bool = False) -> None:
        """Take a port; nothing is accepted before entering."""
        self.hung_up = threading.Event()
        host = self

        class Conversation(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                host._converse(self.request)

        self._on_waiting = on_waiting
        self._silent_probe = silent_probe
        self._server = socketserver.ThreadingTCPServer((LOOPBACK, 0), Conversation)
        self._server.daemon_threads = True  # a client that stays must not hold up the test's end
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))

    @property
    def address(self) -> str:
        """`address:port`."""
        return f"{LOOPBACK}:{self._server.server_address[1]}"

    def __enter__(self) -> SilentHost:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _converse(self, connection: socket.socket) -> None:
        head = b""
        while _HEAD_END not in head:
            received = connection.recv(_CHUNK)
            if not received:
                return
            head += received
        if b"upgrade: websocket" in head.lower():
            connection.sendall(WebsocketPeer().receive(head))
            connection.recv(_CHUNK)  # who the client is
        elif not self._silent_probe:
            connection.sendall(GREETING_ANSWER.encode())
            return
        self._on_waiting()
        try:
            while connection.recv(_CHUNK):
                pass
        except ConnectionError:
            pass  # closed without a goodbye
        self.hung_up.set()
