"""The probe and the websockets go through the same proxy, which sees no key."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable, Iterator

import pytest
from lmstudio import LMStudioValueError
from waf_tests.client import NATIVE, ConnectionFailedError
from waf_tests.client.async_client import AsyncClient
from waf_tests.client.host_endpoint import parse_endpoint
from waf_tests.client.proxy_choice import choose_proxy
from waf_tests.client.sync_client import Client
from waf_tests.edge import Edge
from waf_tests.edge.certificates import issue
from waf_tests.secret import Secret
from waf_tests.testing.connect_proxy import ConnectProxy
from waf_tests.testing.recording_origin import RecordingOrigin
from waf_tests.testing.run_in_process import Run, one_line
from waf_tests.testing.secret_scan import leaks
from waf_tests.testing.tcp_server import TcpServer

HOST = "lm.only-the-proxy-knows.test"
PASSWORD = Secret("pass-word-of-the-proxy")
ours = pytest.mark.skipif(NATIVE, reason="the installed SDK has its own client and proxy rules")


@pytest.fixture(scope="module")
def far_edge(planner: Callable[..., object], origin: RecordingOrigin) -> Iterator[Edge]:
    """Provide an edge whose name only a proxy can resolve."""
    certificate = issue(HOST)
    with Edge(origin.address, planner=planner, host=HOST, certificate=certificate) as running:  # type: ignore[arg-type]
        yield running


@pytest.fixture
def far(far_edge: Edge, trust: Callable[[Edge], None]) -> Edge:
    """Provide the same edge, and make clients accept its CA."""
    trust(far_edge)
    return far_edge


@pytest.fixture
def proxy(far_edge: Edge) -> Iterator[ConnectProxy]:
    """Provide a proxy that knows the edge's name."""
    with ConnectProxy({f"{HOST}:{far_edge.port}": f"127.0.0.1:{far_edge.port}"}) as running:
        yield running


def key_of(edge: Edge) -> dict[str, str]:
    """Return the variable with the key that opens the edge."""
    return {"LMSTUDIO_X_API_KEY": edge.key.reveal()}


@ours
@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"])
def test_check_through_a_proxy(variable: str, far: Edge, proxy: ConnectProxy, run: Run) -> None:
    """check makes all its connections through the proxy, which alone can resolve the host."""
    variables = {variable: f"http://{proxy.address}", **key_of(far)}
    result = run("check", "--host", far.api_host, **variables)
    assert result.exit_code == 0, result.stderr
    shown = f"{proxy.address} ({variable})"
    connected, used, certificate = result.stdout.splitlines()[:3]
    assert connected == f"connected    {far.api_host} (through the proxy {shown})"
    assert used == f"proxy        {shown}, also for websockets"
    assert certificate.startswith(f"certificate  {HOST}, issued by ")
    # The probes of check and of the SDK's client, and at least one websocket.
    assert len(proxy.targets) > 2
    assert set(proxy.targets) == {f"{HOST}:{far.port}"}
    assert leaks(bytes(proxy.heads), [far.key]) == []


@ours
def test_client_through_a_proxy(
    far: Edge, proxy: ConnectProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The blocking client's probe and websockets go through the proxy."""
    monkeypatch.setenv("HTTPS_PROXY", f"http://{proxy.address}")
    with Client(far.api_host, x_api_key=far.key.reveal()) as client:
        assert list(client.list_downloaded_models()) == []
    assert len(proxy.targets) == 2
    assert leaks(bytes(proxy.heads), [far.key]) == []


@ours
@pytest.mark.anyio
async def test_async_client_through_a_proxy(
    far: Edge, proxy: ConnectProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The async client's probe and websockets go through the proxy."""
    monkeypatch.setenv("HTTPS_PROXY", f"http://{proxy.address}")
    async with AsyncClient(far.api_host, x_api_key=far.key.reveal()) as client:
        assert list(await client.list_downloaded_models()) == []
    assert len(proxy.targets) == 6
    assert leaks(bytes(proxy.heads), [far.key]) == []


@ours
def test_proxy_with_tls(far: Edge, run: Run, tmp_path_factory: pytest.TempPathFactory) -> None:
    """A client speaks TLS to a proxy that expects it and, inside that, TLS to the host."""
    certificate = issue("127.0.0.1")
    folder = tmp_path_factory.mktemp("proxy")
    (folder / "chain.pem").write_text(certificate.certificate)
    (folder / "both.pem").write_text(certificate.ca + far.ca_pem)
    (folder / "key.pem").write_text(certificate.private_key)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(folder / "chain.pem", folder / "key.pem")
    known = {f"{HOST}:{far.port}": f"127.0.0.1:{far.port}"}
    with ConnectProxy(known, tls=context) as proxy:
        options = ("--host", far.api_host)
        variables = {"HTTPS_PROXY": f"https://{proxy.address}", **key_of(far)}
        refused = one_line(run("check", *options, **variables))
        ca = {"SSL_CERT_FILE": str(folder / "both.pem")}
        result = run("check", *options, **variables, **ca)
    assert f"the proxy {proxy.address} (HTTPS_PROXY): the proxy's certificate" in refused
    assert result.exit_code == 0, result.stderr


@pytest.mark.parametrize("entry", ["lm.example.com", ".example.com", "example.com", "*", "port"])
def test_no_proxy(
    entry: str,
    make_edge: Callable[..., Edge],
    origin: RecordingOrigin,
    run: Run,
    example_hosts: None,
) -> None:
    """A host that NO_PROXY names is reached without the proxy."""
    edge = make_edge(origin.address, host="lm.example.com")
    no_proxy = f"other.test, lm.example.com:{edge.port}" if entry == "port" else entry
    with ConnectProxy({}) as proxy:
        variables = {"HTTPS_PROXY": f"http://{proxy.address}", "NO_PROXY": no_proxy}
        options = ("--host", edge.api_host, "--ca-file", edge.ca_file)
        result = run("check", *options, **variables, **key_of(edge))
    assert result.exit_code == 0, result.stderr
    assert "proxy" not in result.stdout
    assert proxy.targets == []


def test_dead_proxy(far: Edge, run: Run) -> None:
    """The error for a proxy that is down names the proxy, not the host."""
    with ConnectProxy({}) as gone:
        address = gone.address
    line = one_line(
        run("check", "--host", far.api_host, HTTPS_PROXY=f"http://{address}", **key_of(far))
    )
    assert line == (
        f"check: the proxy {address} (HTTPS_PROXY) cannot be reached: "
        "no connection (Connection refused)"
    )


def test_proxy_with_an_unknown_name(far: Edge, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error for a proxy with an unknown name names the proxy, not the host."""

    def unknown(*args: object, **kwargs: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    line = one_line(run("check", "--host", far.api_host, HTTPS_PROXY="http://p.test:1"))
    assert line.startswith(
        "check: the proxy p.test:1 (HTTPS_PROXY) cannot be reached: its name is not known"
    )


@pytest.mark.parametrize(
    ("refuse", "words"),
    [
        (None, "it does not know the name or does not reach the host"),
        ("407 Proxy Authentication Required", "write them into HTTPS_PROXY"),
        ("403 Forbidden", "it does not allow it"),
    ],
)
def test_refusing_proxy(refuse: str | None, words: str, far: Edge, run: Run) -> None:
    """The error for a proxy that opens no tunnel shows its answer but not its password."""
    with ConnectProxy({}, refuse=refuse) as proxy:
        url = f"http://user:{PASSWORD.reveal()}@{proxy.address}"
        line = one_line(run("check", "--host", far.api_host, HTTPS_PROXY=url, **key_of(far)))
    answer = refuse or "502 Bad Gateway"
    assert line == (
        f"check: the proxy {proxy.address} (HTTPS_PROXY) did not connect to {HOST} "
        f"port {far.port} ({answer}): {line.rpartition('): ')[2]}"
    )
    assert words in line
    assert leaks(line.encode(), [PASSWORD]) == []
    assert b"Proxy-Authorization: Basic " in proxy.heads


def test_proxy_that_hangs_up(far: Edge, run: Run) -> None:
    """The error for a proxy that closes the connection without an answer names the proxy."""

    async def hang_up(reader: object, writer: object) -> None:
        pass

    with TcpServer(hang_up) as proxy:
        url = f"http://{proxy.address}"
        line = one_line(run("check", "--host", far.api_host, HTTPS_PROXY=url, **key_of(far)))
    blamed = f"the proxy {proxy.address} (HTTPS_PROXY)"
    assert line == f"check: {blamed} hung up before it had opened a tunnel"


def test_proxy_of_another_kind(far: Edge, run: Run) -> None:
    """The error for a proxy that answers in another protocol names the proxy."""

    async def refuse(reader: object, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.example.com ESMTP\r\n502 command not recognized\r\n\r\n")
        await asyncio.Event().wait()

    with TcpServer(refuse) as proxy:
        url = f"http://{proxy.address}"
        line = one_line(run("check", "--host", far.api_host, HTTPS_PROXY=url, **key_of(far)))
    assert line == f"check: the proxy {proxy.address} (HTTPS_PROXY) is no HTTP proxy"


@ours
def test_dead_proxy_of_a_client(far: Edge, monkeypatch: pytest.MonkeyPatch) -> None:
    """A client's error for a proxy that is down names the proxy, not LM Studio."""
    with ConnectProxy({}) as gone:
        monkeypatch.setenv("HTTPS_PROXY", f"http://{gone.address}")
    with (
        pytest.raises(ConnectionFailedError, match=r"the proxy .* cannot be reached"),
        Client(far.api_host, x_api_key=far.key.reveal()),
    ):
        pass


@pytest.mark.parametrize(
    ("variable", "url", "words"),
    [
        ("ALL_PROXY", "socks5://127.0.0.1:1080", "the scheme 'socks5' are not supported"),
        ("HTTPS_PROXY", "gopher://127.0.0.1:70", "the scheme 'gopher' are not supported"),
        ("HTTPS_PROXY", f"http://u:{PASSWORD.reveal()}@[::1", "no address of a proxy"),
        ("HTTPS_PROXY", f"http://u:{PASSWORD.reveal()}@h:port", "no address of a proxy"),
        ("HTTPS_PROXY", f"http://u:{PASSWORD.reveal()}@h:99999", "no address of a proxy"),
        ("HTTPS_PROXY", f"http://u:{PASSWORD.reveal()}\x01@h", "no address of a proxy"),
        ("HTTPS_PROXY", f"http://u:{PASSWORD.reveal()}\udcff@h", "no address of a proxy"),
        ("HTTPS_PROXY", "http://", "the proxy's name is missing"),
    ],
)
def test_no_such_proxy(variable: str, url: str, words: str, run: Run) -> None:
    """The error for an unusable proxy is one line with its variable and what to write there."""
    variables = {variable: url, "LMSTUDIO_X_API_KEY": "k"}
    line = one_line(run("check", "--host", "https://lm.example.com", **variables))
    assert line.startswith(f"check: {variable}: ")
    assert words in line
    assert "write http://HOST:PORT" in line
    assert leaks(line.encode(), [PASSWORD]) == []


def test_no_such_proxy_of_a_client(monkeypatch: pytest.MonkeyPatch) -> None:
    """A client refuses an unusable proxy, too, and a proxy's repr does not show its password."""
    monkeypatch.setenv("HTTPS_PROXY", f"http://u:{PASSWORD.reveal()}@p.test:3128")
    proxy = choose_proxy(parse_endpoint("https://lm.example.com"))
    assert str(proxy) == "the proxy p.test:3128 (HTTPS_PROXY)"
    assert leaks(repr(proxy).encode(), [PASSWORD]) == []
    monkeypatch.setenv("HTTPS_PROXY", "socks5://p.test")
    with pytest.raises(LMStudioValueError, match="socks5"):
        choose_proxy(parse_endpoint("https://lm.example.com"))
