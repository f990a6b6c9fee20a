"""Web pages of other sites can't use the server; programs and pages of this machine can."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from pathlib import Path

import anyio
import lmstudio
import openai
import pytest
from model_fixtures.hosts.embedded_server import EmbeddedServer
from model_fixtures.server.namespaces import NAMESPACES
from model_fixtures.wire_client import connect

from .talking import SUITE_MODELS

UPGRADE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
}
PREFLIGHT = {
    "Origin": "https://site.example",
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "authorization,content-type",
}
TOKEN = "sk-lm-abcdefgh:0123456789abcdefghij"

FOREIGN_ORIGINS = [
    "https://site.example",
    "http://site.example:1234",
    "null",
    "file://",
    "",
    "https://localhost.site.example",
    "https://localhost@site.example",
    "https://site.example#localhost",
    "http://127.0.0.1.site.example",
    "http://192.168.1.5:1234",
    "http://0.0.0.0:1234",
    "http://[::]:1234",
    "chrome-extension://aaaabbbbccccddddeeeeffffgggghhhh",
    "https://server.example:1",
]
FOREIGN_HOSTS = [
    "site.example",
    "site.example:1234",
    "localhost.site.example:1234",
    "notlocalhost",
    "192.168.1.5:1234",
    "0.0.0.0:1234",
    "[2001:db8::1]:1234",
    "[::1",
    "localhost:x",
    "localhost/",
    "server.example",
]
OWN = ["localhost", "LocalHost:80", "localhost.", "app.localhost:3000", "127.0.0.1:9", "127.8.8.8"]
OWN += ["[::1]:1234", "[::ffff:127.0.0.1]"]


def ask(
    address: str, method: str, path: str, headers: dict[str, str], body: str | None = None
) -> http.client.HTTPResponse:
    """Send a request with only these headers and a Host; return the answer with its body read."""
    connection = http.client.HTTPConnection(address, timeout=30)
    try:
        connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        content = None if body is None else body.encode()
        length = {} if content is None else {"Content-Length": str(len(content))}
        for name, value in {"Host": address, **length, **headers}.items():
            connection.putheader(name, value)
        connection.endheaders(content)
        response = connection.getresponse()
        if response.status != 101:
            response.read()
        return response
    finally:
        connection.close()


@pytest.fixture(scope="module")
def open_address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Provide the `host:port` of a server with a token that admits pages of all sites."""
    token = ("--api-token", TOKEN)
    with EmbeddedServer(["--cors", "--scenarios", *token]) as server:
        yield server.address


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Provide the path of the log of the server with more names."""
    return tmp_path_factory.mktemp("log") / "server.log"


@pytest.fixture(scope="module")
def named_address(log: Path) -> Iterator[str]:
    """Provide the `host:port` of a server with two more names."""
    names = ["--allow-host", "Server.Example", "--allow-host", "2001:DB8:0::2"]
    with EmbeddedServer(["--scenarios", *names], log=log) as server:
        yield server.address


@pytest.mark.difference("web-pages")
@pytest.mark.parametrize("origin", FOREIGN_ORIGINS)
@pytest.mark.parametrize("namespace", sorted(NAMESPACES))
def test_foreign_page_opens_no_websocket(address: str, namespace: str, origin: str) -> None:
    """A page of another site is refused at the handshake, in every namespace."""
    refused = ask(address, "GET", f"/{namespace}", {**UPGRADE, "Origin": origin})
    assert refused.status == 403


@pytest.mark.difference("host-names")
@pytest.mark.parametrize("host", FOREIGN_HOSTS)
def test_foreign_name_opens_no_websocket(address: str, host: str) -> None:
    """A page whose own host name points here is refused at the handshake."""
    assert ask(address, "GET", "/llm", {**UPGRADE, "Host": host}).status == 403


@pytest.mark.difference("web-pages")
@pytest.mark.parametrize(
    "headers",
    [{"Origin": origin} for origin in FOREIGN_ORIGINS] + [{"Host": host} for host in FOREIGN_HOSTS],
    ids=str,
)
def test_foreign_page_gets_nothing_over_http(address: str, headers: dict[str, str]) -> None:
    """Each route answers 403, whatever the method and the content type."""
    plain = {**headers, "Content-Type": "text/plain"}
    for path in ("/lmstudio-greeting", "/lms-status", "/v1/models", "/api/v0/models", "/x"):
        assert ask(address, "GET", path, headers).status == 403
    for path in ("/v1/chat/completions", "/v1/embeddings", "/control/scenarios", "/control/turns"):
        assert ask(address, "POST", path, plain, "{}").status == 403
    assert ask(address, "OPTIONS", "/v1/models", {**PREFLIGHT, **headers}).status == 403


def test_each_of_several_headers_counts(address: str) -> None:
    """A second Origin does not hide the first."""
    connection = http.client.HTTPConnection(address, timeout=30)
    connection.putrequest("GET", "/v1/models")
    connection.putheader("Origin", "http://localhost")
    connection.putheader("Origin", "https://site.example")
    connection.endheaders()
    assert connection.getresponse().status == 403
    connection.close()


@pytest.mark.parametrize("host", OWN)
def test_this_machine_comes_in(address: str, host: str) -> None:
    """Every spelling of loopback is a name of the server, and pages from there may use it."""
    for headers in ({"Host": host}, {"Origin": f"http://{host}"}):
        assert ask(address, "GET", "/v1/models", headers).status == 200
        assert ask(address, "GET", "/llm", {**UPGRADE, **headers}).status == 101


def test_refusal_says_what_to_do(address: str) -> None:
    """A person who sends a request by hand is told which option to use."""
    connection = http.client.HTTPConnection(address, timeout=30)
    for headers, code, options in (
        ({"Origin": "null"}, "foreign_origin", {"--cors"}),
        ({"Origin": "file://"}, "foreign_origin", {"--cors"}),
        ({"Origin": "https://site.example"}, "foreign_origin", {"--cors", "--allow-host"}),
        ({"Host": "server.example"}, "unknown_host", {"--allow-host"}),
    ):
        connection.request("GET", "/v1/models", headers=headers)
        error = json.loads(connection.getresponse().read())["error"]
        assert (error["code"], error["type"]) == (code, "invalid_request_error")
        assert {word.strip(",") for word in error["message"].split() if word[0] == "-"} == options
    connection.close()


def test_old_client_without_a_host(address: str) -> None:
    """HTTP/1.0 needs no Host; no browser uses it."""
    connection = http.client.HTTPConnection(address, timeout=30)
    connection._http_vsn_str = "HTTP/1.0"  # type: ignore[attr-defined]
    connection.putrequest("GET", "/v1/models", skip_host=True)
    connection.endheaders()
    assert connection.getresponse().status == 200
    connection.close()


@pytest.mark.difference("host-names")
@pytest.mark.parametrize("name", ["server.example", "SERVER.example.:4430", "[2001:db8::2]:1"])
def test_allowed_names(named_address: str, name: str) -> None:
    """A name from --allow-host is the server's own, on every port, and so are its pages."""
    for headers in ({"Host": name}, {"Origin": f"https://{name}"}):
        assert ask(named_address, "GET", "/v1/models", headers).status == 200
        assert ask(named_address, "GET", "/llm", {**UPGRADE, **headers}).status == 101
    foreign = {"Host": name, "Origin": "https://site.example"}
    assert ask(named_address, "GET", "/llm", {**UPGRADE, **foreign}).status == 403
    below = {"Host": f"sub.{name}"}
    assert ask(named_address, "GET", "/v1/models", below).status == 403


def test_log_tells_of_a_refusal_once(named_address: str, log: Path) -> None:
    """The log names the refused page, and stays short however often the page tries."""
    for number in range(60):
        for _ in range(2):
            ask(named_address, "GET", "/llm", {"Origin": f"https://site-{number}.example"})
    lines = log.read_text(encoding="utf-8").splitlines()
    assert sum("site-0.example" in line for line in lines) == 1
    assert sum("refused a request" in line for line in lines) <= 20


def test_refused_websockets_leave_no_error_in_the_log(tmp_path: Path) -> None:
    """A websocket that is refused with an answer is no error of the server's: one line says why."""
    path = tmp_path / "server.log"
    with EmbeddedServer(log=path) as server:
        for _ in range(2):
            page = {**UPGRADE, "Origin": "https://site.example"}
            assert ask(server.address, "GET", "/llm", page).status == 403
        assert ask(server.address, "GET", "/no-such-namespace", UPGRADE).status == 404
    (line,) = path.read_text().splitlines()
    assert "WARNING refused a request: web pages of 'https://site.example'" in line


@pytest.mark.difference("web-pages")
def test_cors_lets_every_page_in(open_address: str) -> None:
    """With --cors pages of all sites may open websockets and read answers."""
    for origin in FOREIGN_ORIGINS:
        opened = ask(open_address, "GET", "/llm", {**UPGRADE, "Origin": origin})
        assert opened.status == 101
        bearer = {"Origin": origin, "Authorization": f"Bearer {TOKEN}"}
        answer = ask(open_address, "GET", "/v1/models", bearer)
        assert (answer.status, answer.headers["Access-Control-Allow-Origin"]) == (200, "*")
    # The page can read why it was refused, too.
    answer = ask(open_address, "GET", "/v1/models", {"Origin": "https://site.example"})
    assert (answer.status, answer.headers["Access-Control-Allow-Origin"]) == (401, "*")


def test_cors_allows_no_other_name(open_address: str) -> None:
    """With --cors a name that points here is still refused: --allow-host is for that."""
    assert ask(open_address, "GET", "/llm", {**UPGRADE, "Host": "site.example"}).status == 403


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/models", "/control/scenarios"])
def test_preflight(open_address: str, path: str) -> None:
    """A browser is told that it may send the request, before it sends any token."""
    private = {"Access-Control-Request-Private-Network": "true"}
    for more in ({}, private):
        answer = ask(open_address, "OPTIONS", path, {**PREFLIGHT, **more})
        assert answer.status == 200
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert "POST" in answer.headers["Access-Control-Allow-Methods"]
        assert answer.headers["Access-Control-Allow-Headers"] == "authorization,content-type"
        assert answer.headers["Access-Control-Allow-Private-Network"] == ("true" if more else None)


def test_no_preflight_without_the_option(address: str) -> None:
    """Without --cors not even a page of this machine may read answers."""
    local = {**PREFLIGHT, "Origin": "http://localhost:3000"}
    answer = ask(address, "OPTIONS", "/v1/chat/completions", local)
    assert answer.status == 405
    assert answer.headers["Access-Control-Allow-Origin"] is None


def test_programs_come_in(address: str) -> None:
    """The SDK, OpenAI's client and our own client send no Origin and the server's real name."""
    for host in (address, address.replace("127.0.0.1", "localhost")):
        with lmstudio.Client(host) as client:
            assert len(client.list_downloaded_models()) == SUITE_MODELS
        with openai.OpenAI(base_url=f"http://{host}/v1", api_key="none") as rest:
            assert rest.models.list().data

        async def ours(host: str = host) -> None:
            async with connect(host, "system") as system:
                assert len(await system.rpc("listDownloadedModels")) == SUITE_MODELS

        anyio.run(ours)
