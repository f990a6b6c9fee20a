# DO NOT EDIT. Written by scripts/generate_sync_tests.py from
# packages/waf-tests/tests/async/test_real_host_async.py
# Change that, then: hatch run sync:generate
"""The key opens a real host behind Cloudflare, if configured: `hatch run waf:test -- -k real`."""

from __future__ import annotations

from typing import Any

import pytest
from waf_tests.client import BlockedByFirewallError, Client
from waf_tests.testing.almost_right_key import almost_right
from waf_tests.testing.blocked_errors import BLOCKED
from waf_tests.testing.cloudflare_host import CloudflareHost


def open_client(real_host: CloudflareHost, **keys: Any) -> Client:
    """Return a client of the real host, with its API token if it needs one."""
    token = real_host.token.reveal() if real_host.token else None
    return Client(real_host.api_host, token, **keys)


def test_real_parameter_sync(real_host: CloudflareHost) -> None:
    """x_api_key opens the real host, which lists its models."""
    with open_client(real_host, x_api_key=real_host.key.reveal()) as client:
        assert len(client.list_downloaded_models()) > 0


def test_real_dict_sync(real_host: CloudflareHost) -> None:
    """http_headers opens the real host."""
    with open_client(real_host, http_headers={"x-api-key": real_host.key.reveal()}) as client:
        assert len(client.list_downloaded_models()) > 0


def test_real_environment_sync(real_host: CloudflareHost, monkeypatch: pytest.MonkeyPatch) -> None:
    """LMSTUDIO_X_API_KEY opens the real host."""
    monkeypatch.setenv("LMSTUDIO_X_API_KEY", real_host.key.reveal())
    with open_client(real_host) as client:
        assert len(client.list_downloaded_models()) > 0


@pytest.mark.parametrize("namespace", ["llm", "embedding"])
def test_real_namespaces_sync(namespace: str, real_host: CloudflareHost) -> None:
    """The websockets of the model namespaces get through to the real host."""
    with open_client(real_host, x_api_key=real_host.key.reveal()) as client:
        assert isinstance(getattr(client, namespace).remote_call("listLoaded"), list)


def test_real_no_key_sync(real_host: CloudflareHost) -> None:
    """Without the key the real host's firewall blocks the client and gives a ray id."""
    with pytest.raises(BLOCKED) as caught:
        with open_client(real_host):
            pass
    if isinstance(caught.value, BlockedByFirewallError):  # an SDK's own error may have none
        assert caught.value.ray_id


def test_real_wrong_key_sync(real_host: CloudflareHost) -> None:
    """With an almost right key the real host's firewall blocks the client."""
    with pytest.raises(BLOCKED):
        with open_client(real_host, x_api_key=almost_right(real_host.key).reveal()):
            pass


def test_real_prediction_sync(real_host: CloudflareHost) -> None:
    """A stream from a model that the real host has loaded adds up to its result."""
    with open_client(real_host, x_api_key=real_host.key.reveal()) as client:
        loaded = client.llm.list_loaded()
        if not loaded:
            pytest.skip("the real host has no model loaded")
        stream = loaded[0].complete_stream("Once upon a time", config={"maxTokens": 16})
        text = ""
        for fragment in stream:
            text += fragment.content
        assert text == stream.result().content
        assert text
