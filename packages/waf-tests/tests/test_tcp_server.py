"""A test's own TCP server closes every connection at its end, and reports a taken port."""

from __future__ import annotations

import asyncio
import gc
import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import ExitStack, suppress

import pytest
from waf_tests.edge.certificates import issue
from waf_tests.testing.connect_proxy import ConnectProxy
from waf_tests.testing.recording_origin import RecordingOrigin
from waf_tests.testing.tcp_server import TcpServer

ROUNDS = 20
# A bound for a connection that stays open; all of it takes milliseconds.
PATIENCE = 5


async def say_nothing(reader: object, writer: object) -> None:
    """Serve a client without an answer."""
    await asyncio.Event().wait()


async def say_nothing_in_tasks(reader: object, writer: object) -> None:
    """Serve a client without an answer in two further tasks, as a proxy does."""
    await asyncio.gather(say_nothing(reader, writer), say_nothing(reader, writer))


def connect(server: TcpServer) -> socket.socket:
    """Return a connection to the server."""
    return socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE)


def assert_closed(client: socket.socket) -> None:
    """Fail unless the server has closed the connection, on which it has sent nothing."""
    with suppress(ConnectionError):
        assert client.recv(1) == b""


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda: TcpServer(say_nothing), id="server"),
        pytest.param(lambda: TcpServer(say_nothing_in_tasks), id="server-with-tasks"),
        pytest.param(RecordingOrigin, id="origin"),
        pytest.param(lambda: ConnectProxy({}), id="proxy"),
    ],
)
def test_connection_at_the_last_moment_is_closed(make: Callable[[], TcpServer]) -> None:
    """A connection that arrives while the server stops is closed like all others."""
    for _ in range(ROUNDS):
        with ExitStack() as connections:
            with make() as server:
                client = connections.enter_context(connect(server))
            assert_closed(client)


def test_tls_handshake_is_cut_off(tmp_path_factory: pytest.TempPathFactory) -> None:
    """A client that does not begin its TLS handshake is cut off when the server stops."""
    certificate = issue("127.0.0.1")
    file = tmp_path_factory.mktemp("tls") / "server.pem"
    file.write_text(certificate.private_key + certificate.certificate)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(file)
    with ExitStack() as connections:
        with TcpServer(say_nothing, tls=context) as server:
            client = connections.enter_context(connect(server))
        assert_closed(client)


def test_tunnel_is_cut_off() -> None:
    """A proxy that stops closes a tunnel that both sides have left open."""
    with RecordingOrigin() as origin, ExitStack() as connections:
        with ConnectProxy({"host.test:1": origin.address}) as proxy:
            client = connections.enter_context(connect(proxy))
            client.sendall(b"CONNECT host.test:1 HTTP/1.1\r\n\r\n")
            assert client.recv(1 << 16).startswith(b"HTTP/1.1 200 ")
        assert_closed(client)


def test_connection_outlives_its_client() -> None:
    """A connection that its client has closed is served until the server stops."""
    at_end = threading.Semaphore(0)
    endings: list[type[BaseException]] = []

    async def serve(reader: asyncio.StreamReader, writer: object) -> None:
        await reader.read()
        at_end.release()
        try:
            await asyncio.Event().wait()
        except BaseException as error:
            endings.append(type(error))
            raise

    with TcpServer(serve) as server:
        for _ in range(2):  # when the second is served, the first one waits
            connect(server).close()
            assert at_end.acquire(timeout=PATIENCE)
        gc.collect()
    assert endings == [asyncio.CancelledError] * 2


def test_taken_port_is_an_error() -> None:
    """A server whose port is taken raises an error on entering and does not wait for ever."""
    with TcpServer(say_nothing) as first, pytest.raises(OSError, match="in use"):
        TcpServer(say_nothing, port=first.port).__enter__()
