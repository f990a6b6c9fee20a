"""A hub on loopback: files by their paths, and answers that stop half-way."""

from __future__ import annotations

import threading
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

GIVE_UP = 30.0  # seconds, so that a client that never leaves fails its test instead of hanging it


class TinyHub:
    """A server of `files`. A context manager.

    `asked` has the paths of all requests. For a path in `stalled` half of the file is sent, and the
    rest when `resume` takes the path out; `left` is set when a client has hung up meanwhile.
    """

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.asked: list[str] = []
        self.stalled: dict[str, threading.Event] = {}
        self.left = threading.Event()
        hub = self

        class Handler(BaseHTTPRequestHandler):
            """The hub's answers to requests."""

            timeout = GIVE_UP

            def do_GET(self) -> None:
                """Send a file, or half of it."""
                path = self.path.partition("?")[0]
                hub.asked.append(path)
                body = hub.files.get(path)
                if body is None:
                    self.send_error(404)
                    return
                self.send_response(200)
                self.send_header(
                    "Content-Type", "text/html" if path.endswith("/") else "model/gguf"
                )
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                resumed = hub.stalled.get(path)
                half = 0 if resumed is None else len(body) // 2
                with suppress(ConnectionError):
                    self.wfile.write(body[:half])
                    if resumed is not None and not self.wait_for(resumed):
                        hub.left.set()
                        return
                    self.wfile.write(body[half:])

            def wait_for(self, resumed: threading.Event) -> bool:
                """Wait until the file goes on, and return whether the client is still there."""
                self.wfile.flush()
                self.connection.settimeout(0.05)
                for _ in range(round(GIVE_UP / 0.05)):
                    if resumed.is_set():
                        return True
                    try:
                        if not self.connection.recv(1):
                            return False
                    except TimeoutError:
                        continue
                return False

            def log_message(self, *_: object) -> None:
                """Log nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))

    def __enter__(self) -> TinyHub:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        for path in list(self.stalled):
            self.resume(path)
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def stall(self, path: str) -> None:
        """Send only half of this file from now on."""
        self.left.clear()
        self.stalled[path] = threading.Event()

    def resume(self, path: str) -> None:
        """Send the rest."""
        self.stalled.pop(path).set()

    def add_wheel(self, wheel: Path, project: str) -> None:
        """Add a wheel, and the page of its project for pip."""
        self.files[f"/wheels/{wheel.name}"] = wheel.read_bytes()
        link = f'<a href="/wheels/{wheel.name}">{wheel.name}</a>'
        self.files[f"/simple/{project}/"] = link.encode()
