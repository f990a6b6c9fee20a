"""Calls of the `system` namespace that would change the server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anyio
import pytest
from model_fixtures.hosts.embedded_server import EmbeddedServer
from model_fixtures.wire_client import ConnectionLostError, RpcError, connect

pytestmark = pytest.mark.anyio

HANGS = 30  # seconds; one is the aim, but the machine may be busy


@pytest.mark.difference("http-server-calls")
@pytest.mark.parametrize(
    "wanted",
    [
        {},
        {"cors": False},
        {"networkInterface": "127.0.0.1", "cors": False},
        {"networkInterface": "localhost"},
    ],
)
async def test_http_server_as_it_is(address: str, wanted: dict[str, Any]) -> None:
    """HTTP is on, at the server's own port; asking for exactly that succeeds."""
    port = int(address.rpartition(":")[2])
    async with connect(address, "system") as system:
        assert await system.rpc("startHttpServer", {**wanted, "port": port}) is None
        assert await system.rpc("startHttpServer", wanted) is None


@pytest.mark.difference("http-server-calls")
@pytest.mark.parametrize(
    ("wanted", "reason"),
    [
        ({"networkInterface": "0.0.0.0"}, "listens on 127.0.0.1 only, not on 0.0.0.0"),  # noqa: S104
        ({"networkInterface": "::1"}, "listens on 127.0.0.1 only, not on ::1"),
        ({"networkInterface": "192.168.1.5"}, "listens on 127.0.0.1 only, not on 192.168.1.5"),
        ({"networkInterface": ""}, "listens on 127.0.0.1 only"),
        ({"port": 1}, "not on 1"),
        ({"cors": True}, "Start it with --cors"),
    ],
)
async def test_http_server_as_it_is_not(address: str, wanted: dict[str, Any], reason: str) -> None:
    """A change that a running server can't make is an error, never a success without effect."""
    async with connect(address, "system") as system:
        with pytest.raises(RpcError) as caught:
            await system.rpc("startHttpServer", wanted)
    assert reason in str(caught.value.error)


async def test_http_server_for_pages() -> None:
    """For a server that was started with --cors, a call that asks for `cors` succeeds."""
    with EmbeddedServer(["--cors"]) as server:
        async with connect(server.address, "system") as system:
            assert await system.rpc("startHttpServer", {"cors": True}) is None


@pytest.mark.difference("request-shutdown")
async def test_shutdown_is_not_for_clients(address: str) -> None:
    """A server that was not started with --allow-shutdown goes on, and says how to allow it."""
    async with connect(address, "system") as system:
        with pytest.raises(RpcError) as caught:
            await system.rpc("requestShutdown")
        assert caught.value.error["suggestion"] == "Start it with --allow-shutdown"
        assert (await system.rpc("info"))["isDaemon"] is True


@pytest.mark.difference("request-shutdown")
async def test_shutdown(tmp_path: Path) -> None:
    """With --allow-shutdown the call is answered, and the server ends in order."""
    log = tmp_path / "log"
    with EmbeddedServer(["--allow-shutdown"], log=log) as server:
        pid = server.pid
        assert pid is not None
        async with connect(server.address, "system") as system:
            assert await system.rpc("requestShutdown") is None
            with pytest.raises(ConnectionLostError):
                async with system.channel("alive") as channel:
                    await channel.__anext__()
        with anyio.fail_after(HANGS):
            while server.exit_status is None:
                await anyio.sleep(0.01)
        assert server.exit_status == 0
    assert log.read_text(encoding="utf-8").endswith("INFO a client ends the server\n")
