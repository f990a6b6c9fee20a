"""The key opens a real host behind Cloudflare, if configured: `hatch run waf:test -- -k real`."""

from __future__ import annotations

from typing import Any

import pytest
from waf_tests.client import AsyncClient, BlockedByFirewallError
from waf_tests.testing.almost_right_key import almost_right
from waf_tests.testing.blocked_errors import BLOCKED
from waf_tests.testing.cloudflare_host import CloudflareHost

pytestmark = pytest.mark.anyio


def open_client(real_host: CloudflareHost, **keys: Any) -> AsyncClient:
    """Return a client of the real host, with its API token if it needs one."""
    token = real_host.token.reveal() if real_host.token else None
    return AsyncClient(real_host.api_host, token, **keys)


async def test_real_parameter_async(real_host: CloudflareHost) -> None:
    """x_api_key opens the real host, which lists its models."""
    async with open_client(real_host, x_api_key=real_host.key.reveal()) as client:
        assert len(await client.list_downloaded_models()) > 0


async def test_real_dict_async(real_host: CloudflareHost) -> None:
    """http_headers opens the real host."""
    async with open_client(real_host, http_headers={"x-api-key": real_host.key.reveal()}) as client:
        assert len(await client.list_downloaded_models()) > 0


async def test_real_environment_async(
    real_host: CloudflareHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    """LMSTUDIO_X_API_KEY opens the real host."""
    monkeypatch.setenv("LMSTUDIO_X_API_KEY", real_host.key.reveal())
    async with open_client(real_host) as client:
        assert len(await client.list_downloaded_models()) > 0


@pytest.mark.parametrize("namespace", ["llm", "embedding"])
async def test_real_namespaces_async(namespace: str, real_host: CloudflareHost) -> None:
    """The websockets of the model namespaces get through to the real host."""
    async with open_client(real_host, x_api_key=real_host.key.reveal()) as client:
        assert isinstance(await getattr(client, namespace).remote_call("listLoaded"), list)


async def test_real_no_key_async(real_host: CloudflareHost) -> None:
    """Without the key the real host's firewall blocks the client and gives a ray id."""
    with pytest.raises(BLOCKED) as caught:
        async with open_client(real_host):
            pass
    if isinstance(caught.value, BlockedByFirewallError):  # an SDK's own error may have none
        assert caught.value.ray_id


async def test_real_wrong_key_async(real_host: CloudflareHost) -> None:
    """With an almost right key the real host's firewall blocks the client."""
    with pytest.raises(BLOCKED):
        async with open_client(real_host, x_api_key=almost_right(real_host.key).reveal()):
            pass


async def test_real_prediction_async(real_host: CloudflareHost) -> None:
    """A stream from a model that the real host has loaded adds up to its result."""
    async with open_client(real_host, x_api_key=real_host.key.reveal()) as client:
        loaded = await client.llm.list_loaded()
        if not loaded:
            pytest.skip("the real host has no model loaded")
        stream = await loaded[0].complete_stream("Once upon a time", config={"maxTokens": 16})
        text = ""
        async for fragment in stream:
            text += fragment.content
        assert text == stream.result().content
        assert text
