"""TCP's keep-alive on connections of the server."""

from __future__ import annotations

import asyncio
import socket

import pytest
import uvicorn.server
from model_fixtures.server.transport.connection_deadlines import ConnectionConfig, HttpConnection
from starlette.types import Receive, Scope, Send


@pytest.mark.anyio
async def test_options_of_a_connection() -> None:
    """The system looks after a silent client, and gives it up after two minutes."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        """Answer nothing."""

    config = ConnectionConfig(app, request_seconds=10, log_config=None, access_log=False)
    config.load()
    made: list[HttpConnection] = []

    def connection() -> HttpConnection:
        made.append(HttpConnection(config, uvicorn.server.ServerState(), {}))
        return made[0]

    listening = await asyncio.get_running_loop().create_server(connection, "127.0.0.1", 0)
    async with listening:
        port = listening.sockets[0].getsockname()[1]
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        while not made:
            await asyncio.sleep(0)
        own = made[0].transport.get_extra_info("socket")
        assert own.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        expected = {"TCP_KEEPIDLE": 60, "TCP_KEEPALIVE": 60, "TCP_KEEPINTVL": 15, "TCP_KEEPCNT": 4}
        for name, value in expected.items():
            if hasattr(socket, name):
                assert own.getsockopt(socket.IPPROTO_TCP, getattr(socket, name)) == value
        made[0].transport.abort()
        writer.close()
