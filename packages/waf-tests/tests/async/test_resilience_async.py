"""Long-lived async clients survive restarts, idle rules and large messages."""

from __future__ import annotations

from collections.abc import Callable

import anyio.to_thread
import lmstudio
import pytest
from waf_tests.client import AsyncClient
from waf_tests.edge import Edge
from waf_tests.secret import Secret
from waf_tests.testing.blocked_errors import BLOCKED
from waf_tests.testing.raw_requests import open_silent_websocket
from waf_tests.testing.recording_origin import RecordingOrigin
from waf_tests.testing.set_ping_interval import ping_every

pytestmark = pytest.mark.anyio

MakeEdge = Callable[..., Edge]
Trust = Callable[[Edge], None]

# Cloudflare closes a websocket after 100 s of silence, and the SDK pings every 20 s. These are
# shorter.
IDLE_SECONDS = 1.0
PING_SECONDS = 0.1
MEBIBYTE = 1 << 20


async def test_edge_restart_async(make_edge: MakeEdge, trust: Trust) -> None:
    """After a restart of the edge, an open client reconnects its session, with its key."""
    with RecordingOrigin() as origin:
        edge = make_edge(origin.address)
        trust(edge)
        async with AsyncClient(edge.api_host, x_api_key=edge.key.reveal()) as client:
            assert list(await client.list_downloaded_models()) == []
            edge.stop()
            with pytest.raises(lmstudio.LMStudioWebsocketError):
                await client.list_downloaded_models()
            edge.start()
            count = len(origin.requests)
            await client.system.aclose()
            await client.system.connect()
            assert list(await client.list_downloaded_models()) == []
        edge.stop()
    (handshake,) = origin.requests[count:]
    assert handshake.target == "/system"
    assert handshake.values("x-api-key") == [edge.key.reveal()]


async def test_new_client_after_restart_async(make_edge: MakeEdge, trust: Trust) -> None:
    """A new client does not reach an edge that is down, but does so after the edge's restart."""
    with RecordingOrigin() as origin:
        edge = make_edge(origin.address)
        trust(edge)
        edge.stop()
        with pytest.raises(lmstudio.LMStudioClientError, match="not reachable"):
            async with AsyncClient(edge.api_host, x_api_key=edge.key.reveal()):
                pass
        edge.start()
        async with AsyncClient(edge.api_host, x_api_key=edge.key.reveal()) as client:
            assert list(await client.list_downloaded_models()) == []
        edge.stop()


async def test_key_changed_meanwhile_async(make_edge: MakeEdge, trust: Trust) -> None:
    """When the edge comes back with another key, reconnecting is blocked."""
    with RecordingOrigin() as origin:
        edge = make_edge(origin.address)
        trust(edge)
        async with AsyncClient(edge.api_host, x_api_key=edge.key.reveal()) as client:
            assert list(await client.list_downloaded_models()) == []
            edge.stop()
            edge.change_key(Secret("another-key"))
            edge.start()
            await client.system.aclose()
            with pytest.raises(BLOCKED):
                await client.system.connect()
        edge.stop()


@pytest.mark.slow
async def test_pings_keep_idle_connection_async(
    make_edge: MakeEdge, trust: Trust, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The SDK's pings, and they alone, keep the connection of an idle client open."""
    with RecordingOrigin() as origin:
        edge = make_edge(origin.address, idle_seconds=IDLE_SECONDS)
        trust(edge)
        ping_every(PING_SECONDS, monkeypatch)
        async with AsyncClient(edge.api_host, x_api_key=edge.key.reveal()) as pinging:
            assert list(await pinging.list_downloaded_models()) == []
            ping_every(None, monkeypatch)
            async with AsyncClient(edge.api_host, x_api_key=edge.key.reveal()) as silent:
                assert list(await silent.list_downloaded_models()) == []
                with open_silent_websocket(edge) as last:
                    # This websocket was opened last and is closed last, after all other idle ones.
                    # sync: use last.wait_until_closed()
                    await anyio.to_thread.run_sync(last.wait_until_closed)
                assert list(await pinging.list_downloaded_models()) == []
                with pytest.raises(lmstudio.LMStudioWebsocketError):
                    await silent.list_downloaded_models()
        edge.stop()


@pytest.mark.parametrize("size", [0, 1, 100_000, 24 * MEBIBYTE])
async def test_upload_async(size: int, edge: Edge, key: Secret) -> None:
    """A file of any size gets through the edge complete, in one websocket message."""
    async with AsyncClient(edge.api_host, x_api_key=key.reveal()) as client:
        handle = await client.prepare_image(bytes(size), "picture.png")
    assert handle.size_bytes == size
