"""A host text stands for an address, in TLS or not."""

from __future__ import annotations

import pytest
from lmstudio import LMStudioValueError
from waf_tests.client.host_endpoint import Endpoint, parse_endpoint


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("localhost:1234", Endpoint("localhost", 1234, tls=False)),
        ("localhost", Endpoint("localhost", 80, tls=False)),
        ("lm.example.com:443", Endpoint("lm.example.com", 443, tls=True)),
        ("lm.example.com:4430", Endpoint("lm.example.com", 4430, tls=False)),
        ("lm.example.com:1443", Endpoint("lm.example.com", 1443, tls=False)),
        ("443.example.com:80", Endpoint("443.example.com", 80, tls=False)),
        ("https://lm.example.com", Endpoint("lm.example.com", 443, tls=True)),
        ("https://lm.example.com/", Endpoint("lm.example.com", 443, tls=True)),
        ("https://lm.example.com:8443", Endpoint("lm.example.com", 8443, tls=True)),
        ("wss://lm.example.com", Endpoint("lm.example.com", 443, tls=True)),
        ("wss://lm.example.com:4430", Endpoint("lm.example.com", 4430, tls=True)),
        ("HTTPS://LM.Example.com", Endpoint("lm.example.com", 443, tls=True)),
        ("http://lm.example.com", Endpoint("lm.example.com", 80, tls=False)),
        ("ws://lm.example.com:1234", Endpoint("lm.example.com", 1234, tls=False)),
        ("http://lm.example.com:443", Endpoint("lm.example.com", 443, tls=True)),
        ("127.0.0.1:443", Endpoint("127.0.0.1", 443, tls=True)),
        ("[::1]:1234", Endpoint("::1", 1234, tls=False)),
        ("[::1]", Endpoint("::1", 80, tls=False)),
        ("[2001:db8::443]:1234", Endpoint("2001:db8::443", 1234, tls=False)),
        ("[2001:db8::1]:443", Endpoint("2001:db8::1", 443, tls=True)),
        ("https://[2001:db8::1]", Endpoint("2001:db8::1", 443, tls=True)),
    ],
)
def test_parse(text: str, expected: Endpoint) -> None:
    """A host text is parsed into host, port and TLS; 443, https and wss mean TLS, 4430 does not."""
    assert parse_endpoint(text) == expected


@pytest.mark.parametrize(
    ("text", "http", "websocket"),
    [
        ("localhost:1234", "http://localhost:1234/x", "ws://localhost:1234/x"),
        ("wss://lm.example.com", "https://lm.example.com:443/x", "wss://lm.example.com:443/x"),
        ("https://h:8443", "https://h:8443/x", "wss://h:8443/x"),
        ("[::1]:1234", "http://[::1]:1234/x", "ws://[::1]:1234/x"),
        ("https://[::1]:8443", "https://[::1]:8443/x", "wss://[::1]:8443/x"),
    ],
)
def test_urls(text: str, http: str, websocket: str) -> None:
    """URLs have one scheme, the connection's, and IPv6 addresses are in brackets."""
    endpoint = parse_endpoint(text)
    assert (endpoint.http_url("/x"), endpoint.websocket_url("/x")) == (http, websocket)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("ftp://h", "scheme"),
        ("https://https://h", "IPv6|path|host name|port"),
        ("h:0", "port"),
        ("h:65536", "port"),
        ("h:-1", "port"),
        ("h:", "port"),
        ("h:12 34", "blanks"),
        ("h:port", "port"),
        ("::1", "brackets"),
        ("::1:443", "brackets"),
        ("[::1", "IPv6"),
        ("[::g]:1", "IPv6"),
        ("[fe80::1%eth0]:1", "zone"),
        ("h/llm", "path"),
        ("h?x=1", "path"),
        ("h#x", "path"),
        ("user:hunter2@h", "brackets|user names"),
        ("user@h", "user names"),
        ("h\r\nX-Evil: 1", "blanks"),
        ("bücher.example", "xn--"),
        ("-h", "host name"),
        ("https://", "host name"),
    ],
)
def test_refused(text: str, reason: str) -> None:
    """A text that is not a host and a port is refused in one line that says what is wrong."""
    with pytest.raises(LMStudioValueError, match=reason) as caught:
        parse_endpoint(text)
    assert "\n" not in str(caught.value)
    assert "hunter2" not in str(caught.value)
