"""Clients that hold the server up: they send half a request, read nothing, take every handle."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import ExitStack, closing
from http.client import HTTPConnection
from pathlib import Path

import anyio
import pytest
from model_fixtures.hosts import greeting_problem
from model_fixtures.hosts.embedded_server import EmbeddedServer
from model_fixtures.wire_client import Credentials, RpcError, connect

pytestmark = pytest.mark.anyio

PATIENCE = 30.0  # far more than anything here takes
HANDSHAKE = (
    b"GET /system HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)
UNFINISHED = {
    "nothing": b"",
    "half a request line": b"GET /lmstudio-gree",
    "half the headers": b"GET /lmstudio-greeting HTTP/1.1\r\nHost: localhost\r\nAcc",
    "half a body": b"POST /v1/embeddings HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n{",
    "half an upgrade": b"GET /llm HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n",
}


@pytest.fixture(scope="module")
def impatient() -> Iterator[str]:
    """Provide the `host:port` of a server that gives clients little time."""
    with EmbeddedServer(["--authentication-timeout", "0.2"]) as server:
        yield server.address


def dial(address: str) -> socket.socket:
    """Return a TCP connection."""
    host, _, port = address.rpartition(":")
    return socket.create_connection((host, int(port)), PATIENCE)


@pytest.mark.parametrize("bytes_", UNFINISHED.values(), ids=UNFINISHED)
def test_request_that_never_ends(impatient: str, bytes_: bytes) -> None:
    """The server closes the connection of a client that does not finish its request."""
    with dial(impatient) as connection:
        connection.sendall(bytes_)
        assert connection.recv(1) == b""


def masked(message: object) -> bytes:
    """Return a text frame as a client sends it, with a mask that changes nothing."""
    content = json.dumps(message).encode()
    return b"\x81\xff" + len(content).to_bytes(8, "big") + bytes(4) + content


@pytest.mark.difference("client-never-reads")
def test_client_that_never_reads_is_gone() -> None:
    """The server queues a limited amount for a client; beyond it the connection is reset.

    Each call here is to an endpoint with a long name, which the error repeats.
    """
    call = masked({"type": "rpcCall", "endpoint": "x" * 2**20, "callId": 0})
    with EmbeddedServer(["--answer-unknown"]) as server, dial(server.address) as connection:
        connection.sendall(HANDSHAKE)
        assert connection.recv(2**16).startswith(b"HTTP/1.1 101")
        connection.sendall(masked(Credentials.guest().packet()))
        with pytest.raises((ConnectionResetError, BrokenPipeError)):
            send_much(connection, call)


def send_much(connection: socket.socket, frame: bytes) -> None:
    """Send far more than anybody keeps, or until the other side stops reading."""
    for _ in range(1000):
        connection.sendall(frame)


async def test_no_handle_left(tmp_path: Path) -> None:
    """Without a handle left, new connections wait, old ones work, and each failure is one line."""
    resource = pytest.importorskip("resource")
    if not hasattr(resource, "prlimit"):
        pytest.skip("only Linux limits a process that runs")
    log = tmp_path / "server.log"
    (tmp_path / "home" / "models").mkdir(parents=True)
    home = ("--home", str(tmp_path / "home"))
    patient = EmbeddedServer([*home, "--authentication-timeout", "600"], log=log)
    with patient as server, ExitStack() as others:
        web = others.enter_context(closing(HTTPConnection(server.address, timeout=PATIENCE)))
        web.connect()  # accepted before the others
        async with connect(server.address, "system") as system:
            handles = len(list(Path(f"/proc/{server.pid}/fd").iterdir()))
            resource.prlimit(server.pid, resource.RLIMIT_NOFILE, (handles + 10, handles + 10))
            for _ in range(40):
                others.enter_context(dial(server.address))
            with anyio.fail_after(PATIENCE):
                while "cannot accept connections" not in log.read_text():
                    await anyio.sleep(0.01)
            # Whatever the server wrote about it before its answer is in the log by now.
            assert await system.rpc("version")
            (line,) = log.read_text().splitlines()
            assert "ulimit -n" in line
            # A call that needs a handle fails with one line for the client and one in the log.
            with pytest.raises(RpcError, match="no handle or memory left"):
                await system.rpc("listDownloadedModels")
            assert len(log.read_text().splitlines()) == 2
            web.request("GET", "/v1/models")
            answer = web.getresponse()
            error = json.load(answer)["error"]
            assert (answer.status, error["code"]) == (503, "server_overloaded")
            assert "no handle or memory left for /v1/models" in error["message"]
            assert len(log.read_text().splitlines()) == 3
            others.close()
            assert greeting_problem(server.address, PATIENCE) is None
    assert "Traceback" not in log.read_text()
