# DO NOT EDIT. Written by scripts/generate_sync_tests.py from
# packages/waf-tests/tests/async/test_tokens_async.py
# Change that, then: hatch run sync:generate
"""The firewall requires its key, and the host behind it requires its API token."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import lmstudio
import pytest
from waf_tests.client import Client
from waf_tests.edge import Edge
from waf_tests.secret import Secret
from waf_tests.testing.blocked_errors import BLOCKED
from waf_tests.testing.recording_origin import RecordingOrigin

TOKEN = Secret("sk-lm-abcdEFGH:abcdefghij0123456789")
OTHER_TOKEN = Secret("sk-lm-abcdEFGH:9876543210jihgfedcba")

Refused = lmstudio.LMStudioServerError


@pytest.fixture
def locked(make_edge: Callable[..., Edge], trust: Callable[[Edge], None]) -> Iterator[Edge]:
    """Provide an edge in front of a host that accepts TOKEN alone."""
    with RecordingOrigin(token=TOKEN) as origin:
        edge = make_edge(origin.address)
        trust(edge)
        yield edge
        edge.stop()


def test_both_right_sync(locked: Edge) -> None:
    """With the key and the token a call is answered."""
    client = Client(locked.api_host, TOKEN.reveal(), x_api_key=locked.key.reveal())
    with client:
        assert list(client.list_downloaded_models()) == []


def test_from_environment_sync(locked: Edge, monkeypatch: pytest.MonkeyPatch) -> None:
    """LMSTUDIO_API_TOKEN and LMSTUDIO_X_API_KEY together get a client through to the host."""
    monkeypatch.setenv("LMSTUDIO_API_TOKEN", TOKEN.reveal())
    monkeypatch.setenv("LMSTUDIO_X_API_KEY", locked.key.reveal())
    with Client(locked.api_host) as client:
        assert list(client.list_downloaded_models()) == []


@pytest.mark.parametrize("token", [None, "", OTHER_TOKEN.reveal()], ids=["none", "empty", "wrong"])
def test_token_wrong_sync(token: str | None, locked: Edge) -> None:
    """With the key but without the token, the host refuses the client; the firewall does not."""
    with pytest.raises(Refused, match="Authentication failed"):
        with Client(locked.api_host, token, x_api_key=locked.key.reveal()) as client:
            client.list_downloaded_models()


def test_key_wrong_sync(locked: Edge) -> None:
    """With the token but a wrong key the firewall blocks the client."""
    with pytest.raises(BLOCKED):
        with Client(locked.api_host, TOKEN.reveal(), x_api_key="wrong") as client:
            client.list_downloaded_models()


def test_both_wrong_sync(locked: Edge) -> None:
    """With a wrong key and a wrong token the client is blocked by the firewall first."""
    with pytest.raises(BLOCKED):
        with Client(locked.api_host, OTHER_TOKEN.reveal(), x_api_key="wrong") as client:
            client.list_downloaded_models()


def test_token_is_no_key_sync(locked: Edge) -> None:
    """The token does not open the firewall if it is given as the key."""
    with pytest.raises(BLOCKED):
        with Client(locked.api_host, TOKEN.reveal(), x_api_key=TOKEN.reveal()) as client:
            client.list_downloaded_models()


def test_parameter_before_environment_sync(locked: Edge, monkeypatch: pytest.MonkeyPatch) -> None:
    """A right token parameter takes precedence over a wrong variable."""
    monkeypatch.setenv("LMSTUDIO_API_TOKEN", OTHER_TOKEN.reveal())
    client = Client(locked.api_host, TOKEN.reveal(), x_api_key=locked.key.reveal())
    with client:
        assert list(client.list_downloaded_models()) == []


def test_wrong_parameter_before_environment_sync(
    locked: Edge, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A wrong token parameter takes precedence over a right variable, and the host refuses it."""
    monkeypatch.setenv("LMSTUDIO_API_TOKEN", TOKEN.reveal())
    with pytest.raises(Refused, match="Authentication failed"):
        with Client(locked.api_host, OTHER_TOKEN.reveal(), x_api_key=locked.key.reveal()) as client:
            client.list_downloaded_models()


def test_empty_parameter_sync(locked: Edge, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty token parameter counts as not given, so that the variable's token is used."""
    monkeypatch.setenv("LMSTUDIO_API_TOKEN", TOKEN.reveal())
    with Client(locked.api_host, "", x_api_key=locked.key.reveal()) as client:
        assert list(client.list_downloaded_models()) == []


@pytest.mark.parametrize(
    "token", ["hunter2hunter2", "sk-lm-short:abcdefghij0123456789", "sk-lm-abcdEFGH:tooshort"]
)
def test_malformed_sync(token: str) -> None:
    """A malformed token is refused before anything is sent, and the error does not repeat it."""
    with (
        RecordingOrigin() as origin,
        pytest.raises(lmstudio.LMStudioValueError, match="does not look like") as caught,
    ):
        with Client(origin.address, token):
            pass
    assert token not in str(caught.value)
    assert origin.received == b""


def test_token_not_in_headers_sync() -> None:
    """The token is sent inside the websocket alone, not in a header, which a firewall would log."""
    with RecordingOrigin(token=TOKEN) as origin:
        with Client(origin.address, TOKEN.reveal(), x_api_key="k") as client:
            client.list_downloaded_models()
    passkey = TOKEN.reveal().rpartition(":")[2]
    assert origin.requests
    for request in origin.requests:
        assert passkey not in request.target
        assert all(passkey not in value for _, value in request.headers)
