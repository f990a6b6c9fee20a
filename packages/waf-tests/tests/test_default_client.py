"""The SDK's default client, which `lmstudio.llm()` uses, gets through the edge."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import lmstudio
import pytest
from lmstudio.sync_api import _reset_default_client
from waf_tests.client import configure_default_client
from waf_tests.edge import Edge
from waf_tests.secret import Secret
from waf_tests.testing.blocked_errors import BLOCKED
from waf_tests.testing.recording_origin import RecordedRequest, RecordingOrigin

Seen = Callable[[], list[RecordedRequest]]
TOKEN = Secret("sk-lm-abcdEFGH:abcdefghij0123456789")


@pytest.fixture(autouse=True)
def _no_default_client() -> Iterator[None]:
    """Begin and end without a default client."""
    _reset_default_client()
    yield
    _reset_default_client()


def test_through_the_edge(edge: Edge, key: Secret, seen: Seen) -> None:
    """The SDK's module functions go through the edge, first with the probe."""
    configure_default_client(edge.api_host, x_api_key=key.reveal())
    assert list(lmstudio.list_downloaded_models()) == []
    assert list(lmstudio.list_loaded_models()) == []
    targets = [request.target for request in seen()]
    assert targets == ["/lmstudio-greeting", "/system", "/llm", "/embedding"]
    assert {tuple(request.values("x-api-key")) for request in seen()} == {(key.reveal(),)}


def test_nothing_sent_before_use(edge: Edge, key: Secret, seen: Seen) -> None:
    """Configuring the default client sends nothing."""
    configure_default_client(edge.api_host, x_api_key=key.reveal())
    assert seen() == []


def test_environment(edge: Edge, key: Secret, monkeypatch: pytest.MonkeyPatch) -> None:
    """The default client takes the key from LMSTUDIO_X_API_KEY if it is given none."""
    monkeypatch.setenv("LMSTUDIO_X_API_KEY", key.reveal())
    configure_default_client(edge.api_host)
    assert list(lmstudio.list_downloaded_models()) == []


def test_dict(edge: Edge, key: Secret) -> None:
    """http_headers opens the edge for the default client."""
    configure_default_client(edge.api_host, http_headers={"x-api-key": key.reveal()})
    assert list(lmstudio.list_downloaded_models()) == []


def test_blocked(edge: Edge) -> None:
    """A wrong key is reported at the first use, as blocked by the firewall."""
    configure_default_client(edge.api_host, x_api_key="wrong")
    with pytest.raises(BLOCKED):
        lmstudio.list_downloaded_models()


def test_token() -> None:
    """api_token gets the default client into a host that requires one."""
    with RecordingOrigin(token=TOKEN) as origin:
        configure_default_client(origin.address, TOKEN.reveal(), x_api_key="k")
        assert list(lmstudio.list_downloaded_models()) == []
        _reset_default_client()


def test_only_once(edge: Edge, key: Secret) -> None:
    """Configuring a default client that already exists raises the SDK's own error."""
    configure_default_client(edge.api_host, x_api_key=key.reveal())
    lmstudio.list_downloaded_models()
    with pytest.raises(lmstudio.LMStudioClientError, match="already created"):
        configure_default_client(edge.api_host, x_api_key="other")


def test_bad_header(edge: Edge, seen: Seen) -> None:
    """A header that cannot be sent is refused at once, and no default client is left behind."""
    with pytest.raises(ValueError, match="x_api_key must be"):
        configure_default_client(edge.api_host, x_api_key="k\r\nX-Evil: 1")
    assert lmstudio.sync_api._default_client is None
    assert seen() == []
