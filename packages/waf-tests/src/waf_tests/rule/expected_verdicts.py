"""The requests that the rule is written for: which pass, which are blocked, and by what.

One table serves the Cloudflare expression and the test edges. Each request is written as it goes
over the wire, with `\\n` for line ends and with fields in braces: {key} is the key; {swapped},
{shorter}, {tail}, {longer}, {padded} and {fold} are the key changed in ways that an attacker may
try; {host} is the host, and {capitals} the host in capitals.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from waf_tests.secret import HiddenBytes

GREETING = "/lmstudio-greeting"


class Decides(Enum):
    """What decides whether a request passes."""

    RULE = "the expression itself: header, host, version, TLS"
    EDGE = "the edge's HTTP parser or its routing, before or beside the expression"


@dataclass(frozen=True)
class Row:
    """One request and its expected verdict."""

    name: str
    template: str
    allowed: bool = False
    decides: Decides = Decides.RULE

    def request(self, key: str, host: str) -> bytes:
        """Return the bytes to send for this key and host."""
        text = self.template.format(
            key=key,
            swapped=key.swapcase(),
            shorter=key[:-1],
            tail=key[1:],
            longer=key + "x",
            padded=f"x{key}",
            fold=f"{key[:4]}\n {key[4:]}",
            host=host,
            capitals=host.upper(),
        )
        return HiddenBytes(text.replace("\n", "\r\n").encode("latin-1"))


def _get(*lines: str, target: str = GREETING, version: str = "1.1", host: str = "{host}") -> str:
    return _head("GET", target, version, [f"Host: {host}", *lines])


def _head(method: str, target: str, version: str, lines: list[str]) -> str:
    return "\n".join([f"{method} {target} HTTP/{version}", *lines, "Connection: close", "", ""])


_UPGRADE = (
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
)


def _upgrade(*lines: str, after: str = "") -> str:
    head = ["GET /llm HTTP/1.1", "Host: {host}", *_UPGRADE, *lines, "", ""]
    return "\n".join(head) + after


def _post(*lines: str, body: str) -> str:
    return "\n".join([f"POST {GREETING} HTTP/1.1", "Host: {host}", *lines, "", body])


_KEY = "X-API-Key: {key}"
# The target of the request that a smuggler hides; the origin must never see it.
SMUGGLED = "/smuggled"
_HIDDEN = f"GET {SMUGGLED} HTTP/1.1\nHost: {{host}}\n\n"

HANDSHAKE = Row("websocket with the key", _upgrade(_KEY), allowed=True)

ALLOWED = (
    Row("greeting with the key", _get(_KEY), allowed=True),
    HANDSHAKE,
    Row("header name in lower case", _get("x-api-key: {key}"), allowed=True),
    Row("header name in capitals", _get("X-API-KEY: {key}"), allowed=True),
    Row("host in capitals", _get(_KEY, host="{capitals}"), allowed=True),
    Row("host with a port", _get(_KEY, host="{host}:8443"), allowed=True),
    # RFC 9110, 5.5: blanks around a value are not part of it. Every HTTP/1.1 server, Cloudflare
    # too, drops them before any rule looks. In HTTP/2 they stay, and the request is blocked.
    Row("blanks around the value, HTTP/1.1", _get("X-API-Key:   {key}  "), allowed=True),
    Row("tabs around the value, HTTP/1.1", _get("X-API-Key:\t{key} \t"), allowed=True),
    Row("name with underscores beside the key", _get(_KEY, "X_API_Key: wrong"), allowed=True),
    Row("long header beside the key", _get(_KEY, f"X-Other: {'a' * 20_000}"), allowed=True),
    Row(
        "chunked body",
        _post(_KEY, "Transfer-Encoding: chunked", "Connection: close", body="3\nabc\n0\n\n"),
        allowed=True,
    ),
)

# Values that a proxy would replace by the key if it expanded them in a request: Caddy's
# placeholders, nginx's variables, ModSecurity's macros. Each request has the key at the place that
# its value names; a real attacker needs only a file or a variable that holds the key.
_EXPANSIONS = (
    Row(
        "placeholder of another header",
        _get("X-API-Key: {{http.request.header.X-Other}}", "X-Other: {key}"),
    ),
    Row(
        "placeholder of the query",
        _get("X-API-Key: {{http.request.uri.query.k}}", target=f"{GREETING}?k={{key}}"),
    ),
    Row("placeholder of a cookie", _get("X-API-Key: {{http.request.cookie.k}}", "Cookie: k={key}")),
    Row("placeholder of the user", _get("X-API-Key: {{http.auth.user.id}}{key}")),
    Row("variable of another header", _get("X-API-Key: $http_x_other", "X-Other: {key}")),
    Row(
        "variable of the query",
        _get("X-API-Key: ${{arg_k}}", target=f"{GREETING}?k={{key}}"),
    ),
    Row(
        "macro of another header",
        _get("X-API-Key: %{{REQUEST_HEADERS.X-Other}}", "X-Other: {key}"),
    ),
    Row("macro of the query", _get("X-API-Key: %{{ARGS.k}}", target=f"{GREETING}?k={{key}}")),
)

# One edge's HTTP parser refuses these or takes them to be for another host; neither edge lets
# them pass.
_REFUSED_BY_A_PARSER = tuple(
    Row(name, text, decides=Decides.EDGE)
    for name, text in (
        ("method in lower case", _head("get", GREETING, "1.1", ["Host: {host}", _KEY])),
        ("method with a dash", _head("M-SEARCH", GREETING, "1.1", ["Host: {host}", _KEY])),
        ("CONNECT with a path", _head("CONNECT", GREETING, "1.1", ["Host: {host}", _KEY])),
        ("CONNECT", _head("CONNECT", "{host}:443", "1.1", ["Host: {host}", _KEY])),
        ("TRACE", _head("TRACE", GREETING, "1.1", ["Host: {host}", _KEY])),
        ("HTTP/2's first line", _head("PRI", "*", "2.0", ["Host: {host}", _KEY])),
        ("blank after the version", _get(_KEY, version="1.1 ")),
        ("two blanks before the version", _get(_KEY, target=f"{GREETING} ")),
        ("asterisk", _get(_KEY, target="*")),
        ("path with a NUL", _get(_KEY, target="/x%00")),
        ("path above the root", _get(_KEY, target="/../x")),
        ("encoded path above the root", _get(_KEY, target="/a/%2e%2E/x")),
        ("path outside ASCII", _get(_KEY, target="/\xe9")),
        ("fragment", _get(_KEY, target="/x#part")),
        ("host with a trailing dot", _get(_KEY, host="{host}.")),
        ("host with a port that is no number", _get(_KEY, host="{host}:a")),
        ("host with an empty port", _get(_KEY, host="{host}:")),
        ("control character in another value", _get(_KEY, "X-Other: a\x01b")),
        ("NUL in another value", _get(_KEY, "X-Other: a\0b")),
        ("header name with a parenthesis", _get(_KEY, "X(Other): a")),
        ("header name outside ASCII", _get(_KEY, "X-\xe9: a")),
        ("control character before the value", _get("X-API-Key: \x0b{key}")),
        ("NUL after the value", _get("X-API-Key: {key}\0")),
        ("head over the limit", _get(_KEY, f"X-Other: {'a' * 200_000}")),
    )
)

BLOCKED = (
    Row("no header", _get()),
    Row("no header, websocket", _upgrade()),
    Row("empty value", _get("X-API-Key:")),
    Row("wrong value", _get("X-API-Key: wrong")),
    Row("wrong value, websocket", _upgrade("X-API-Key: wrong")),
    Row("value in the wrong case", _get("X-API-Key: {swapped}")),
    Row("prefix of the value", _get("X-API-Key: {shorter}")),
    Row("suffix of the value", _get("X-API-Key: {tail}")),
    Row("value with more after it", _get("X-API-Key: {longer}")),
    Row("value with more before it", _get("X-API-Key: {padded}")),
    Row("quoted blanks around the value", _get('X-API-Key: " {key} "')),
    Row("encoded blanks around the value", _get("X-API-Key: %20{key}%20")),
    Row("no-break spaces around the value", _get("X-API-Key: \xa0{key}\xa0")),
    Row("wildcard", _get("X-API-Key: *")),
    Row("quoted value", _get('X-API-Key: "{key}"')),
    Row("list of values", _get("X-API-Key: wrong, {key}")),
    Row("key in the query string", _get(target=f"{GREETING}?X-API-Key={{key}}")),
    Row("key in a cookie", _get("Cookie: X-API-Key={key}")),
    Row("key as a bearer token", _get("Authorization: Bearer {key}")),
    Row("header name with underscores", _get("X_API_Key: {key}")),
    Row("other header name", _get("X-API-Key-2: {key}")),
    Row("two headers, right one first", _get(_KEY, "X-API-Key: wrong")),
    Row("two headers, right one last", _get("X-API-Key: wrong", _KEY)),
    Row("two headers, one empty", _get("X-API-Key:", _KEY)),
    Row("two headers, both right", _get(_KEY, "x-api-key: {key}")),
    Row("header after the upgrade", _upgrade(after="X-API-Key: {key}\n\n")),
    *_EXPANSIONS,
    *(
        Row(f"HTTP/{version} with the key", _get(_KEY, version=version))
        for version in ("0.9", "1.0", "1.2", "1.9", "2.0", "3.0")
    ),
    Row("HTTP/1.0 without a host", _head("GET", GREETING, "1.0", [_KEY]), decides=Decides.EDGE),
    Row("other host", _get(_KEY, host="other.example"), decides=Decides.EDGE),
    Row("host with a trailing dot, no key", _get(host="{host}.")),
    Row("host with a port, no key", _get(host="{host}:8443")),
    Row("host in capitals, no key", _get(host="{capitals}")),
    Row("two hosts", _get("Host: other.example", _KEY), decides=Decides.EDGE),
    Row(
        "absolute URI",
        _get(_KEY, target=f"https://{{host}}{GREETING}"),
        decides=Decides.EDGE,
    ),
    Row(
        "absolute URI to another host",
        _get(_KEY, target=f"https://other.example{GREETING}"),
        decides=Decides.EDGE,
    ),
    Row(
        "absolute URI to this host, other Host header",
        _get(_KEY, target=f"https://{{host}}{GREETING}", host="other.example"),
        decides=Decides.EDGE,
    ),
    Row("folded into another header", _get("X-Other: a\n " + _KEY), decides=Decides.EDGE),
    Row("value folded in the middle", _get("X-API-Key: {fold}"), decides=Decides.EDGE),
    Row("blank before the colon", _get("X-API-Key : {key}"), decides=Decides.EDGE),
    Row(
        "header in the trailer",
        _post("Transfer-Encoding: chunked", "Trailer: X-API-Key", body="0\n" + _KEY + "\n\n"),
        decides=Decides.EDGE,
    ),
    Row(
        "header in the body", _post("Content-Length: 60", body=_KEY.ljust(80)), decides=Decides.EDGE
    ),
    Row(
        "chunked body and a length, no key",
        _post(
            "Content-Length: 4",
            "Transfer-Encoding: chunked",
            body="0\n\n" + _HIDDEN.replace("\n\n", "\n" + _KEY + "\n\n"),
        ),
        decides=Decides.EDGE,
    ),
    Row(
        "unknown transfer encoding",
        _post(_KEY, "Transfer-Encoding: xchunked", body="0\n\n" + _HIDDEN),
        decides=Decides.EDGE,
    ),
    Row(
        "two lengths",
        _post(_KEY, "Content-Length: 0", "Content-Length: 30", body=_HIDDEN),
        decides=Decides.EDGE,
    ),
    *_REFUSED_BY_A_PARSER,
)

# Each proxy answers these itself, before its rules: Caddy with an empty 200, nginx with 400. They
# must not reach the origin, and the key must make no difference.
ANSWERED_BY_THE_PROXY = (
    Row("OPTIONS *, no key", _head("OPTIONS", "*", "1.1", ["Host: {host}"]), decides=Decides.EDGE),
    Row("OPTIONS *", _head("OPTIONS", "*", "1.1", ["Host: {host}", _KEY]), decides=Decides.EDGE),
)

# These pass by their own key and hide a second request in the body; only that one is stopped.
SMUGGLERS = (
    Row(
        "request after a chunked body that also has a length",
        _post(_KEY, "Content-Length: 4", "Transfer-Encoding: chunked", body="0\n\n" + _HIDDEN),
    ),
    Row(
        "request after a chunked body",
        _post(_KEY, "Transfer-Encoding: chunked", body="0\n\n" + _HIDDEN),
    ),
    Row("request after an empty body", _post(_KEY, "Content-Length: 0", body=_HIDDEN)),
    Row("request after a websocket's handshake", _upgrade(_KEY, after=_HIDDEN)),
    Row(
        "broken chunk size",
        _post(_KEY, "Transfer-Encoding: chunked", body="zz\n\n" + _HIDDEN),
    ),
)
