"""Requests that Hypothesis generates: ordinary ones, and ones with something odd about them.

Most parts of a request are ordinary, so that many requests pass or fail for a single reason. Bodies
that end too early and protocol upgrades are left out, because both sides would wait for each other.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote

import hypothesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from waf_tests.edge import DEFAULT_HOST

Usual = TypeVar("Usual")
Rare = TypeVar("Rare")

# Every request has this header, so that the origin's records say which ones have arrived.
NUMBER_HEADER = "x-request-number"

# Lengths of values: a head has room for three long ones, but not for four or for a longest one.
_LONG = 40_000
_LONGEST = 300_000


@dataclass(frozen=True)
class Http1Request:
    """A request over HTTP/1 in parts; each character is one byte."""

    before: str
    first_line: str
    lines: tuple[str, ...]
    body: str

    def encode(self, number: int) -> bytes:
        """Return the bytes to send; `number` is in a header of its own."""
        numbered = f"{NUMBER_HEADER}: {number}\r\n"
        head = f"{self.before}{self.first_line}{numbered}{''.join(self.lines)}\r\n"
        return (head + self.body).encode("latin-1")


@dataclass(frozen=True)
class Http2Request:
    """A request over HTTP/2 without a body; each character is one byte."""

    method: str
    target: str
    authority: str
    headers: tuple[tuple[str, str], ...]

    def numbered(self, number: int) -> list[tuple[str, str]]:
        """Return the headers to send; `number` is in one of its own."""
        return [*self.headers, (NUMBER_HEADER, str(number))]


def for_each_request(
    judge: Callable[[Http1Request | Http2Request], object],
    key: str,
    key_file: Path,
    count: int,
    seed: int,
) -> None:
    """Call `judge` with `count` generated requests to an edge for `DEFAULT_HOST` with `key`.

    The same seed gives the same requests. `key_file` is written with the key in it, since an edge
    that expands `{file.PATH}` would find the key there. If `judge` raises, it is called with ever
    smaller requests that raise too, and the error of the smallest is raised.
    """
    key_file.write_text(key, encoding="ascii")

    @hypothesis.seed(seed)
    @settings(
        max_examples=count,
        database=None,
        deadline=None,
        report_multiple_bugs=False,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    @given(requests(key, DEFAULT_HOST, key_file.as_posix()))
    def judge_request(request: Http1Request | Http2Request) -> None:
        judge(request)

    judge_request()


def requests(key: str, host: str, key_file: str) -> SearchStrategy[Http1Request | Http2Request]:
    """Return the strategy for requests to an edge for `host`; `key_file` is a file with the key."""
    return _mostly(_http1(key, host, key_file), _http2(key, host, key_file), one_in=4)


def _mostly(
    usual: SearchStrategy[Usual], rare: SearchStrategy[Rare], one_in: int = 20
) -> SearchStrategy[Usual | Rare]:
    """Return a strategy that draws from `rare` once in `one_in` times, and else from `usual`."""
    return st.integers(1, one_in).flatmap(lambda number: rare if number == one_in else usual)


_METHODS = st.sampled_from(["GET", "POST", "OPTIONS", "HEAD", "PUT", "PATCH", "DELETE"])
_ODD_METHODS = st.one_of(
    st.sampled_from(["CONNECT", "TRACE", "PRI", "get", "Post", "M-SEARCH", "X_Y", "PROPFIND"]),
    st.text("ABCXYZ", min_size=1, max_size=20),
    st.text('Aa-_("\x00\x80', max_size=4),
)
_VERSIONS = st.just("HTTP/1.1")
_ODD_VERSIONS = st.sampled_from(
    [
        *(f"HTTP/{number}" for number in ("0.9", "1.0", "1.2", "1.3", "1.9", "1.10", "1", "1.")),
        *(f"HTTP/{number}" for number in ("2.0", "2", "3.0", "3", "01.1", "1.1 ", " 1.1")),
        *("http/1.1", "HTTPS/1.1", "HTTP", "FTP/1.1", ""),
    ]
)
_VISIBLE = "".join(map(chr, range(0x21, 0x7F)))
_PATH_CHARACTERS = _VISIBLE.replace("#", "").replace("%", "")
_ANY_BYTE = "".join(chr(code) for code in range(0x100) if code not in b"\r\n")


def _targets(key: str, host: str) -> SearchStrategy[str]:
    paths = st.sampled_from(["/lmstudio-greeting", "/llm", "/", "/v1/models?limit=3", "//x"])
    no_paths = [
        *("*", "", "x", f"{host}:443", f"https://{host}/llm", f"http://{host}/llm"),
        *("https://other.example/llm", "/llm#part", "/a b", "/x%00", "/x%zz", "/x%2"),
        *("/../x", "/a/../x", "/a/%2e%2E/x", "/a%2f..", "/a?b=../c", "/..x"),
        *(f"/llm?k={quote(key)}", f"/{'a' * _LONG}"),
    ]
    return _mostly(
        st.one_of(paths, st.text(_PATH_CHARACTERS, max_size=30).map("/".__add__)),
        st.one_of(st.sampled_from(no_paths), st.text(_ANY_BYTE, max_size=6).map("/".__add__)),
    )


def _texts(key: str, key_file: str) -> SearchStrategy[str]:
    """Return the strategy for header values: with and without the key, and odd ones."""
    # Values that a proxy would replace by the key if it expanded such words.
    expanded = [
        *(f"{{file.{key_file}}}", "{http.request.header.X-Other}", "{http.request.uri.query.k}"),
        *("{http.request.cookie.k}", "{http.request.host}", "{env.HOME}", "$http_x_other"),
        *("${arg_k}", "%{REQUEST_HEADERS.X-Other}", "%{ARGS.k}"),
    ]
    return st.one_of(
        st.sampled_from(["", "1", "a, b", "wrong", "a" * 9000]),
        st.text(_VISIBLE + " \t,", max_size=20),
        st.text(_ANY_BYTE, max_size=8),
        st.sampled_from([key, f"k={key}", *expanded]),
        st.sampled_from(["a" * _LONG, "a" * _LONG, "a" * _LONGEST]),
    )


def _near_keys(key: str, key_file: str) -> SearchStrategy[str]:
    """Return the strategy for values that are not the key but may be taken for it."""
    start, end = key[: len(key) // 2], key[len(key) // 2 :]
    changed = [
        *(key.swapcase(), key.upper(), key[:-1], key[1:], f"{key}x", f"x{key}", "*", ".*"),
        *(f'"{key}"', quote(key, safe=""), f"%20{key}", f"{key},", f",{key}", f"{key}, {key}"),
        *(f"{start}{character}{end}" for character in "\x00\t\x0b\x7f\x80 "),
        *(f"{key}{character}" for character in "\x00\x0b\x0c\x85\xa0"),
        *(f"{character}{key}" for character in "\x00\x0b\x0c\x85\xa0"),
        *(f"{start}\r\n {end}", f"\r\n {key}", f"{key}\r\n "),
        *key.split(","),
    ]
    return st.one_of(st.sampled_from(changed), _texts(key, key_file))


_KEY_NAMES = _mostly(
    st.sampled_from(["X-API-Key", "x-api-key", "X-API-KEY"]),
    st.sampled_from(
        [
            *("X_API_Key", "X-API_Key", "X-API-Key ", "X-API-Key\t", " X-API-Key", "X-API-Key\0"),
            *("X-API-Key-2", "X-API", "\xd8-API-Key", "HTTP_X_API_KEY", "X-API-Key:", "X API Key"),
        ]
    ),
)
_OTHER_NAMES = _mostly(
    st.sampled_from(
        ["X-Other", "x-other", "Cookie", "Authorization", "Accept", "X-Forwarded-Host"]
    ),
    st.one_of(
        st.sampled_from(
            ["a_b", "a.b", "(a)", "a b", "", "\xe9", "a\0", "!#$%&'*+.^_`|~", " a", "a\t"]
        ),
        st.text(_VISIBLE.replace(":", ""), min_size=1, max_size=8).map("X-".__add__),
    ),
)
# White space that may stand around a value and is not part of it.
_BLANKS = _mostly(st.just(" "), st.sampled_from(["", "  ", "\t", " \t ", " " * 200]))
_NO_BLANKS = _mostly(st.just(""), _BLANKS)


@st.composite
def _key_pairs(draw: DrawFn, key: str, key_file: str) -> list[tuple[str, str]]:
    """Return names and values of headers for the key; most requests have exactly one."""
    kind = draw(_mostly(st.just("one"), st.sampled_from(["none", "split", "several"]), one_in=5))
    if kind == "none":
        return []
    if kind == "split" and "," in key:
        # A proxy may join these parts to the key again.
        return [(draw(_KEY_NAMES), part) for part in key.split(",")]
    count = draw(st.integers(2, 3)) if kind == "several" else 1
    values = _mostly(st.just(key), _near_keys(key, key_file), one_in=5)
    return [(draw(_KEY_NAMES), draw(values)) for _ in range(count)]


@st.composite
def _pairs(draw: DrawFn, key: str, key_file: str) -> list[tuple[str, str]]:
    """Return names and values of all headers except Host and those about the body."""
    values = _mostly(st.text(_VISIBLE, max_size=12), _texts(key, key_file), one_in=4)
    others = st.lists(st.tuples(_OTHER_NAMES, values), max_size=4)
    return draw(st.permutations(draw(_key_pairs(key, key_file)) + draw(others)))


def _hosts(host: str) -> SearchStrategy[str]:
    odd = [
        *(host.upper(), f"{host}.", f"{host}:", f"{host}:a", f"{host}:1:2", f"{host}:0443"),
        *("", "other.example", f"other.example, {host}", f"x{host}", f"{host}/", f"a@{host}"),
        *(f"{host}\t", f"{host}\0", f"{host}.other.example", f"{host} ", "[::1]", "{env.HOME}"),
    ]
    return _mostly(st.sampled_from([host, host, f"{host}:8443"]), st.sampled_from(odd))


_BODIES = _mostly(
    st.just(((), "")),
    st.sampled_from(
        [
            (("Content-Length: 3",), "abc"),
            (("Content-Length: 0",), ""),
            (("Transfer-Encoding: chunked",), "0\r\n\r\n"),
            (("Transfer-Encoding: Chunked",), "3\r\nabc\r\n0\r\n\r\n"),
            (("Transfer-Encoding: chunked",), "3\r\nX-A\r\n7\r\nPI-Key:\r\n0\r\n\r\n"),
            (("Transfer-Encoding: chunked",), "zz\r\nabc\r\n0\r\n\r\n"),
            (("Transfer-Encoding: chunked", "Content-Length: 5"), "0\r\n\r\n"),
            (("Content-Length: 3", "Content-Length: 3"), "abc"),
            (("Content-Length: 3", "Content-Length: 4"), "abcd"),
            (("Content-Length: -1",), ""),
            (("Content-Length: +3",), "abc"),
            (("Content-Length: ",), ""),
            (("Transfer-Encoding: xchunked",), "0\r\n\r\n"),
            (("Transfer-Encoding: identity",), ""),
            (("Transfer-Encoding: chunked", "Transfer-Encoding: chunked"), "0\r\n\r\n"),
        ]
    ),
    one_in=8,
)
_LINE_ENDS = _mostly(st.just("\r\n"), st.sampled_from(["\n", "\r\r\n"]), one_in=60)
_COLONS = _mostly(st.just(":"), st.sampled_from(["", "::", ": :", " :"]), one_in=60)
_FOLDS = _mostly(st.just(""), st.sampled_from(["\r\n ", "\r\n\t", "\r\n  more"]), one_in=60)


@st.composite
def _http1(draw: DrawFn, key: str, host: str, key_file: str) -> Http1Request:
    method = draw(_mostly(_METHODS, _ODD_METHODS))
    target, version = draw(_targets(key, host)), draw(_mostly(_VERSIONS, _ODD_VERSIONS))
    blank = draw(_mostly(st.just(" "), st.sampled_from(["  ", "\t", ""]), one_in=60))
    hosts = draw(_mostly(st.just(1), st.sampled_from([0, 2]), one_in=40))
    framing, body = draw(_BODIES)
    pairs = [*(("Host", draw(_hosts(host))) for _ in range(hosts)), *draw(_pairs(key, key_file))]
    lines = [
        name + draw(_COLONS) + draw(_BLANKS) + value + draw(_FOLDS) + draw(_NO_BLANKS)
        for name, value in draw(_mostly(st.just(pairs), st.permutations(pairs)))
    ]
    ended = [f"{line}{draw(_LINE_ENDS)}" for line in lines]
    return Http1Request(
        before=draw(_mostly(st.just(""), st.sampled_from(["\r\n", "\n", " ", "\0"]), one_in=60)),
        first_line=f"{method}{blank}{target}{blank}{version}{draw(_LINE_ENDS)}",
        lines=(*ended, *(f"{line}\r\n" for line in framing), "Connection: close\r\n"),
        body=body,
    )


@st.composite
def _http2(draw: DrawFn, key: str, host: str, key_file: str) -> Http2Request:
    pairs = draw(_pairs(key, key_file))
    odd = st.sampled_from(
        [("connection", "close"), ("transfer-encoding", "chunked"), ("host", host), ("X-Y", "z")]
    )
    if draw(_mostly(st.just(False), st.just(True))):
        pairs.append(draw(odd))
    # HTTP/2 requires names in lower case. A value may have a line break inside.
    lower = st.just([(name.lower(), value) for name, value in pairs])
    padded = lower.map(lambda low: [(name, f" {value} ") for name, value in low])
    return Http2Request(
        method=draw(_mostly(_METHODS, _ODD_METHODS)),
        target=draw(_targets(key, host)),
        authority=draw(_hosts(host)),
        headers=tuple(draw(_mostly(lower, st.one_of(st.just(pairs), padded)))),
    )
