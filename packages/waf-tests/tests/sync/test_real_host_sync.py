# DO NOT EDIT. Written by scripts/sync_tests.py from
# packages/waf-tests/tests/async/test_real_host_async.py
# Change that, then: hatch run sync:generate
"""A real Cloudflare host, where one is configured: `hatch run waf:test -- -k real`."""

from __future__ import annotations

import pytest
from waf_tests.client import BlockedByFirewallError, Client
from waf_tests.testing.outcomes import BLOCKED
from waf_tests.testing.real_host import RealHost


def test_real_parameter_sync(real_host: RealHost) -> None:
    """x_api_key opens the real host, and it shows its models."""
    key = real_host.key.reveal()
    with Client(real_host.api_host, real_host.token, x_api_key=key) as client:
        assert len(client.list_downloaded_models()) > 0


def test_real_dict_sync(real_host: RealHost) -> None:
    """http_headers opens the real host."""
    headers = {"x-api-key": real_host.key.reveal()}
    with Client(real_host.api_host, real_host.token, headers) as client:
        assert len(client.list_downloaded_models()) > 0


def test_real_environment_sync(real_host: RealHost, monkeypatch: pytest.MonkeyPatch) -> None:
    """LMSTUDIO_X_API_KEY opens the real host."""
    monkeypatch.setenv("LMSTUDIO_X_API_KEY", real_host.key.reveal())
    with Client(real_host.api_host, real_host.token) as client:
        assert len(client.list_downloaded_models()) > 0


@pytest.mark.parametrize("namespace", ["llm", "embedding"])
def test_real_namespaces_sync(namespace: str, real_host: RealHost) -> None:
    """The websockets of the model namespaces get through to the real host."""
    key = real_host.key.reveal()
    with Client(real_host.api_host, real_host.token, x_api_key=key) as client:
        assert isinstance(getattr(client, namespace).remote_call("listLoaded"), list)


def test_real_no_key_sync(real_host: RealHost) -> None:
    """Without the key the real host's firewall blocks, with a ray id."""
    with pytest.raises(BLOCKED) as caught:
        with Client(real_host.api_host, real_host.token):
            pass
    if isinstance(caught.value, BlockedByFirewallError):  # an SDK's own error may have none
        assert caught.value.ray_id


def test_real_wrong_key_sync(real_host: RealHost) -> None:
    """With the key in the wrong case the real host's firewall blocks."""
    key = real_host.key.reveal().swapcase()
    with pytest.raises(BLOCKED):
        with Client(real_host.api_host, real_host.token, x_api_key=key):
            pass


def test_real_prediction_sync(real_host: RealHost) -> None:
    """A stream from a model that the real host has loaded adds up to its result."""
    key = real_host.key.reveal()
    with Client(real_host.api_host, real_host.token, x_api_key=key) as client:
        loaded = client.llm.list_loaded()
        if not loaded:
            pytest.skip("the real host has no model loaded")
        stream = loaded[0].complete_stream("Once upon a time", config={"maxTokens": 16})
        text = ""
        for fragment in stream:
            text += fragment.content
        assert text == stream.result().content
        assert text
