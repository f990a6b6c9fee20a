# DO NOT EDIT. Written by scripts/generate_sync_tests.py from
# packages/waf-tests/tests/async/test_failures_async.py
# Change that, then: hatch run sync:generate
"""The error of a sync client that does not get through names the cause."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timezone

import lmstudio
import pytest
from waf_tests.client import (
    NATIVE,
    BlockedByFirewallError,
    CertificateError,
    Client,
    ConnectionFailedError,
    UnexpectedAnswerError,
)
from waf_tests.edge import Edge
from waf_tests.edge.certificates import issue
from waf_tests.secret import Secret
from waf_tests.testing.recording_origin import Answer, RecordingOrigin

pytestmark = [
    pytest.mark.skipif(NATIVE, reason="the installed SDK has a client and errors of its own"),
]

MakeEdge = Callable[..., Edge]
Trust = Callable[[Edge], None]

RAY = (("CF-Ray", "8f00b204e9800998-FRA"),)


def test_blocked_sync(edge: Edge) -> None:
    """A 403 for the probe is reported as a block, with its ray id, not as a host that is down."""
    with pytest.raises(BlockedByFirewallError, match="blocked by the firewall") as caught:
        with Client(edge.api_host):
            pass
    assert caught.value.ray_id is not None
    assert caught.value.ray_id.endswith("-TST")
    assert f"ray id {caught.value.ray_id}" in str(caught.value)
    assert "Is LM Studio running?" not in str(caught.value)
    assert isinstance(caught.value, lmstudio.LMStudioClientError)


def test_blocked_websocket_sync() -> None:
    """A 403 for a websocket handshake is reported as a block, with the ray id of that answer."""
    answer = Answer("403 Forbidden", RAY)
    with (
        RecordingOrigin(upgrade_answer=answer) as origin,
        pytest.raises(BlockedByFirewallError, match=r"/(embedding|system): blocked") as caught,
    ):
        with Client(origin.address, x_api_key="k") as client:
            client.list_downloaded_models()
    assert caught.value.ray_id == "8f00b204e9800998-FRA"
    assert "Is LM Studio running?" not in str(caught.value)


def test_blocked_without_ray_id_sync() -> None:
    """A 403 without a ray id is reported as a block, and the message says that there is none."""
    with (
        RecordingOrigin(answer=Answer("403 Forbidden")) as origin,
        pytest.raises(BlockedByFirewallError, match="no ray id given") as caught,
    ):
        with Client(origin.address):
            pass
    assert caught.value.ray_id is None


def test_challenged_sync() -> None:
    """A browser challenge is reported as a challenge, not as a block."""
    answer = Answer("403 Forbidden", (*RAY, ("cf-mitigated", "challenge")))
    with (
        RecordingOrigin(answer=answer) as origin,
        pytest.raises(BlockedByFirewallError, match="challenged by the firewall") as caught,
    ):
        with Client(origin.address):
            pass
    assert caught.value.challenged


def test_redirect_not_followed_sync() -> None:
    """A redirect is reported, and the key is not sent to the address that it names."""
    with RecordingOrigin() as elsewhere:
        location = (("Location", f"http://{elsewhere.address}/lmstudio-greeting"),)
        with (
            RecordingOrigin(answer=Answer("302 Found", location)) as origin,
            pytest.raises(UnexpectedAnswerError, match="never sent on") as caught,
        ):
            with Client(origin.address, x_api_key="k"):
                pass
    assert caught.value.status == 302
    assert elsewhere.requests == []


def test_host_down_behind_edge_sync(make_edge: MakeEdge, trust: Trust) -> None:
    """With the edge up and LM Studio down, the error says that LM Studio does not answer."""
    with RecordingOrigin() as gone:
        address = gone.address
    down = make_edge(address)
    trust(down)
    with pytest.raises(
        UnexpectedAnswerError, match="LM Studio behind it does not answer"
    ) as caught:
        with Client(down.api_host, x_api_key=down.key.reveal()):
            pass
    assert caught.value.status == 502


@pytest.mark.parametrize("body", [b"hello", b"[]", b'{"lmstudio":false}'])
def test_not_lm_studio_sync(body: bytes) -> None:
    """A server that answers 200 without the greeting is reported as not looking like LM Studio."""
    with (
        RecordingOrigin(answer=Answer("200 OK", (), body)) as origin,
        pytest.raises(UnexpectedAnswerError, match="does not look like LM Studio"),
    ):
        with Client(origin.address):
            pass


def test_broken_compression_sync() -> None:
    """The error for a greeting that cannot be decompressed says so."""
    answer = Answer("200 OK", (("Content-Encoding", "gzip"),), b"no gzip")
    with (
        RecordingOrigin(answer=answer) as origin,
        pytest.raises(ConnectionFailedError, match="compressed in a way that cannot be read"),
    ):
        with Client(origin.address):
            pass


def test_nobody_there_sync() -> None:
    """The error for a port on which nothing listens asks whether LM Studio is running."""
    with RecordingOrigin() as gone:
        address = gone.address
    with pytest.raises(lmstudio.LMStudioClientError, match=r"Is LM Studio running\?"):
        with Client(address, x_api_key="k"):
            pass


def test_unknown_ca_sync(origin_edge: Edge) -> None:
    """The error for a certificate of an unknown CA says so and names SSL_CERT_FILE."""
    with pytest.raises(CertificateError, match="certificate was not accepted") as caught:
        with Client(origin_edge.api_host, x_api_key="k"):
            pass
    assert "SSL_CERT_FILE" in str(caught.value)
    assert "Is LM Studio running?" not in str(caught.value)


def test_ca_parameter_sync(origin_edge: Edge) -> None:
    """The parameter ca_file alone makes the client accept a private CA."""
    key, ca_file = origin_edge.key.reveal(), origin_edge.ca_file
    with Client(origin_edge.api_host, x_api_key=key, ca_file=ca_file) as client:
        assert list(client.list_downloaded_models()) == []


def test_certificate_of_another_host_sync(make_edge: MakeEdge, trust: Trust) -> None:
    """The error for a certificate of another host says that the names differ."""
    other = make_edge("127.0.0.1:9", certificate=issue("other.example"))
    trust(other)
    with pytest.raises(CertificateError, match="Hostname mismatch"):
        with Client(other.api_host):
            pass


def test_expired_certificate_sync(make_edge: MakeEdge, trust: Trust) -> None:
    """The error for an expired certificate says that it has expired."""
    past = datetime(2020, 1, 1, tzinfo=timezone.utc)
    expired = make_edge("127.0.0.1:9", certificate=issue("localhost", not_after=past))
    trust(expired)
    with pytest.raises(CertificateError, match="expired"):
        with Client(expired.api_host):
            pass


def test_bad_ca_file_sync(
    edge: Edge, monkeypatch: pytest.MonkeyPatch, pytestconfig: pytest.Config
) -> None:
    """The error for a CA file that does not exist names SSL_CERT_FILE and the file."""
    monkeypatch.setenv("SSL_CERT_FILE", str(pytestconfig.rootpath / "no-such.pem"))
    with pytest.raises(lmstudio.LMStudioValueError, match=r"SSL_CERT_FILE .*no-such\.pem"):
        with Client(edge.api_host):
            pass


def test_tls_to_a_plain_port_sync(origin: RecordingOrigin) -> None:
    """The error for https:// to a port without TLS says that there is no TLS connection."""
    with pytest.raises(CertificateError, match="no TLS connection"):
        with Client(f"https://{origin.address}"):
            pass


def test_plain_to_a_tls_port_sync(edge: Edge) -> None:
    """Without a scheme or port 443 the client speaks plain HTTP, and the error shows the answer."""
    with pytest.raises(UnexpectedAnswerError, match="answered 400"):
        with Client(f"localhost:{edge.port}", x_api_key="not-the-key"):
            pass


@pytest.mark.parametrize("scheme", ["https", "wss", "HTTPS"])
def test_schemes_sync(scheme: str, edge: Edge, key: Secret) -> None:
    """https:// and wss:// both mean TLS, for the probe and for the websockets."""
    host = edge.api_host.replace("https", scheme)
    with Client(host, x_api_key=key.reveal()) as client:
        assert list(client.list_downloaded_models()) == []
        assert client.api_host == f"localhost:{edge.port}"


def test_ipv6_literal_sync(ipv6_loopback: str) -> None:
    """The probe and the websockets connect to an IPv6 address in brackets."""
    with RecordingOrigin(address=ipv6_loopback) as origin:
        with Client(origin.address, x_api_key="k") as client:
            assert list(client.list_downloaded_models()) == []
    assert origin.requests[0].values("host") == [origin.address]


def test_ipv6_literal_in_tls_sync(
    ipv6_loopback: str, origin: RecordingOrigin, make_edge: MakeEdge, trust: Trust
) -> None:
    """In TLS, too, the client connects to an IPv6 address in brackets."""
    edge = make_edge(origin.address, host=ipv6_loopback, listen=(ipv6_loopback,))
    trust(edge)
    with Client(edge.api_host, x_api_key=edge.key.reveal()) as client:
        assert list(client.list_downloaded_models()) == []
