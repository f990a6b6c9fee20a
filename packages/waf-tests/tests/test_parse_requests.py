"""The grammar tells which requests pass, which are blocked, and which a server may refuse."""

from __future__ import annotations

import pytest
from waf_tests.edge.allowed_request_form import MAX_HEAD_BYTES
from waf_tests.rule.cloudflare_expression import cloudflare_expression
from waf_tests.rule.expected_verdicts import ALLOWED, BLOCKED, Row
from waf_tests.secret import Secret
from waf_tests.testing.parse_requests import Verdict, read_http1, read_http2
from waf_tests.testing.rule_evaluator import compile_expression

HOST = "localhost"
KEY = "on,e Key"
BLOCKS = compile_expression(cloudflare_expression(HOST, Secret(KEY)))


def _verdict(text: str) -> Verdict:
    return read_http1(text.replace("\n", "\r\n").encode("latin-1"), HOST).verdict(BLOCKS)


def _get(*lines: str, first: str = "GET /x HTTP/1.1") -> str:
    return "\n".join([first, f"Host: {HOST}", *lines, "", ""])


@pytest.mark.parametrize(
    "row",
    [pytest.param(row, id=row.name.replace(" ", "-")) for row in (*ALLOWED, *BLOCKED)],
)
def test_reads_the_table(row: Row) -> None:
    """Every row of the table, broken HTTP included, has the verdict that the table says."""
    verdict = read_http1(row.request(KEY, HOST), HOST).verdict(BLOCKS)
    assert (verdict is Verdict.PASS) is row.allowed


@pytest.mark.parametrize(
    "text",
    [
        _get(f"X-API-Key: {KEY}"),
        _get(f"x-api-key:\t {KEY} \t"),
        _get(f"X-API-Key: {KEY}", "X-Other: \xe9", "!#$%&'*+.^_`|~: "),
        _get(f"X-API-Key: {KEY}", "X-Other: 1", "X-Other: 2", "X_API_Key: wrong"),
        _get(f"X-API-Key: {KEY}", "Transfer-Encoding: CHUNKED") + "1\na\n0a\n0123456789\n0\n\n",
        _get(f"X-API-Key: {KEY}", f"X-Other: {'a' * 100_000}"),
        _get(f"X-API-Key: {KEY}", first="PROPFIND /x?a=%00/../ HTTP/1.1"),
    ],
)
def test_passes(text: str) -> None:
    """A complete request with exactly the key passes."""
    assert _verdict(text) is Verdict.PASS


def test_line_feeds_alone() -> None:
    """A line feed alone ends a line, and an empty line ends the head (RFC 9112, 2.2)."""
    request = _get(f"X-API-Key: {KEY}").encode()
    assert b"\r" not in request
    assert read_http1(request, HOST).verdict(BLOCKS) is Verdict.PASS
    assert read_http1(b"GET / HTTP/1.1\n\r\n" + request, HOST).verdict(BLOCKS) is Verdict.BLOCK


@pytest.mark.parametrize(
    ("text", "flaw"),
    [
        ("\n" + _get(f"X-API-Key: {KEY}"), "an empty line before the request"),
        (_get("X-API-Key: on,e", " Key"), "a folded line"),
        (_get("X-Other: 1\r", f"X-API-Key: {KEY}"), "a second carriage return"),
        (_get("X-Other", f"X-API-Key: {KEY}"), "a line without a colon"),
        (_get(f"X-API-Key: {KEY}").replace("Host: ", "Host:\t"), "a tab beside the host"),
        (
            _get(f"X-API-Key: {KEY}", "Authorization: a", "authorization: b"),
            "a repeated header that may occur only once",
        ),
        (
            _get(f"X-API-Key: {KEY}", "Content-Length: 5", "Transfer-Encoding: chunked") + "0\n\n",
            "chunks and a length",
        ),
        (
            _get(f"X-API-Key: {KEY}", "Content-Length: 1", "Content-Length: 1") + "a",
            "the same length twice",
        ),
        (_get(f"X-API-Key: {KEY}", "Transfer-Encoding: chunked") + "2\na\n0\n\n", "a broken chunk"),
        (
            _get(f"X-API-Key: {KEY}", f"X-Other: {'a' * MAX_HEAD_BYTES}"),
            "a head of about the maximum size",
        ),
    ],
)
def test_either(text: str, flaw: str) -> None:
    """Broken HTTP that a server may repair is read with its flaw; a wrong key still blocks it."""
    reading = read_http1(text.replace("\n", "\r\n").encode("latin-1"), HOST)
    assert reading.verdict(BLOCKS) is Verdict.EITHER
    assert reading.flaw == flaw
    assert _verdict(text.replace("Key", "Kez")) is Verdict.BLOCK


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [("x-api-key", f" {KEY}")],
        [("x-api-key", KEY), ("x-api-key", KEY)],
        [("x-api-key", "on"), ("x-api-key", "e Key")],
        [("X-API-Key", KEY)],
        [("x-api-key", KEY), ("connection", "close")],
        [("x-api-key", KEY), ("x-other", "a\nb")],
        [("x-api-key", KEY), ("x other", "a")],
    ],
)
def test_http2(headers: list[tuple[str, str]]) -> None:
    """Over HTTP/2 a value with blanks is not the key, and names must be in lower case."""
    assert read_http2("GET", "/", HOST, headers, HOST).verdict(BLOCKS) is Verdict.BLOCK
    good = [("x-api-key", KEY), ("x-other", "")]
    assert read_http2("GET", "/", HOST, good, HOST).verdict(BLOCKS) is Verdict.PASS
    with_host = [*good, ("host", HOST)]
    assert read_http2("GET", "/", HOST, with_host, HOST).verdict(BLOCKS) is Verdict.EITHER
    assert read_http2("GET", "*", HOST, good, HOST).verdict(BLOCKS) is Verdict.BLOCK
    assert read_http2("GET", "/", "other.example", good, HOST).verdict(BLOCKS) is Verdict.BLOCK
