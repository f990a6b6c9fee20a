"""Servers that are LM Studio hosts, and others."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

MakeHttp = Callable[..., str]
MakeRaw = Callable[[Callable[[socket.socket], None]], str]


@contextmanager
def http_server(answer: Callable[[str], tuple[int, bytes]]) -> Iterator[str]:
    """Run a server that answers each path with a status and a body, and yield its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = answer(self.path)
            with suppress(OSError):
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def raw_server(talk: Callable[[socket.socket], None]) -> Iterator[str]:
    """Run a server that calls `talk` with its first connection, and yield its address."""
    listener = socket.create_server(("127.0.0.1", 0))

    def accept() -> None:
        with suppress(OSError):
            connection, _ = listener.accept()
            with connection:
                talk(connection)

    thread = threading.Thread(target=accept)
    thread.start()
    try:
        yield f"127.0.0.1:{listener.getsockname()[1]}"
    finally:
        # End an `accept` that still waits for a client.
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


@pytest.fixture
def serve_http() -> Iterator[MakeHttp]:
    """Provide a function that starts an HTTP server with a fixed answer or one for each path."""
    with ExitStack() as stack:

        def make(
            status: int = 200,
            body: bytes = b'{"lmstudio":true}',
            answer: Callable[[str], tuple[int, bytes]] | None = None,
        ) -> str:
            return stack.enter_context(http_server(answer or (lambda _path: (status, body))))

        yield make


@pytest.fixture
def serve_raw() -> Iterator[MakeRaw]:
    """Provide a function that starts a server which sends and receives plain bytes."""
    with ExitStack() as stack:
        yield lambda talk: stack.enter_context(raw_server(talk))


@pytest.fixture
def closed_address() -> Iterator[str]:
    """Provide an address where nothing listens."""
    with closing(socket.socket()) as held:
        held.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{held.getsockname()[1]}"
