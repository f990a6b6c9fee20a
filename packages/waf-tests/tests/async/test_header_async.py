"""The key, wherever it is given, gets the async client through the edge; nothing else does."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from waf_tests.client import AsyncClient
from waf_tests.edge import Edge
from waf_tests.secret import Secret
from waf_tests.testing.almost_right_key import almost_right
from waf_tests.testing.blocked_errors import BLOCKED
from waf_tests.testing.recording_origin import RecordedRequest, RecordingOrigin

pytestmark = pytest.mark.anyio

Seen = Callable[[], list[RecordedRequest]]

NAMESPACES = ["embedding", "files", "llm", "repository", "system"]


async def test_parameter_async(edge: Edge, key: Secret) -> None:
    """x_api_key opens the edge, so that a call through it is answered."""
    async with AsyncClient(edge.api_host, x_api_key=key.reveal()) as client:
        assert list(await client.list_downloaded_models()) == []


@pytest.mark.parametrize("name", ["X-API-Key", "x-api-key", "X-Api-KEY"])
async def test_dict_async(name: str, edge: Edge, key: Secret) -> None:
    """http_headers opens the edge, whatever the case of the name."""
    async with AsyncClient(edge.api_host, http_headers={name: key.reveal()}) as client:
        assert list(await client.list_downloaded_models()) == []


async def test_environment_async(edge: Edge, key: Secret, monkeypatch: pytest.MonkeyPatch) -> None:
    """LMSTUDIO_X_API_KEY alone opens the edge."""
    monkeypatch.setenv("LMSTUDIO_X_API_KEY", key.reveal())
    async with AsyncClient(edge.api_host) as client:
        assert list(await client.list_downloaded_models()) == []


async def test_no_key_async(edge: Edge, seen: Seen) -> None:
    """Without a key the client is blocked, and no request reaches the host."""
    with pytest.raises(BLOCKED, match="403"):
        async with AsyncClient(edge.api_host):
            pass
    assert seen() == []


async def test_wrong_key_async(edge: Edge, key: Secret, seen: Seen) -> None:
    """With an almost right key the client is blocked, and no request reaches the host."""
    with pytest.raises(BLOCKED, match="403"):
        async with AsyncClient(edge.api_host, x_api_key=almost_right(key).reveal()):
            pass
    assert seen() == []


async def test_parameter_before_environment_async(
    edge: Edge, key: Secret, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A right x_api_key takes precedence over a wrong variable."""
    monkeypatch.setenv("LMSTUDIO_X_API_KEY", almost_right(key).reveal())
    async with AsyncClient(edge.api_host, x_api_key=key.reveal()) as client:
        assert list(await client.list_downloaded_models()) == []


async def test_wrong_parameter_before_environment_async(
    edge: Edge, key: Secret, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A wrong x_api_key takes precedence over a right variable, and the client is blocked."""
    monkeypatch.setenv("LMSTUDIO_X_API_KEY", key.reveal())
    with pytest.raises(BLOCKED):
        async with AsyncClient(edge.api_host, x_api_key=almost_right(key).reveal()):
            pass


async def test_dict_before_environment_async(
    edge: Edge, key: Secret, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A right key in http_headers takes precedence over a wrong variable."""
    monkeypatch.setenv("LMSTUDIO_X_API_KEY", almost_right(key).reveal())
    async with AsyncClient(edge.api_host, http_headers={"x-api-key": key.reveal()}) as client:
        assert list(await client.list_downloaded_models()) == []


async def test_empty_parameters_async(
    edge: Edge, key: Secret, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Empty parameters count as not given, so that the variable opens the edge."""
    monkeypatch.setenv("LMSTUDIO_X_API_KEY", key.reveal())
    client = AsyncClient(edge.api_host, http_headers={"X-API-Key": ""}, x_api_key="")
    async with client:
        assert list(await client.list_downloaded_models()) == []


async def test_empty_variable_async(
    edge: Edge, key: Secret, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An empty variable counts as not set, so that a client without parameters is blocked."""
    monkeypatch.setenv("LMSTUDIO_X_API_KEY", "")
    with pytest.raises(BLOCKED):
        async with AsyncClient(edge.api_host):
            pass


@pytest.mark.parametrize("namespace", NAMESPACES)
async def test_every_namespace_async(namespace: str, edge: Edge, key: Secret, seen: Seen) -> None:
    """Each namespace's websocket gets through the edge, with exactly one key in its handshake."""
    async with AsyncClient(edge.api_host, x_api_key=key.reveal()) as client:
        assert await getattr(client, namespace).remote_call("listLoaded") == []
    (handshake,) = [request for request in seen() if request.target == f"/{namespace}"]
    assert handshake.values("x-api-key") == [key.reveal()]
    assert handshake.values("upgrade") == ["websocket"]


async def test_probe_async(edge: Edge, key: Secret, seen: Seen) -> None:
    """The HTTP probe gets through the edge, with exactly one key, before any websocket."""
    async with AsyncClient(edge.api_host, x_api_key=key.reveal()):
        probe = seen()[0]
    assert probe.target == "/lmstudio-greeting"
    assert probe.values("x-api-key") == [key.reveal()]
    assert probe.values("upgrade") == []


@pytest.mark.parametrize("name", ["X-API-Key", "x-api-key", "X-API-KEY"])
async def test_one_header_on_the_wire_async(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A key in http_headers, whatever its case, and one in the environment make one header."""
    monkeypatch.setenv("LMSTUDIO_X_API_KEY", "from-environment")
    with RecordingOrigin() as origin:
        async with AsyncClient(origin.address, http_headers={name: "from-dict"}) as client:
            for namespace in NAMESPACES:
                await getattr(client, namespace).remote_call("listLoaded")
    assert {request.target for request in origin.requests} == {
        "/lmstudio-greeting",
        *(f"/{namespace}" for namespace in NAMESPACES),
    }
    for request in origin.requests:
        assert request.values("x-api-key") == ["from-dict"]


async def test_other_headers_async() -> None:
    """The probe and every websocket carry the other headers of http_headers, too."""
    headers = {"CF-Access-Client-Id": "id", "CF-Access-Client-Secret": "a, b"}
    with RecordingOrigin() as origin:
        async with AsyncClient(origin.address, http_headers=headers, x_api_key="k") as client:
            for namespace in NAMESPACES:
                await getattr(client, namespace).remote_call("listLoaded")
    assert len(origin.requests) == 1 + len(NAMESPACES)
    for request in origin.requests:
        assert request.values("cf-access-client-id") == ["id"]
        assert request.values("cf-access-client-secret") == ["a, b"]
        assert request.values("x-api-key") == ["k"]


async def test_clients_do_not_mix_async() -> None:
    """Two clients with different keys and one without, open at once, do not mix them up."""
    with RecordingOrigin() as first, RecordingOrigin() as second, RecordingOrigin() as third:
        async with (
            AsyncClient(first.address, x_api_key="one") as one,
            AsyncClient(second.address, x_api_key="two") as two,
            AsyncClient(third.address) as none,
        ):
            for client in (one, two, none, one):
                await client.list_downloaded_models()
    for origin, expected in ((first, ["one"]), (second, ["two"]), (third, [])):
        assert [request.values("x-api-key") for request in origin.requests] == [expected] * len(
            origin.requests
        )


async def test_default_port_async(monkeypatch: pytest.MonkeyPatch) -> None:
    """A client without a host finds one on a default port, with a probe that carries the header."""
    with RecordingOrigin() as origin:
        monkeypatch.setattr(AsyncClient, "_DEFAULT_API_PORTS", (origin.port,))
        async with AsyncClient(x_api_key="k") as client:
            await client.list_downloaded_models()
            assert client.api_host == origin.address
    assert origin.requests[0].target == "/lmstudio-greeting"
    for request in origin.requests:
        assert request.values("x-api-key") == ["k"]


async def test_is_valid_api_host_async(
    edge: Edge, key: Secret, monkeypatch: pytest.MonkeyPatch
) -> None:
    """is_valid_api_host takes a URL and the variable's key, and returns False without the key."""
    assert await AsyncClient.is_valid_api_host(edge.api_host) is False
    monkeypatch.setenv("LMSTUDIO_X_API_KEY", key.reveal())
    assert await AsyncClient.is_valid_api_host(edge.api_host) is True


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("X-API-Key", "k\r\nX-Evil: 1"),
        ("X-API-Key", "k\nX-Evil: 1"),
        ("X-API-Key\r\nX-Evil", "1"),
        ("X-API-Key", "schlüssel"),
        ("X-Schlüssel", "k"),
        ("X-API-Key", "k\0"),
    ],
)
async def test_injection_async(name: str, value: str) -> None:
    """A header with a line break, a NUL or non-ASCII in it is refused before anything is sent."""
    with RecordingOrigin() as origin, pytest.raises(ValueError, match="http_headers"):
        async with AsyncClient(origin.address, http_headers={name: value}):
            pass
    assert origin.received == b""


async def test_plain_sdk_client_untouched_async() -> None:
    """The SDK's own client, used beside ours, still works and sends no header."""
    from lmstudio import (
        AsyncClient as SdkClient,
    )  # sync: use from lmstudio import Client as SdkClient

    with RecordingOrigin() as origin:
        async with AsyncClient(origin.address, x_api_key="k") as ours:
            await ours.list_downloaded_models()
            count = len(origin.requests)
            async with SdkClient(origin.address) as plain:
                assert list(await plain.list_downloaded_models()) == []
    assert len(origin.requests) > count
    for request in origin.requests[count:]:
        assert request.values("x-api-key") == []
