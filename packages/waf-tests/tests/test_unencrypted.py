"""A key leaves this machine in TLS alone, unless somebody says otherwise."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from lmstudio import LMStudioValueError
from waf_tests.__main__ import UNPROTECTED
from waf_tests.client import NATIVE
from waf_tests.client.async_client import AsyncClient
from waf_tests.client.connection_settings import new_connection
from waf_tests.client.default_client import configure_default_client
from waf_tests.client.sync_client import Client
from waf_tests.edge import Edge
from waf_tests.secret import Secret
from waf_tests.testing.connect_proxy import ConnectProxy
from waf_tests.testing.recording_origin import RecordingOrigin
from waf_tests.testing.run_in_process import Run, one_line
from waf_tests.testing.secret_scan import halves, leaks

KEY = Secret("key-that-stays-here")
TOKEN = Secret("sk-lm-abcdEFGH:abcdefghij0123456789")

PLAIN_HOSTS = [
    ("lm.example.com:8443", "https://lm.example.com:8443"),
    ("lm.example.com:4430", "https://lm.example.com:4430"),
    ("http://lm.example.com", "https://lm.example.com"),
    ("http://lm.example.com:80", "https://lm.example.com"),
    ("ws://lm.example.com:1234", "https://lm.example.com:1234"),
    ("192.168.1.5:1234", "https://192.168.1.5:1234"),
    ("[2001:db8::1]:1234", "https://[2001:db8::1]:1234"),
    ("localhost.example.com:1234", "https://localhost.example.com:1234"),
    ("127.0.0.1.example.com:1234", "https://127.0.0.1.example.com:1234"),
    ("0.0.0.0:1234", "https://0.0.0.0:1234"),
]


@pytest.mark.parametrize(("host", "advice"), PLAIN_HOSTS)
def test_check_refuses(host: str, advice: str, run: Run) -> None:
    """check sends no key unencrypted to another machine; the line says how to write the host."""
    line = one_line(run("check", "--host", host, LMSTUDIO_X_API_KEY=KEY.reveal()))
    assert "X-API-Key would be sent unencrypted" in line
    assert f"write {advice}, or" in line
    assert line.endswith("or allow it with --allow-unencrypted")
    assert leaks(line.encode(), [KEY]) == []


@pytest.mark.parametrize(("host", "advice"), PLAIN_HOSTS)
def test_check_refuses_a_token(host: str, advice: str, run: Run) -> None:
    """The same holds for LM Studio's own token, alone or beside a key."""
    variables = {"LMSTUDIO_API_TOKEN": TOKEN.reveal()}
    line = one_line(run("check", "--host", host, **variables))
    assert line.startswith("check: --host: LMSTUDIO_API_TOKEN would be sent unencrypted to ")
    assert line.endswith(f"write {advice}, or allow it with --allow-unencrypted")
    assert leaks(line.encode(), halves(TOKEN)) == []
    both = one_line(run("check", "--host", host, LMSTUDIO_X_API_KEY=KEY.reveal(), **variables))
    assert both.startswith("check: --host: X-API-Key, LMSTUDIO_API_TOKEN would be sent unencrypted")


@pytest.mark.parametrize(
    "make", [Client, AsyncClient, configure_default_client], ids=lambda make: make.__name__
)
@pytest.mark.parametrize("source", ["parameter", "dict", "environment", "other header"])
@pytest.mark.skipif(NATIVE, reason="the installed SDK has its own client, and its own rules")
def test_client_refuses(
    make: Callable[..., object], source: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Clients refuse in the same way, wherever the key comes from, and other headers as well."""
    options: dict[str, object] = {}
    if source == "environment":
        monkeypatch.setenv("LMSTUDIO_X_API_KEY", KEY.reveal())
    elif source == "parameter":
        options["x_api_key"] = KEY.reveal()
    else:
        name = "x-api-key" if source == "dict" else "CF-Access-Client-Secret"
        options["http_headers"] = {name: KEY.reveal()}
    with pytest.raises(LMStudioValueError, match="would be sent unencrypted") as caught:
        make("lm.example.com:8443", **options)
    assert "allow_unencrypted=True" in str(caught.value)
    assert leaks(str(caught.value).encode(), [KEY]) == []


@pytest.mark.parametrize(
    "host",
    ["localhost:1234", "127.0.0.1:1234", "127.9.9.9:1", "[::1]:1", "[::ffff:127.0.0.1]:1"],
)
def test_loopback_is_allowed(host: str) -> None:
    """On this machine no TLS is needed."""
    assert new_connection(host, None, KEY.reveal(), None).headers["X-API-Key"] == KEY.reveal()


@pytest.mark.parametrize("host", ["https://lm.example.com:8443", "wss://h", "lm.example.com:443"])
def test_tls_is_allowed(host: str) -> None:
    """In TLS a key goes anywhere."""
    assert new_connection(host, None, KEY.reveal(), None).headers["X-API-Key"] == KEY.reveal()


def test_no_key_is_allowed() -> None:
    """Without a key there is nothing to protect: hosts in the same network need no TLS."""
    assert dict(new_connection("192.168.1.5:1234", None, None, None).headers) == {}


@pytest.mark.skipif(NATIVE, reason="the installed SDK has its own client, and its own rules")
def test_client_allows_on_request(origin: RecordingOrigin, example_hosts: None) -> None:
    """allow_unencrypted=True lets a client send its key without TLS."""
    host = f"lm.example.com:{origin.port}"
    before = len(origin.requests)
    with Client(host, x_api_key=KEY.reveal(), allow_unencrypted=True) as client:
        assert list(client.list_downloaded_models()) == []
    assert {tuple(each.values("x-api-key")) for each in origin.requests[before:]} == {
        (KEY.reveal(),)
    }


def test_check_allows_on_request(origin: RecordingOrigin, run: Run, example_hosts: None) -> None:
    """--allow-unencrypted is for those who know."""
    options = ("--host", f"lm.example.com:{origin.port}", "--allow-unencrypted")
    result = run("check", *options, LMSTUDIO_X_API_KEY=KEY.reveal())
    assert result.exit_code == UNPROTECTED, result.stderr
    assert "certificate  none: the connection is not encrypted" in result.stdout.splitlines()


def test_check_sends_a_token_on_request(run: Run, example_hosts: None) -> None:
    """--allow-unencrypted lets a token go without TLS, too."""
    with RecordingOrigin(token=TOKEN) as origin:
        options = ("--host", f"lm.example.com:{origin.port}", "--allow-unencrypted")
        result = run("check", *options, LMSTUDIO_API_TOKEN=TOKEN.reveal())
    assert result.exit_code == 0, result.stderr


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
def test_no_proxy_reads_the_key(
    variable: str, origin: RecordingOrigin, run: Run, example_hosts: None
) -> None:
    """A proxy would read what is not encrypted: it gets nothing, and check says that."""
    options = ("--host", f"lm.example.com:{origin.port}", "--allow-unencrypted")
    with ConnectProxy({}) as proxy:
        variables = {variable: f"http://{proxy.address}", "LMSTUDIO_X_API_KEY": KEY.reveal()}
        result = run("check", *options, **variables)
    assert result.exit_code == UNPROTECTED, result.stderr
    assert proxy.heads == b""
    assert f"none: {variable} is not used" in result.stdout


@pytest.mark.skipif(NATIVE, reason="the installed SDK has its own client, and its own rules")
def test_no_proxy_reads_the_key_of_a_client(
    origin: RecordingOrigin, example_hosts: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same holds for the blocking client."""
    host = f"lm.example.com:{origin.port}"
    with ConnectProxy({}) as proxy:
        monkeypatch.setenv("HTTP_PROXY", f"http://{proxy.address}")
        with Client(host, x_api_key=KEY.reveal(), allow_unencrypted=True) as client:
            assert list(client.list_downloaded_models()) == []
    assert proxy.heads == b""


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_no_proxy_for_this_machine(
    scheme: str, origin: RecordingOrigin, edge: Edge, run: Run
) -> None:
    """A proxy is not asked for this machine: it has another one of that name."""
    host = edge.api_host if scheme == "https" else origin.address
    with ConnectProxy({}) as proxy:
        variables = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY"), f"http://{proxy.address}")
        result = run("check", "--host", host, LMSTUDIO_X_API_KEY=edge.key.reveal(), **variables)
    assert result.exit_code == (0 if scheme == "https" else UNPROTECTED), result.stderr
    assert proxy.heads == b""
