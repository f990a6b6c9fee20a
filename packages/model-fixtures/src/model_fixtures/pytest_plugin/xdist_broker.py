"""Requests of xdist workers to the process that owns the host: one JSON line each way."""

from __future__ import annotations

import functools
import hmac
import json
import secrets
import socket
import socketserver
import threading
from collections.abc import Callable, Sequence
from typing import Any

_LINE = 2**24  # bytes; a request may list many node ids
_CONNECT_TIMEOUT = 10.0


class XdistBroker:
    """A server on loopback that answers the requests of workers until it is closed.

    Args:
        answer: called with a request and its arguments, in a new thread each time; returns the
            JSON object to answer with.
    """

    def __init__(self, answer: Callable[[str, list[str]], dict[str, Any]]) -> None:
        # Other users of the machine can connect too, but do not know the key.
        self.key = secrets.token_hex(16)

        class Handler(socketserver.StreamRequestHandler):
            timeout = _CONNECT_TIMEOUT

            def handle(handler) -> None:  # noqa: N805 (`self` is the broker here)
                line = json.loads(handler.rfile.readline(_LINE))
                if hmac.compare_digest(str(line["key"]).encode(), self.key.encode()):
                    handler.wfile.write(
                        json.dumps(answer(line["request"], line["arguments"])).encode() + b"\n"
                    )

        self._server = _Server(("127.0.0.1", 0), Handler)
        self.port: int = self._server.server_address[1]
        # Closing waits for at most one poll interval.
        serve = functools.partial(self._server.serve_forever, poll_interval=0.1)
        threading.Thread(target=serve, name="broker", daemon=True).start()

    def close(self) -> None:
        """Stop accepting requests."""
        self._server.shutdown()
        self._server.server_close()


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    # A request that still waits for the embedded server must not delay the end of the run.
    block_on_close = False

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore errors of a connection: the client is a stranger, or a worker that has ended."""


def ask(port: int, key: str, request: str, arguments: Sequence[str] = ()) -> dict[str, Any]:
    """Send a request to a broker and return its answer.

    Args:
        port: the broker's port on loopback.
        key: the broker's key.
        request: the name of the request.
        arguments: what it is about: node ids, or a moment.

    Raises:
        OSError: the broker is gone.
    """
    with socket.create_connection(("127.0.0.1", port), _CONNECT_TIMEOUT) as connection:
        # The answer may take as long as a download.
        connection.settimeout(None)
        line = json.dumps({"key": key, "request": request, "arguments": arguments})
        connection.sendall(line.encode() + b"\n")
        with connection.makefile("rb") as stream:
            reply = stream.readline()
    if not reply:
        raise ConnectionError("the broker closed the connection")
    answer: dict[str, Any] = json.loads(reply)
    return answer
