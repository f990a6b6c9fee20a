"""Calls of the `system` namespace that would change the server."""

from __future__ import annotations

from typing import Any

import pytest
from model_fixtures.hosts.embedded_server import EmbeddedServer
from model_fixtures.wire_client import RpcError, connect

pytestmark = pytest.mark.anyio


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
