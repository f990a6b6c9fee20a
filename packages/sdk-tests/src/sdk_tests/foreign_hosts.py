"""Loopback addresses without LM Studio: a closed port and servers of another kind."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer


def closed_address() -> str:
    """Return the "host:port" of a loopback port on which nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{probe.getsockname()[1]}"


@contextmanager
def http_host(status: int, body: bytes) -> Iterator[tuple[str, list[str]]]:
    """Answer every GET in the same way; yield the "host:port" and the growing list of paths."""
    paths: list[str] = []

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            paths.append(self.path)
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (name is inherited)
            """Log nothing, so that the test's output stays clean."""

    with _running(HTTPServer(("127.0.0.1", 0), Answer)) as address:
        yield address, paths


@contextmanager
def hanging_up_host() -> Iterator[str]:
    """Read each request and close the connection without an answer; yield the "host:port"."""

    class HangUp(BaseHTTPRequestHandler):
        def handle(self) -> None:
            self.connection.recv(65536)

    with _running(HTTPServer(("127.0.0.1", 0), HangUp)) as address:
        yield address


@contextmanager
def _running(server: HTTPServer) -> Iterator[str]:
    # A short poll interval: shutdown() waits for the next poll.
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
