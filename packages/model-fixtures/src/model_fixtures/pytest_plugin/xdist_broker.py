"""How xdist workers ask the process that owns the host: one line each way over loopback."""

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

# Lists of node ids can be long.
_LINE = 2**24
_CONNECT_TIMEOUT = 10.0


class Broker:
    """Answers requests until it is closed.

    Args:
        answer: gets a request with its tests and gives a JSON object; called in a thread of its
            own each time.
    """

    def __init__(self, answer: Callable[[str, list[str]], dict[str, Any]]) -> None:
        # Other users of the machine can connect, too.
        self.key = secrets.token_hex(16)

        class Handler(socketserver.StreamRequestHandler):
            timeout = _CONNECT_TIMEOUT

            def handle(handler) -> None:  # noqa: N805 (`self` is the broker here)
                line = json.loads(handler.rfile.readline(_LINE))
                if hmac.compare_digest(str(line["key"]), self.key):
                    handler.wfile.write(
                        json.dumps(answer(line["request"], line["tests"])).encode() + b"\n"
                    )

        self._server = _Server(("127.0.0.1", 0), Handler)
        self.port: int = self._server.server_address[1]
        # Closing waits for one poll interval at most.
        serve = functools.partial(self._server.serve_forever, poll_interval=0.1)
        threading.Thread(target=serve, name="broker", daemon=True).start()

    def close(self) -> None:
        """Take no more requests."""
        self._server.shutdown()
        self._server.server_close()


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    # Requests that wait for the server must not hold up the end of the run.
    block_on_close = False

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore the errors of one connection: a stranger wrote, or a worker went away."""


def ask(port: int, key: str, request: str, tests: Sequence[str] = ()) -> dict[str, Any]:
    """Put a request to a broker and wait for its answer.

    Args:
        port: of the broker on loopback.
        key: of the broker.
        request: what is wanted.
        tests: node ids that the request is about.

    Raises:
        ConnectionError: the broker went away.
    """
    with socket.create_connection(("127.0.0.1", port), _CONNECT_TIMEOUT) as connection:
        # The answer may take as long as a download.
        connection.settimeout(None)
        line = json.dumps({"key": key, "request": request, "tests": tests})
        connection.sendall(line.encode() + b"\n")
        with connection.makefile("rb") as stream:
            reply = stream.readline()
    if not reply:
        msg = "the broker closed the connection"
        raise ConnectionError(msg)
    answer: dict[str, Any] = json.loads(reply)
    return answer
