"""The error of an async client that does not get through names the cause."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timezone

import lmstudio
import pytest
from waf_tests.client import (
    NATIVE,
    AsyncClient,
    BlockedByFirewallError,
    CertificateError,
    ConnectionFailedError,
    UnexpectedAnswerError,
)
from waf_tests.edge import Edge
from waf_tests.edge.certificates import issue
from waf_tests.secret import Secret
from waf_tests.testing.recording_origin import Answer, RecordingOrigin

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(NATIVE, reason="the installed SDK has a client and errors of its own"),
]

MakeEdge = Callable[..., Edge]
Trust = Callable[[Edge], None]

RAY = (("CF-Ray", "8f00b204e9800998-FRA"),)


async def test_blocked_async(edge: Edge) -> None:
    """A 403 for the probe is reported as a block, with its ray id, not as a host that is down."""
    with pytest.raises(BlockedByFirewallError, match="blocked by the firewall") as caught:
        async with AsyncClient(edge.api_host):
            pass
    assert caught.value.ray_id is not None
    assert caught.value.ray_id.endswith("-TST")
    assert f"ray id {caught.value.ray_id}" in str(caught.value)
    assert "Is LM Studio running?" not in str(caught.value)
    assert isinstance(caught.value, lmstudio.LMStudioClientError)


async def test_blocked_websocket_async() -> None:
    """A 403 for a websocket handshake is reported as a block, with the ray id of that answer."""
    answer = Answer("403 Forbidden", RAY)
    with (
        RecordingOrigin(upgrade_answer=answer) as origin,
        pytest.raises(BlockedByFirewallError, match=r"/(embedding|system): blocked") as caught,
    ):
        async with AsyncClient(origin.address, x_api_key="k") as client:
            await client.list_downloaded_models()
    assert caught.value.ray_id == "8f00b204e9800998-FRA"
    assert "Is LM Studio running?" not in str(caught.value)


async def test_blocked_without_ray_id_async() -> None:
    """A 403 without a ray id is reported as a block, and the message says that there is none."""
    with (
        RecordingOrigin(answer=Answer("403 Forbidden")) as origin,
        pytest.raises(BlockedByFirewallError, match="no ray id given") as caught,
    ):
        async with AsyncClient(origin.address):
            pass
    assert caught.value.ray_id is None


async def test_challenged_async() -> None:
    """A browser challenge is reported as a challenge, not as a block."""
    answer = Answer("403 Forbidden", (*RAY, ("cf-mitigated", "challenge")))
    with (
        RecordingOrigin(answer=answer) as origin,
        pytest.raises(BlockedByFirewallError, match="challenged by the firewall") as caught,
    ):
        async with AsyncClient(origin.address):
            pass
    assert caught.value.challenged


async def test_redirect_not_followed_async() -> None:
    """A redirect is reported, and the key is not sent to the address that it names."""
    with RecordingOrigin() as elsewhere:
        location = (("Location", f"http://{elsewhere.address}/lmstudio-greeting"),)
        with (
            RecordingOrigin(answer=Answer("302 Found", location)) as origin,
            pytest.raises(UnexpectedAnswerError, match="never sent on") as caught,
        ):
            async with AsyncClient(origin.address, x_api_key="k"):
                pass
    assert caught.value.status == 302
    assert elsewhere.requests == []


async def test_host_down_behind_edge_async(make_edge: MakeEdge, trust: Trust) -> None:
    """With the edge up and LM Studio down, the error says that LM Studio does not answer."""
    with RecordingOrigin() as gone:
        address = gone.address
    down = make_edge(address)
    trust(down)
    with pytest.raises(
        UnexpectedAnswerError, match="LM Studio behind it does not answer"
    ) as caught:
        async with AsyncClient(down.api_host, x_api_key=down.key.reveal()):
            pass
    assert caught.value.status == 502


@pytest.mark.parametrize("body", [b"hello", b"[]", b'{"lmstudio":false}'])
async def test_not_lm_studio_async(body: bytes) -> None:
    """A server that answers 200 without the greeting is reported as not looking like LM Studio."""
    with (
        RecordingOrigin(answer=Answer("200 OK", (), body)) as origin,
        pytest.raises(UnexpectedAnswerError, match="does not look like LM Studio"),
    ):
        async with AsyncClient(origin.address):
            pass


async def test_broken_compression_async() -> None:
    """The error for a greeting that cannot be decompressed says so."""
    answer = Answer("200 OK", (("Content-Encoding", "gzip"),), b"no gzip")
    with (
        RecordingOrigin(answer=answer) as origin,
        pytest.raises(ConnectionFailedError, match="compressed in a way that cannot be read"),
    ):
        async with AsyncClient(origin.address):
            pass


async def test_nobody_there_async() -> None:
    """The error for a port on which nothing listens asks whether LM Studio is running."""
    with RecordingOrigin() as gone:
        address = gone.address
    with pytest.raises(lmstudio.LMStudioClientError, match=r"Is LM Studio running\?"):
        async with AsyncClient(address, x_api_key="k"):
            pass


async def test_unknown_ca_async(origin_edge: Edge) -> None:
    """The error for a certificate of an unknown CA says so and names SSL_CERT_FILE."""
    with pytest.raises(CertificateError, match="certificate was not accepted") as caught:
        async with AsyncClient(origin_edge.api_host, x_api_key="k"):
            pass
    assert "SSL_CERT_FILE" in str(caught.value)
    assert "Is LM Studio running?" not in str(caught.value)


async def test_ca_parameter_async(origin_edge: Edge) -> None:
    """The parameter ca_file alone makes the client accept a private CA."""
    key, ca_file = origin_edge.key.reveal(), origin_edge.ca_file
    async with AsyncClient(origin_edge.api_host, x_api_key=key, ca_file=ca_file) as client:
        assert list(await client.list_downloaded_models()) == []


async def test_certificate_of_another_host_async(make_edge: MakeEdge, trust: Trust) -> None:
    """The error for a certificate of another host says that the names differ."""
    other = make_edge("127.0.0.1:9", certificate=issue("other.example"))
    trust(other)
    with pytest.raises(CertificateError, match="Hostname mismatch"):
        async with AsyncClient(other.api_host):
            pass


async def test_expired_certificate_async(make_edge: MakeEdge, trust: Trust) -> None:
    """The error for an expired certificate says that it has expired."""
    past = datetime(2020, 1, 1, tzinfo=timezone.utc)
    expired = make_edge("127.0.0.1:9", certificate=issue("localhost", not_after=past))
    trust(expired)
    with pytest.raises(CertificateError, match="expired"):
        async with AsyncClient(expired.api_host):
            pass


async def test_bad_ca_file_async(
    edge: Edge, monkeypatch: pytest.MonkeyPatch, pytestconfig: pytest.Config
) -> None:
    """The error for a CA file that does not exist names SSL_CERT_FILE and the file."""
    monkeypatch.setenv("SSL_CERT_FILE", str(pytestconfig.rootpath / "no-such.pem"))
    with pytest.raises(lmstudio.LMStudioValueError, match=r"SSL_CERT_FILE .*no-such\.pem"):
        async with AsyncClient(edge.api_host):
            pass


async def test_tls_to_a_plain_port_async(origin: RecordingOrigin) -> None:
    """The error for https:// to a port without TLS says that there is no TLS connection."""
    with pytest.raises(CertificateError, match="no TLS connection"):
        async with AsyncClient(f"https://{origin.address}"):
            pass


async def test_plain_to_a_tls_port_async(edge: Edge) -> None:
    """Without a scheme or port 443 the client speaks plain HTTP, and the error shows the answer."""
    with pytest.raises(UnexpectedAnswerError, match="answered 400"):
        async with AsyncClient(f"localhost:{edge.port}", x_api_key="not-the-key"):
            pass


@pytest.mark.parametrize("scheme", ["https", "wss", "HTTPS"])
async def test_schemes_async(scheme: str, edge: Edge, key: Secret) -> None:
    """https:// and wss:// both mean TLS, for the probe and for the websockets."""
    host = edge.api_host.replace("https", scheme)
    async with AsyncClient(host, x_api_key=key.reveal()) as client:
        assert list(await client.list_downloaded_models()) == []
        assert client.api_host == f"localhost:{edge.port}"


async def test_ipv6_literal_async(ipv6_loopback: str) -> None:
    """The probe and the websockets connect to an IPv6 address in brackets."""
    with RecordingOrigin(address=ipv6_loopback) as origin:
        async with AsyncClient(origin.address, x_api_key="k") as client:
            assert list(await client.list_downloaded_models()) == []
    assert origin.requests[0].values("host") == [origin.address]


async def test_ipv6_literal_in_tls_async(
    ipv6_loopback: str, origin: RecordingOrigin, make_edge: MakeEdge, trust: Trust
) -> None:
    """In TLS, too, the client connects to an IPv6 address in brackets."""
    edge = make_edge(origin.address, host=ipv6_loopback, listen=(ipv6_loopback,))
    trust(edge)
    async with AsyncClient(edge.api_host, x_api_key=edge.key.reveal()) as client:
        assert list(await client.list_downloaded_models()) == []
