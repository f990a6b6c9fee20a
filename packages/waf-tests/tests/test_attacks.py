"""Attacks, written byte by byte, do not get through the edge."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from waf_tests.edge import Edge
from waf_tests.rule.expected_verdicts import (
    ALLOWED,
    ANSWERED_BY_THE_PROXY,
    BLOCKED,
    GREETING,
    SMUGGLED,
    SMUGGLERS,
    Row,
)
from waf_tests.secret import hidden
from waf_tests.testing.raw_requests import exchange, exchange_http2
from waf_tests.testing.recording_origin import RecordedRequest, RecordingOrigin

Seen = Callable[[], list[RecordedRequest]]
MakeEdge = Callable[..., Edge]

# All except 403 are refusals of the HTTP parser itself, before any rule.
REFUSALS = (400, 403, 405, 431, 501, 505)


def _cases(rows: tuple[Row, ...]) -> list[object]:
    return [pytest.param(row, id=row.name.replace(" ", "-")) for row in rows]


@pytest.mark.parametrize("row", _cases(ALLOWED))
def test_allowed(row: Row, edge: Edge, seen: Seen) -> None:
    """A request that the rule is meant to allow reaches the origin once, with the key."""
    answer = exchange(edge, row.request(edge.key.reveal(), edge.settings.host))
    assert answer.passed
    (request,) = seen()
    assert request.values("x-api-key") == [edge.key.reveal()]


@pytest.mark.parametrize("row", _cases(BLOCKED))
def test_blocked(row: Row, edge: Edge, seen: Seen) -> None:
    """An attack is answered with a refusal, or the connection is closed; nothing gets through."""
    answer = exchange(edge, row.request(edge.key.reveal(), edge.settings.host))
    assert answer.status is None or answer.status in REFUSALS
    assert seen() == []


def test_answered_by_the_proxy(edge: Edge, seen: Seen) -> None:
    """A request that the proxy itself answers gets the same answer without the key as with it."""
    key, host = edge.key.reveal(), edge.settings.host
    answers = [exchange(edge, row.request(key, host)) for row in ANSWERED_BY_THE_PROXY]
    assert {answer.status for answer in answers} in ({200}, {400})
    assert [key in answer.data.decode("latin-1") for answer in answers] == [False, False]
    assert seen() == []


def test_file_with_the_key(edge: Edge, seen: Seen, tmp_path: Path) -> None:
    """A value that names a file with the key, in whichever syntax, is not the key."""
    file = tmp_path / "key"
    file.write_text(edge.key.reveal(), encoding="ascii")
    for value in (f"{{file.{file}}}", f"{{file.{file.as_posix()}}}", f"@{file}", f"$(cat {file})"):
        lines = (f"Host: {edge.settings.host}", f"X-API-Key: {value}", "Connection: close", "", "")
        request = "\r\n".join((f"GET {GREETING} HTTP/1.1", *lines))
        assert exchange(edge, request.encode()).status == 403
        assert exchange_http2(edge, GREETING, [("x-api-key", value)]) in (0, 403)
    assert seen() == []


@pytest.mark.parametrize("row", _cases(SMUGGLERS))
def test_smuggled_request_does_not_arrive(row: Row, make_edge: MakeEdge) -> None:
    """A request without the key that is hidden in one with it does not reach the origin."""
    with RecordingOrigin() as origin:
        edge = make_edge(origin.address)
        exchange(edge, row.request(edge.key.reveal(), edge.settings.host))
        edge.stop()
    # Both are down: whatever was still on its way has arrived.
    targets = [request.target for request in origin.requests]
    assert SMUGGLED not in targets
    assert len(targets) <= 1


def test_no_http09(edge: Edge, seen: Seen) -> None:
    """HTTP/0.9, a bare request line, is refused because it cannot carry the header."""
    answer = exchange(edge, f"GET {GREETING}\r\n\r\n".encode())
    assert b'{"lmstudio"' not in answer.data
    assert seen() == []


def test_plain_http_on_the_tls_port(edge: Edge, seen: Seen) -> None:
    """Plain HTTP to the TLS port is refused, even with the key."""
    request = ALLOWED[0].request(edge.key.reveal(), edge.settings.host)
    assert exchange(edge, request, tls=False).status == 400
    assert seen() == []


def test_http2_with_the_key(edge: Edge, seen: Seen) -> None:
    """A request over HTTP/2 with the key reaches the origin."""
    assert exchange_http2(edge, GREETING, [("x-api-key", edge.key.reveal())]) == 200
    assert len(seen()) == 1


@pytest.mark.parametrize(
    "values",
    [
        pytest.param([], id="none"),
        pytest.param(["wrong"], id="wrong"),
        pytest.param([" {key}", "{key} "], id="blanks-twice"),
        pytest.param([" {key} "], id="blanks"),
        pytest.param(["\t{key}"], id="tab"),
        pytest.param(["{key}", "wrong"], id="right-first"),
        pytest.param(["wrong", "{key}"], id="right-last"),
        pytest.param(["{key}", "{key}"], id="right-twice"),
        pytest.param(["{http.request.uri.query.k}"], id="placeholder"),
        pytest.param(["{key}\r\nx-api-key: {key}"], id="line-break"),
    ],
)
def test_http2_blocked(values: list[str], edge: Edge, seen: Seen) -> None:
    """Over HTTP/2, where values are not trimmed, the header must be the key and nothing else."""
    key = edge.key.reveal()
    headers = [("x-api-key", hidden(value.replace("{key}", key))) for value in values]
    assert exchange_http2(edge, hidden(f"{GREETING}?k={key}"), headers) in (0, *REFUSALS)
    assert seen() == []


@pytest.mark.parametrize(
    "name", ["connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade"]
)
def test_http2_connection_headers(name: str, edge: Edge, seen: Seen) -> None:
    """An HTTP/2 request with a header about the connection is refused even with the key."""
    headers = [("x-api-key", edge.key.reveal()), (name, "close")]
    assert exchange_http2(edge, GREETING, headers) in (0, *REFUSALS)
    assert seen() == []


def test_http2_no_requests(edge: Edge, seen: Seen) -> None:
    """Over HTTP/2, too, only a request for a path of this host reaches the origin."""
    headers = [("x-api-key", edge.key.reveal())]
    host = edge.settings.host
    for method, target, authority in (
        *(("GET", GREETING, other) for other in ("", "other.example", f"{host}.", f"{host}:a")),
        *(("GET", target, host) for target in ("*", f"https://{host}{GREETING}", "/../x", "/x%00")),
        *((method, GREETING, host) for method in ("CONNECT", "TRACE", "get")),
        ("OPTIONS", "*", host),
    ):
        exchange_http2(edge, target, headers, method=method, authority=authority)
    assert seen() == []


def test_block_page(edge: Edge) -> None:
    """A blocked request gets status 403, an HTML page and a ray id of Cloudflare's form."""
    answer = exchange(edge, BLOCKED[0].request(edge.key.reveal(), edge.settings.host))
    assert answer.status == 403
    assert str(answer.header("content-type")).startswith("text/html")
    ray, _, centre = str(answer.header("cf-ray")).partition("-")
    assert len(ray) == 16
    assert int(ray, 16) > 0
    assert centre == "TST"
    assert b"Sorry, you have been blocked" in answer.data


@pytest.mark.caddy
@pytest.mark.parametrize("row", _cases((ALLOWED[0], BLOCKED[0], BLOCKED[1])))
def test_answers_as_cloudflare(row: Row, edge: Edge) -> None:
    """The answer to a passed and to a blocked request has the header `server: cloudflare`."""
    answer = exchange(edge, row.request(edge.key.reveal(), edge.settings.host))
    assert answer.header("server") == "cloudflare"


def test_ray_ids_differ(edge: Edge) -> None:
    """Each request has its own ray id."""
    request = BLOCKED[0].request(edge.key.reveal(), edge.settings.host)
    rays = {exchange(edge, request).header("cf-ray") for _ in range(5)}
    assert len(rays) == 5


def test_origin_not_on_other_addresses(origin: RecordingOrigin) -> None:
    """The origin's port is closed on other addresses, so that nobody bypasses the edge."""
    _assert_only_on_loopback(origin.port)


@pytest.mark.embedded
@pytest.mark.lmstudio
def test_host_not_on_other_addresses(lmstudio_host: str) -> None:
    """The embedded server's port is closed on the machine's other addresses, too."""
    _assert_only_on_loopback(int(lmstudio_host.rpartition(":")[2]))


def test_edge_not_on_other_addresses(edge: Edge) -> None:
    """The edge itself listens on the loopback address alone."""
    _assert_only_on_loopback(edge.port)


def _assert_only_on_loopback(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port)):
        pass  # it does listen
    for address in ("127.0.0.2", *_own_addresses()):
        with pytest.raises(OSError), socket.create_connection((address, port), timeout=5):
            pass


def _own_addresses() -> set[str]:
    """Return this machine's addresses except the loopback ones, without sending anything."""
    found = set()
    for family, elsewhere in ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1")):
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            try:
                probe.connect((elsewhere, 9))  # UDP: picks an address, sends nothing
            except OSError:
                continue  # no route in this family
            found.add(probe.getsockname()[0])
    return found - {"127.0.0.1", "::1"}
